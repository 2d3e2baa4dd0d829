from __future__ import annotations

import itertools
from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError
from django.db.models import F
from django.utils import timezone

from delivery import gateway, preparation, submission
from delivery.models import Attempt, Delivery, Dispatch
from newsletter.models import Issue, Member, Newsletter
from newsletter.samples import MASTHEAD, SAMPLES
from subscribers import counting
from subscribers.models import Subscriber, Subscription, address_key

if TYPE_CHECKING:
    from argparse import ArgumentParser

DEMO_USER = "editor"
DEMO_PASSWORD = "courant"  # noqa: S105 -- the demo's own, printed on its screen; refused with DEBUG off
# Two pairs of eyes and a writer, by the names of their roles; the password is the same.
DEMO_TEAM = {"ada": "publisher", "ben": "editor", "cleo": "writer"}
READERS = 200
GROWN_OVER = 90  # days; by then two of five were there already
# One reader in so many has chosen otherwise than "every issue".
WEEKLY_EACH, WEEKDAYS_EACH, PAUSED_EACH = 12, 17, 29
SATURDAY = 5
CHUNK = 2000
FIRST_NAMES = (
    "Ada Bo Chidi Dora Émile Fatima Goro Hanna Ines Jón Kateryna Luis Mei Nadia Olu Priya Rosa Sven Tomás Uma"
)
LAST_NAMES = (
    "Abara Bergström Castillo Dubois Eze Fischer García Haddad Ivanova Jensen Kim Lindqvist Moreau Nakamura"
)


class Command(BaseCommand):
    help = "Fill an empty installation with a newsletter, three issues (two of them sent) and readers."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--subscribers", type=int, default=READERS, metavar="N")

    def handle(self, *, subscribers: int, **options: Any) -> None:
        if not settings.DEBUG:
            raise CommandError("The sample newsletter and its well-known password are for DEBUG=1 only.")
        _make_editor()
        newsletter, is_new = Newsletter.objects.get_or_create(slug=MASTHEAD.slug, defaults=asdict(MASTHEAD))
        if is_new:
            _add_readers(newsletter, upto=min(subscribers, READERS))
            counting.refresh()
            newsletter.refresh_from_db()
            self._add_issues(newsletter)
            _make_team(newsletter)
            Newsletter.objects.filter(pk=newsletter.pk).update(digest_day=SATURDAY, offers_weekdays=True)
        _add_readers(newsletter, upto=subscribers)
        counting.refresh()
        counting.note_days(now=timezone.now())
        newsletter.refresh_from_db()
        self.stdout.write(
            f"{newsletter.name}: {newsletter.issues.count()} issues, {newsletter.active_readers:,} readers."
        )

    def _add_issues(self, newsletter: Newsletter) -> None:
        *past, ready = SAMPLES
        for days_ago, sample in zip(range(len(past), 0, -1), past, strict=True):
            issue = Issue.objects.create(newsletter=newsletter, **sample.as_fields())
            if (
                gateway.scheme(preparation.MAILER) == "outbox"
            ):  # only there: nobody's real provider gets sample mails
                self.stdout.write(f"Sending “{issue.subject}” to the outbox …")
                _send_days_ago(issue, days=days_ago)
        Issue.objects.create(newsletter=newsletter, **ready.as_fields())


def _make_editor() -> None:
    users = get_user_model().objects
    if not users.filter(username=DEMO_USER).exists():
        users.create_superuser(DEMO_USER, "editor@example.com", DEMO_PASSWORD)


def _make_team(newsletter: Newsletter) -> None:
    users = get_user_model().objects
    for name, role in DEMO_TEAM.items():
        user = users.filter(username=name).first() or users.create_user(
            name, f"{name}@example.com", DEMO_PASSWORD, first_name=name.capitalize(), is_staff=True
        )
        Member.objects.get_or_create(newsletter=newsletter, user=user, defaults={"role": role})


def _send_days_ago(issue: Issue, *, days: int) -> None:
    """Through the same steps as every issue; only the times are set back."""
    back = timedelta(days=days)
    dispatch = preparation.start(issue)
    ours = Dispatch.objects.filter(pk=dispatch.pk)
    ours.update(started_at=F("started_at") - back)  # its readers are those of that day of the week
    preparation.prepare(dispatch.pk)
    while submission.send_for(dispatch.pk, seconds=60):
        pass
    Issue.objects.filter(pk=issue.pk).update(published_at=F("published_at") - back)
    ours.update(finished_at=F("finished_at") - back)
    Delivery.objects.filter(dispatch=dispatch).update(settled_at=F("settled_at") - back)
    attempts = Attempt.objects.filter(batch__dispatch=dispatch)
    attempts.update(started_at=F("started_at") - back, ended_at=F("ended_at") - back)


def _add_readers(newsletter: Newsletter, *, upto: int) -> None:
    present = Subscription.objects.filter(newsletter=newsletter).count()
    for numbers in itertools.batched(range(present, upto), CHUNK):
        people = [_reader(number) for number in numbers]
        Subscriber.objects.bulk_create(people, ignore_conflicts=True)
        found = Subscriber.objects.filter(email__in=[person.email for person in people]).values_list(
            "pk", flat=True
        )
        Subscription.objects.bulk_create((_subscribed(pk, newsletter) for pk in found), ignore_conflicts=True)


def _reader(number: int) -> Subscriber:
    first_names, last_names = FIRST_NAMES.split(), LAST_NAMES.split()
    first = first_names[number % len(first_names)]
    last = last_names[number // len(first_names) % len(last_names)]
    ascii_name = f"{first}.{last}".lower().translate(str.maketrans("éöíóáã", "eoioaa"))
    repeat = number // (len(first_names) * len(last_names))
    email = f"{ascii_name}{repeat or ''}@example.com"
    return Subscriber(email=email, address_key=address_key(email), first_name=first)


def _subscribed(subscriber_id: int, newsletter: Newsletter) -> Subscription:
    """Active, and most want every issue; some rest for a while."""
    now = timezone.now()
    since = now - timedelta(days=_days_here(subscriber_id))
    rests = subscriber_id % PAUSED_EACH == 0
    return Subscription(
        subscriber_id=subscriber_id,
        newsletter=newsletter,
        status=Subscription.Status.PAUSED if rests else Subscription.Status.ACTIVE,
        paused_until=now + timedelta(days=14) if rests else None,
        frequency=_frequency(subscriber_id),
        origin=Subscription.Origin.IMPORT,
        requested_at=since,
        confirmed_at=since,
    )


def _frequency(number: int) -> Subscription.Frequency:
    if number % WEEKLY_EACH == 0:
        return Subscription.Frequency.WEEKLY
    return Subscription.Frequency.WEEKDAYS if number % WEEKDAYS_EACH == 0 else Subscription.Frequency.EVERY


def _days_here(number: int) -> int:
    """How long ago somebody came: always the same, more of them lately, nobody today."""
    share = number * 0.6180339887 % 1  # the golden section spreads numbers evenly, without chance
    return GROWN_OVER + 30 if share < 0.4 else 1 + round(GROWN_OVER * ((share - 0.4) / 0.6) ** 1.4)
