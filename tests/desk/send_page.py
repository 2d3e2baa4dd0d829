"""The page on which an issue is sent, and its form."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.models import User
from django.test import Client

from delivery.models import Plan
from newsletter import faces
from newsletter.models import Issue


def browser(user: User) -> Client:
    found = Client()
    found.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return found


def path(issue: Issue, verb: str = "") -> str:
    return f"/admin/desk/issues/{issue.pk}/send/{verb}"


def form(issue: Issue, *, at: datetime | None = None, plan: Plan | None = None) -> dict[str, str]:
    """As it stands on the page."""
    return {
        "seen": faces.fingerprint(issue),
        "at": at.isoformat() if at else "",
        "readers": "1",
        "plan": str(plan.pk) if plan else "",
    }
