"""Rows for tests. The cast: ada (active), bob (pending), cleo (unsubscribed)."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import timezone

from delivery import preflight
from delivery.models import Acceptance, Plan
from newsletter import faces, publishing
from newsletter.models import Issue, Newsletter
from subscribers import counting
from subscribers.models import Subscriber, Subscription, address_key

BODY = "<p>Good morning.</p><ul><li><p><strong>Tides:</strong> high at nine.</p></li></ul>"


def newsletter(slug: str = "daily", **fields: object) -> Newsletter:
    defaults = {
        "name": "The Daily",
        "sender_name": "The Daily",
        "sender_email": "editors@daily.example",
        "postal_address": "The Daily, 1 Quay Street, Harbour Town",
    }
    return Newsletter.objects.create(slug=slug, **defaults | fields)


def issue(newsletter: Newsletter, slug: str = "tides", **fields: object) -> Issue:
    defaults = {
        "subject": "The tide keeps its own clock",
        "preheader": "Fifty minutes late, every day",
        "body": BODY,
    }
    return Issue.objects.create(newsletter=newsletter, slug=slug, **defaults | fields)


def subscription(
    newsletter: Newsletter, email: str, *, status: str = "active", **fields: object
) -> Subscription:
    now = timezone.now()
    times = {
        "active": {"confirmed_at": now},
        "paused": {"confirmed_at": now, "paused_until": now + timedelta(days=14)},
        "unsubscribed": {"confirmed_at": now, "unsubscribed_at": now},
        "pending": {},
    }[status]
    subscriber, _ = Subscriber.objects.get_or_create(
        email=email, defaults={"address_key": address_key(email)}
    )
    return Subscription.objects.create(
        subscriber=subscriber, newsletter=newsletter, status=status, requested_at=now, **times | fields
    )


def cast(newsletter: Newsletter) -> tuple[Subscription, Subscription, Subscription]:
    return (
        subscription(newsletter, "ada@example.com"),
        subscription(newsletter, "bob@example.com", status="pending"),
        subscription(newsletter, "cleo@example.com", status="unsubscribed"),
    )


def readers(newsletter: Newsletter, count: int) -> None:
    """Many active readers, in bulk."""
    now = timezone.now()
    emails = [f"reader{number}@example.com" for number in range(count)]
    Subscriber.objects.bulk_create(
        [Subscriber(email=email, address_key=address_key(email)) for email in emails]
    )
    found = Subscriber.objects.filter(email__startswith="reader").values_list("pk", flat=True)
    Subscription.objects.bulk_create(
        [
            Subscription(
                subscriber_id=pk, newsletter=newsletter, status="active", requested_at=now, confirmed_at=now
            )
            for pk in found
        ]
    )
    counting.refresh()


def scheduled(issue: Issue, *, at: datetime) -> Plan:
    """By an approved plan, as `manage.py schedule_issue` makes it; `at` may have passed."""
    publishing.schedule(issue, at=at)
    now = timezone.now()
    return Plan.objects.create(
        issue=issue,
        content_hash=faces.fingerprint(issue),
        at=issue.scheduled_at,
        readers=1,
        asked_at=now,
        approved_at=now,
    )


def accept_warnings(issue: Issue) -> None:
    """Whatever the checks ask about, as nobody in particular."""
    for finding in preflight.report(issue).open:
        Acceptance.objects.get_or_create(issue=issue, code=finding.code, mark=finding.mark)
