"""What people do at the desk to send an issue, and how it stands then."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone

from delivery.models import Plan
from delivery.planning import Seen
from newsletter import faces
from newsletter.models import Issue, Member, Newsletter


def make_team(newsletter: Newsletter) -> dict[str, User]:
    found = {}
    for name, role in (("wim", "writer"), ("edda", "editor"), ("eddie", "editor"), ("pia", "publisher")):
        user = User.objects.create_user(name, f"{name}@daily.example", first_name=name.title(), is_staff=True)
        Member.objects.create(newsletter=newsletter, user=user, role=role)
        found[name] = user
    return found


def seen(issue: Issue, *, at: datetime | None = None, plan: Plan | None = None) -> Seen:
    return Seen(faces.fingerprint(issue), at, readers=1, plan_id=plan.pk if plan else None)


def tomorrow() -> datetime:
    return timezone.now().replace(second=0, microsecond=0) + timedelta(days=1)


def state(issue: Issue) -> tuple[str, datetime | None]:
    issue.refresh_from_db()
    return issue.status, issue.scheduled_at


def at_once(*steps: Callable[[], object]) -> list[object]:
    """Each in a thread of its own, from the same moment on; what came of each, exceptions too."""
    gate = threading.Barrier(len(steps))

    def one(step: Callable[[], object]) -> object:
        gate.wait()
        try:
            return step()
        except Exception as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(steps)) as threads:
        return [done.result() for done in [threads.submit(one, step) for step in steps]]
