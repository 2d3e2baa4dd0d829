from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from newsletter.models import Member, Newsletter
from subscribers import tasks
from subscribers.guard import sieges
from subscribers.models import ConsentEvent, Letter, Siege, Subscription
from tests import factories

NOW = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
pytestmark = pytest.mark.django_db


def siege(newsletter: Newsletter, **fields: object) -> Siege:
    sieges.forget()
    fields = {"began_at": NOW, "last_seen_at": NOW, "usual": 50, "most": 4312} | fields
    return Siege.objects.create(newsletter=newsletter, **fields)


def asked(newsletter: Newsletter, count: int, *, at: datetime, **fields: object) -> None:
    reader = factories.subscription(newsletter, f"asked{at.timestamp()}@example.com").subscriber
    fields = {"kind": "asked", "method": "form"} | fields
    ConsentEvent.objects.bulk_create(
        [
            ConsentEvent(subscriber=reader, newsletter=newsletter, happened_at=at, **fields)
            for _ in range(count)
        ]
    )


def usual(newsletter: Newsletter, *, hours: int = 24 * 7) -> int:
    """After it was learnt for so long."""
    for _ in range(hours):
        sieges.learn(now=NOW)
    newsletter.refresh_from_db()
    return newsletter.usual_sign_ups


def sent(subscription: Subscription, count: int, *, at: datetime) -> None:
    Letter.objects.bulk_create(
        [
            Letter(
                kind="confirmation", subscriber=subscription.subscriber, newsletter=subscription.newsletter,
                asked_at=at, sent_at=at,
            )
            for _ in range(count)
        ]
    )  # fmt: skip


def test_a_siege_begins_once_and_remembers_its_worst(
    daily: Newsletter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sieges, "NOTE_AGAIN", 0.0)
    Newsletter.objects.update(usual_sign_ups=2)

    besieged = [sieges.counts(daily.pk, now=NOW) for _ in range(5)]
    sieges.counts(daily.pk, now=NOW + 20 * MINUTE)

    assert besieged == [False, False, True, True, True]
    found = Siege.objects.get()
    assert (found.began_at, found.last_seen_at, found.usual, found.most) == (NOW, NOW, 2, 5)


def test_a_siege_that_another_process_has_begun_is_not_begun_twice(daily: Newsletter) -> None:
    Newsletter.objects.update(usual_sign_ups=0)
    siege(daily, most=70)

    assert sieges.counts(daily.pk, now=NOW + MINUTE) is True
    found = Siege.objects.get()
    assert (found.began_at, found.last_seen_at, found.most) == (NOW, NOW + MINUTE, 70)


def test_a_siege_ends_when_it_was_quiet_for_half_an_hour(daily: Newsletter) -> None:
    siege(daily)

    assert sieges.is_on(daily.pk, now=NOW)
    assert sieges.end_quiet(now=NOW + 29 * MINUTE) == 0
    assert sieges.end_quiet(now=NOW + 31 * MINUTE) == 1
    assert not sieges.is_on(daily.pk, now=NOW)
    assert Siege.objects.get().ended_at == NOW + 31 * MINUTE


def test_the_task_ends_what_is_over(daily: Newsletter) -> None:
    siege(daily)

    tasks.end_sieges()

    assert Siege.objects.filter(ended_at=None).count() == 0


def test_usual_is_four_times_the_busiest_ten_minutes(daily: Newsletter) -> None:
    assert usual(daily) == 50

    asked(daily, 40, at=NOW - timedelta(days=3))
    asked(daily, 30, at=NOW - timedelta(days=2))
    asked(daily, 90, at=NOW - timedelta(days=15))
    asked(daily, 90, at=NOW - timedelta(days=1), method="file")
    assert usual(daily) == 160


def test_what_is_usual_grows_twofold_a_day_at_most(daily: Newsletter) -> None:
    """Whoever stays just below the limit, hour by hour, must not have four times as much room with each."""
    asked(daily, 5000, at=NOW - timedelta(hours=1))

    first_day, second_day = usual(daily, hours=24), usual(daily, hours=24)

    assert 70 <= first_day <= 100
    assert first_day < second_day <= 2 * first_day


def test_what_was_usual_once_is_forgotten_at_once(daily: Newsletter) -> None:
    Newsletter.objects.update(usual_sign_ups=3000)
    asked(daily, 40, at=NOW - timedelta(days=3))

    assert usual(daily, hours=1) == 160


def test_a_flood_does_not_teach_that_floods_are_usual(daily: Newsletter) -> None:
    yesterday = NOW - timedelta(days=1)
    siege(daily, began_at=yesterday, last_seen_at=yesterday, ended_at=yesterday + timedelta(hours=2))
    asked(daily, 50, at=yesterday - 5 * MINUTE)
    asked(daily, 500, at=yesterday + 30 * MINUTE)

    assert usual(daily) == 50


def test_what_is_usual_is_learnt_by_a_task(daily: Newsletter) -> None:
    asked(daily, 20, at=datetime.now(UTC) - timedelta(hours=1))

    tasks.learn_what_is_usual()

    daily.refresh_from_db()
    assert daily.usual_sign_ups == 51


def test_confirmations_leave_freely_in_peace(daily: Newsletter) -> None:
    sent(factories.subscription(daily, "ada@example.com"), 150, at=NOW - MINUTE)

    assert sieges.may_send(daily.pk, now=NOW)


def test_confirmations_leave_at_a_measured_pace_in_a_siege(daily: Newsletter) -> None:
    reader = factories.subscription(daily, "ada@example.com")
    siege(daily)
    sent(reader, 80, at=NOW - 61 * MINUTE)
    sent(reader, 99, at=NOW - MINUTE)

    assert sieges.may_send(daily.pk, now=NOW)
    sent(reader, 1, at=NOW - MINUTE)
    assert not sieges.may_send(daily.pk, now=NOW)
    assert sieges.may_send(daily.pk, now=NOW + 60 * MINUTE)
    assert sieges.may_send(daily.pk + 1, now=NOW)


@pytest.fixture
def editor(daily: Newsletter, client: Client) -> User:
    person = User.objects.create_user("editor", is_staff=True)
    Member.objects.create(newsletter=daily, user=person, role="editor")
    client.force_login(person)
    return person


def test_the_desk_says_that_a_siege_goes_on(daily: Newsletter, editor: User, client: Client) -> None:
    siege(daily)

    page = client.get(reverse("admin:index")).text

    assert "4,312 sign-ups in ten minutes; up to 50 are usual." in page
    assert "since 4 May 2026, 09:30 UTC" in page
    assert reverse("desk:sieges") in page


def test_the_desk_says_nothing_in_peace(daily: Newsletter, editor: User, client: Client) -> None:
    siege(daily, ended_at=NOW)
    siege(factories.newsletter("other"))

    assert "Attack mode" not in client.get(reverse("admin:index")).text


def test_the_history_shows_ones_own(daily: Newsletter, editor: User, client: Client) -> None:
    siege(daily, ended_at=NOW + timedelta(hours=1))
    siege(daily, began_at=NOW + timedelta(hours=2), most=99)
    siege(factories.newsletter("other", name="The Other"), most=777)

    page = client.get(reverse("desk:sieges")).text

    assert ("goes on" in page, "4,312" in page, "The Other" in page, "777" in page) == (
        True,
        True,
        False,
        False,
    )
    assert page.index("goes on") < page.index("4,312")


@pytest.mark.parametrize("count", [1, 3])
def test_the_history_costs_the_same_for_one_and_for_three(
    daily: Newsletter, editor: User, client: Client, count: int, django_assert_num_queries: Any
) -> None:
    for hour in range(count):
        siege(daily, began_at=NOW + timedelta(hours=hour), ended_at=NOW + timedelta(hours=hour, minutes=40))

    with django_assert_num_queries(8):
        client.get(reverse("desk:sieges"))


def test_look_that_began_before_the_siege_hides_it_from_nobody(
    daily: Newsletter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of many posts at the same moment some look at the database just before the first of them notes the siege."""
    sieges.forget()
    calls: list[float] = []

    class Clock:
        def monotonic(self) -> float:
            calls.append(time.monotonic())
            if len(calls) == 2:  # the open sieges have been read, and what was read is about to be kept
                siege(daily)
            return calls[-1]

    monkeypatch.setattr(sieges, "time", Clock())

    assert [sieges.is_on(daily.pk, now=NOW) for _ in range(2)] == [False, True]
