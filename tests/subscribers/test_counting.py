from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from newsletter.models import Newsletter
from subscribers import counting
from subscribers.models import ReaderDay, Subscription, Suppression, address_key
from tests import factories

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)  # in New York it is the day before still


def joined(newsletter: Newsletter, name: str, *, days_ago: int) -> Subscription:
    confirmed_at = NOW - timedelta(days=days_ago)
    return factories.subscription(newsletter, f"{name}@example.com", confirmed_at=confirmed_at)


def days(newsletter: Newsletter) -> dict[date, tuple[int, int, int]]:
    return {row.day: (row.active, row.joined, row.left) for row in newsletter.days.all()}


def note(newsletter: Newsletter, *, now: datetime = NOW) -> dict[date, tuple[int, int, int]]:
    counting.refresh()
    counting.note_days(now=now)
    return days(newsletter)


def test_days_before_the_first_are_told_from_the_subscriptions(daily: Newsletter) -> None:
    joined(daily, "ada", days_ago=3)
    left = joined(daily, "bob", days_ago=2)
    Subscription.objects.filter(pk=left.pk).update(
        status="unsubscribed", unsubscribed_at=NOW - timedelta(days=1)
    )

    found = note(daily)

    assert len(found) == counting.LOOK_BACK + 1
    assert [found[date(2026, 11, day)] for day in (18, 19, 20, 21, 22)] == [
        (0, 0, 0),
        (1, 1, 0),
        (2, 1, 0),
        (1, 0, 1),
        (1, 0, 0),
    ]


def test_today_is_the_newsletters_own(daily: Newsletter) -> None:
    Newsletter.objects.update(time_zone="America/New_York")
    joined(daily, "ada", days_ago=0)

    found = note(daily)

    assert max(found) == date(2026, 11, 21)
    assert found[date(2026, 11, 21)] == (1, 1, 0)


def test_todays_row_moves_on_and_yesterday_is_finished(daily: Newsletter) -> None:
    note(daily)
    joined(daily, "ada", days_ago=0)
    late = factories.subscription(daily, "bob@example.com", confirmed_at=NOW + timedelta(hours=20))

    found = note(daily, now=NOW + timedelta(days=1))

    assert found[date(2026, 11, 22)] == (0, 2, 0)
    assert found[date(2026, 11, 23)] == (2, 0, 0)
    assert late.pk
    assert ReaderDay.objects.filter(day=date(2026, 11, 23)).count() == 1


def test_days_that_nobody_counted_are_filled_in(daily: Newsletter) -> None:
    note(daily)
    joined(daily, "ada", days_ago=-3)

    found = note(daily, now=NOW + timedelta(days=5))

    assert [found[date(2026, 11, day)][0] for day in (24, 25, 26, 27)] == [0, 1, 1, 1]


def test_noting_twice_changes_nothing(daily: Newsletter) -> None:
    joined(daily, "ada", days_ago=3)

    assert note(daily) == note(daily)


def test_count_leaves_out_the_suppressed_of_each_frequency(daily: Newsletter) -> None:
    for number, frequency in enumerate(["every"] * 4 + ["weekdays"] * 3 + ["weekly"] * 2):
        factories.subscription(daily, f"r{number}@example.com", frequency=frequency)
    factories.subscription(factories.newsletter("other"), "r0@example.com")
    factories.subscription(daily, "left@example.com", status="unsubscribed")
    for address in ("r0", "r5", "r7", "r8", "left", "stranger"):
        Suppression.objects.create(address_key=address_key(f"{address}@example.com"), reason="hard_bounce")

    found = counting.readership(daily)

    assert found == counting.Readership(every=3, weekdays=2, weekly=0)
    assert found.total == Subscription.objects.mailable(daily).count()


def test_one_newsletter_is_recounted_without_the_others(daily: Newsletter) -> None:
    other = factories.newsletter("other")
    joined(daily, "ada", days_ago=0)
    joined(other, "bob", days_ago=0)

    counting.recount(daily, now=NOW)

    daily.refresh_from_db()
    other.refresh_from_db()
    assert (daily.active_readers, days(daily)[date(2026, 11, 22)]) == (1, (1, 1, 0))
    assert (other.active_readers, days(other)) == (0, {})
