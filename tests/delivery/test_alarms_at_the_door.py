"""What is told of a newsletter, and no one issue of it: attack mode, sudden leavings, a digest that is not written."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.test import Client
from django.utils import timezone

from delivery import alarms, digests, troubles
from delivery.models import Alarm, Digest
from newsletter.models import Member, Newsletter
from subscribers import bursts
from subscribers.guard import sieges
from subscribers.models import Burst, Siege
from tests import factories
from tests.delivery.digesting import out, was_due, weekly_of

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture(autouse=True)
def team(daily: Newsletter) -> None:
    """Only editors and publishers see readers; an owner is told of the rest."""
    for name, role in (("wendy", Member.Role.WRITER), ("eddy", Member.Role.EDITOR)):
        user = User.objects.create_user(name, f"{name}@daily.example", is_staff=True)
        Member.objects.create(newsletter=daily, user=user, role=role)
    owner = User.objects.create_user("olga", "olga@daily.example", is_staff=True)
    daily.owners.add(owner)
    User.objects.create_superuser("boss", "boss@daily.example")


def besieged(newsletter: Newsletter, **fields: Any) -> Siege:
    now = timezone.now()
    given = {"began_at": now - HOUR, "last_seen_at": now, "usual": 50, "most": 1200}
    return Siege.objects.create(newsletter=newsletter, **given | fields)


def left_at_once(
    newsletter: Newsletter, network: str, *, ago: timedelta = MINUTE, readers: int = 12
) -> Burst:
    at = timezone.now() - ago
    row = {"network": network, "began_at": at, "ended_at": at, "readers": readers}
    return Burst.objects.create(newsletter=newsletter, **row)


def clock(moment: datetime) -> str:
    return f"{moment.day} {moment:%B %Y, %H:%M} (UTC)"


def told() -> list[tuple[list[str], str]]:
    return [(message.to, message.subject) for message in mail.outbox]


def test_who_may_see_readers_is_told_once_that_a_siege_began(daily: Newsletter) -> None:
    siege = besieged(daily)

    for _ in range(3):
        alarms.watch()

    (message,) = mail.outbox
    assert (message.to, message.subject) == (
        ["eddy@daily.example"],
        "The Daily: far more sign-ups than usual",
    )
    began = (
        f"Since {clock(siege.began_at)} far more people sign up than usual: 1,200 so far within ten minutes"
    )
    assert f"{began}, where up to 50 are usual." in message.body
    assert "There is nothing you need to do." in message.body
    assert "\nhttp://testserver/admin/desk/sieges/\n" in message.body
    assert "as somebody who may see the readers of The Daily" in message.body


def test_attack_in_waves_is_told_once_and_the_next_one_again(daily: Newsletter) -> None:
    siege = besieged(daily, began_at=timezone.now() - 9 * HOUR, last_seen_at=timezone.now() - HOUR)
    alarms.watch()
    sieges.end_quiet(now=timezone.now())
    alarms.watch()
    between = Alarm.objects.open().count()
    second = besieged(daily)
    alarms.watch()
    one_event = len(mail.outbox)
    Siege.objects.filter(pk__in=[siege.pk, second.pk]).update(ended_at=timezone.now() - 7 * HOUR)
    alarms.watch()
    over = Alarm.objects.open().count()
    besieged(daily)
    alarms.watch()

    assert (between, one_event, over, len(mail.outbox)) == (1, 1, 0, 2)


def test_siege_of_last_week_is_nothing_to_tell(daily: Newsletter) -> None:
    besieged(daily, ended_at=timezone.now() - MINUTE)

    alarms.watch()

    assert (Alarm.objects.count(), mail.outbox) == (0, [])


def test_leavings_from_many_networks_are_one_mail_until_somebody_has_looked(daily: Newsletter) -> None:
    first = left_at_once(daily, "192.0.2.0/24", ago=2 * MINUTE)
    left_at_once(daily, "198.51.100.0/24", readers=30)
    alarms.watch()
    (message,) = list(mail.outbox)
    left_at_once(daily, "203.0.113.0/24")
    alarms.watch()
    meanwhile = len(mail.outbox)
    eddy = User.objects.get(username="eddy")
    settled = [bursts.dismiss(burst, by=eddy) for burst in Burst.objects.all()]
    alarms.watch()
    over = Alarm.objects.open().count()
    left_at_once(daily, "203.0.113.0/24")
    alarms.watch()

    assert message.to == ["eddy@daily.example"]
    assert message.subject == "The Daily: many readers left at once"
    assert f"at once, each time from one network: 42 so far, since {clock(first.began_at)}." in message.body
    assert "\nhttp://testserver/admin/desk/bursts/\n" in message.body
    assert (meanwhile, settled, over, len(mail.outbox)) == (1, [True] * 3, 0, 2)


def test_leavings_that_nobody_looked_at_do_not_hide_the_next_mornings(daily: Newsletter) -> None:
    left_at_once(daily, "192.0.2.0/24")
    alarms.watch()
    Burst.objects.update(began_at=timezone.now() - 24 * HOUR, ended_at=timezone.now() - 24 * HOUR)
    alarms.watch()
    left_at_once(daily, "192.0.2.0/24")
    alarms.watch()

    assert [subject for _, subject in told()] == ["The Daily: many readers left at once"] * 2


def test_leavings_that_a_worker_found_late_are_told_once_for_half_a_day(daily: Newsletter) -> None:
    """It was down overnight: they ended long before they were noted."""
    left_at_once(daily, "192.0.2.0/24", ago=23 * HOUR)
    for _ in range(2):
        alarms.watch()
    at_once = (Alarm.objects.open().count(), len(mail.outbox))
    now = timezone.now()
    Burst.objects.update(began_at=now - 34 * HOUR, ended_at=now - 34 * HOUR)
    Alarm.objects.update(since=now - 34 * HOUR, raised_at=now - 11 * HOUR)
    alarms.watch()
    by_evening = Alarm.objects.open().count()
    Alarm.objects.update(raised_at=now - 13 * HOUR)
    for _ in range(2):
        alarms.watch()

    assert (at_once, by_evening) == ((1, 1), 1)
    assert (Alarm.objects.open().count(), len(mail.outbox)) == (0, 1)


def test_leavings_that_were_told_are_not_told_again_when_their_half_day_is_over(daily: Newsletter) -> None:
    left_at_once(daily, "192.0.2.0/24")
    alarms.watch()
    earlier = timezone.now() - 13 * HOUR
    Burst.objects.update(began_at=earlier, ended_at=earlier)
    Alarm.objects.update(since=earlier, raised_at=earlier + MINUTE)
    for _ in range(2):
        alarms.watch()

    assert (Alarm.objects.open().count(), len(mail.outbox)) == (0, 1)


def test_without_anybody_in_the_team_a_superuser_is_told(daily: Newsletter) -> None:
    Member.objects.all().delete()
    besieged(daily)

    alarms.watch()

    assert told() == [(["boss@daily.example"], "The Daily: far more sign-ups than usual")]


def test_digest_that_is_not_written_is_told_and_over_once_it_is(daily: Newsletter, client: Client) -> None:
    weekly = weekly_of(daily)
    out(weekly, "tides", days=2)
    Digest.objects.all().delete()
    digest = was_due(weekly, ago=4 * MINUTE)
    alarms.watch()
    (message,) = list(mail.outbox)
    client.force_login(User.objects.get(username="eddy"))
    page = client.get("/admin/").content.decode()
    digests.look(now=timezone.now())
    alarms.watch()

    assert (message.to, message.subject) == (
        ["olga@daily.example"],
        "The Daily: its weekly digest was not written",
    )
    assert f"Its weekly digest was due at {clock(digest.at)} and has not been written." in message.body
    assert "http://testserver/admin/\n" in message.body
    assert "Needs somebody" in page
    assert "its weekly digest was not written" in page
    assert Alarm.objects.get(kind="not_written").cleared_at is not None


def test_digest_that_nobody_wants_is_no_trouble(daily: Newsletter) -> None:
    was_due(daily, ago=4 * MINUTE)

    assert troubles.found() == []


def test_what_machines_do_at_the_door_is_no_trouble_of_sending(daily: Newsletter, client: Client) -> None:
    besieged(daily)
    left_at_once(daily, "192.0.2.0/24")

    assert client.get("/readyz").json()["sending"] == "ok"


def test_desk_shows_attack_mode_and_leavings_once(daily: Newsletter, client: Client) -> None:
    besieged(daily)
    left_at_once(daily, "192.0.2.0/24")
    alarms.watch()
    client.force_login(User.objects.get(username="eddy"))

    page = client.get("/admin/").content.decode()

    assert [page.count(words) for words in ('sieges-title"', 'bursts-title"', 'failing-title"')] == [2, 2, 0]


def test_deleting_a_newsletter_takes_its_alarms_along() -> None:
    empty = factories.newsletter("empty")
    besieged(empty)
    alarms.watch()

    empty.delete()

    assert Alarm.objects.count() == 0
