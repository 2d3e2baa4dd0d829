"""What checks before sending say, and the issue before to compare with."""

from __future__ import annotations

from datetime import UTC, datetime

from django.utils import timezone

from delivery.models import (
    Dispatch,
)
from delivery.preflight import Finding, Level
from newsletter.models import Newsletter
from tests import factories

AT = datetime(2026, 11, 24, 6, 30, tzinfo=UTC)
MAILGUN = {"BACKEND": "anymail.backends.mailgun.EmailBackend"}


def by_code(found: list[Finding] | tuple[Finding, ...]) -> dict[str, Level]:
    return {each.code: each.level for each in found if each.level != Level.FINE}


def dispatched(newsletter: Newsletter, *, readers: int, slug: str = "last") -> Dispatch:
    now = timezone.now()
    issue = factories.issue(newsletter, slug, status="sent", published_at=now, subject=f"The {slug} one")
    return Dispatch.objects.create(
        issue=issue,
        state="sent",
        mailer="bulk",
        batch_size=10,
        audience_size=readers,
        subject=issue.subject,
        sender="The Daily <editors@daily.example>",
        html="",
        text="",
        content_hash="",
        started_at=now,
        finished_at=now,
    )
