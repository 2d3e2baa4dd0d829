from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from delivery import audience, control, courses, following, preflight, preparation, progress, submission
from delivery.audience import Outlook
from delivery.models import Batch, Delivery, Dispatch
from newsletter import faces
from newsletter.models import Issue, Newsletter
from subscribers import consent, counting, lifecycle, resting
from subscribers.models import ConsentEvent, Subscription, Suppression
from tests import factories
from tests.delivery.people import editor

FRIDAY = datetime(2026, 11, 20, 12, tzinfo=UTC)
SATURDAY = datetime(2026, 11, 21, 12, tzinfo=UTC)
READER = consent.Circumstances(consent.Method.MANAGE)


@pytest.fixture
def readers(daily: Newsletter) -> dict[str, Subscription]:
    """One of each kind, and one of each who is suppressed."""
    kinds = ["every", "weekdays", "weekly"]
    for kind in kinds:
        factories.subscription(daily, f"no.{kind}@example.com", frequency=kind)
        lifecycle.suppress(f"no.{kind}@example.com", reason=Suppression.Reason.HARD_BOUNCE)
    found = {kind: factories.subscription(daily, f"{kind}@example.com", frequency=kind) for kind in kinds}
    counting.refresh()
    daily.refresh_from_db()
    return found


def frozen(issue: Issue, *, at: datetime = FRIDAY) -> Dispatch:
    dispatch = preparation.start(issue)
    Dispatch.objects.filter(pk=dispatch.pk).update(started_at=at)
    assert preparation.prepare(dispatch.pk)
    dispatch.refresh_from_db()
    return dispatch


def waiting(dispatch: Dispatch) -> list[str]:
    rows = dispatch.deliveries.filter(state="pending")
    return sorted(rows.values_list("subscription__subscriber__email", flat=True))


def skipped(dispatch: Dispatch) -> dict[str, int]:
    balance = progress.balance(dispatch)
    assert balance.adds_up
    return balance.skipped_by_reason


def test_issue_leaves_out_who_wants_one_mail_a_week(draft: Issue, readers: dict[str, Subscription]) -> None:
    dispatch = frozen(draft)

    assert waiting(dispatch) == ["every@example.com", "weekdays@example.com"]
    assert skipped(dispatch) == {"suppressed": 3, "weekly": 1}
    assert (dispatch.audience_size, dispatch.mailable, dispatch.readers) == (6, 2, 2)


def test_issue_of_a_saturday_leaves_out_who_wants_weekdays_only(
    draft: Issue, readers: dict[str, Subscription]
) -> None:
    dispatch = frozen(draft, at=SATURDAY)

    assert waiting(dispatch) == ["every@example.com"]
    assert skipped(dispatch) == {"suppressed": 3, "weekly": 1, "weekend": 1}


@pytest.mark.parametrize(
    ("zone", "at", "expected"),
    [
        ("Pacific/Auckland", datetime(2026, 11, 20, 10, 59, tzinfo=UTC), False),  # Friday 23:59
        ("Pacific/Auckland", datetime(2026, 11, 20, 11, 0, tzinfo=UTC), True),  # Saturday 00:00
        ("America/New_York", datetime(2026, 11, 23, 4, 59, tzinfo=UTC), True),  # Sunday 23:59
        ("America/New_York", datetime(2026, 11, 23, 5, 0, tzinfo=UTC), False),  # Monday 00:00
    ],
)
def test_weekend_is_by_the_newsletters_own_clock(zone: str, at: datetime, expected: bool) -> None:
    assert audience.is_weekend(at, newsletter=Newsletter(time_zone=zone)) == expected


def test_batches_are_cut_for_those_who_get_it(daily: Newsletter, draft: Issue) -> None:
    factories.readers(daily, 25)
    left_out = Subscription.objects.order_by("pk").values_list("pk", flat=True)[:14]
    Subscription.objects.filter(pk__in=list(left_out)).update(frequency="weekly")
    dispatch = preparation.start(draft)
    Dispatch.objects.update(batch_size=5)

    preparation.prepare(dispatch.pk)

    assert [batch.deliveries.count() for batch in Batch.objects.order_by("number")] == [5, 5, 1]
    assert Delivery.objects.filter(reason="weekly", batch=None, settled_at__isnull=False).count() == 14


def test_issue_that_everybody_finds_in_the_digest_is_sent_at_once(daily: Newsletter, draft: Issue) -> None:
    factories.subscription(daily, "ada@example.com", frequency="weekly")
    dispatch = frozen(draft)

    submission.send_for(dispatch.pk, seconds=5)

    dispatch.refresh_from_db()
    assert (dispatch.state, skipped(dispatch), dispatch.mailable) == ("sent", {"weekly": 1}, 0)


def test_who_changes_to_the_digest_while_it_goes_out_gets_it_still(
    draft: Issue, readers: dict[str, Subscription]
) -> None:
    dispatch = frozen(draft)

    resting.choose(readers["every"], Subscription.Frequency.WEEKLY, circumstances=READER)
    submission.send_for(dispatch.pk, seconds=5)

    assert dispatch.deliveries.get(subscription=readers["every"]).state == "accepted"


def test_pause_takes_effect_for_every_mail_that_is_not_handed_over(
    draft: Issue, readers: dict[str, Subscription]
) -> None:
    dispatch = frozen(draft)

    resting.pause(readers["every"], until=timezone.now() + timedelta(days=14), circumstances=READER)
    submission.send_for(dispatch.pk, seconds=5)

    assert skipped(dispatch) == {"suppressed": 3, "weekly": 1, "paused": 1}


def test_rest_and_correction_keep_their_readers_but_for_a_pause(daily: Newsletter, draft: Issue) -> None:
    first, second, third = (factories.subscription(daily, f"{name}@example.com") for name in "abc")
    dispatch = frozen(draft)
    control.stop(dispatch.pk)
    resting.choose(first, Subscription.Frequency.WEEKLY, circumstances=READER)
    resting.pause(second, until=timezone.now() + timedelta(days=14), circumstances=READER)
    dispatch.refresh_from_db()
    user = User.objects.create_superuser("ada")

    rest = following.start_rest(dispatch, approved=faces.fingerprint(draft), expected=3, by=user)
    preparation.prepare(rest.pk)

    rest.refresh_from_db()
    assert (waiting(rest), skipped(rest)) == (["a@example.com", "c@example.com"], {"paused": 1})
    assert third.status == "active"


def test_pauses_that_are_over_end_before_the_audience_is_frozen(daily: Newsletter, draft: Issue) -> None:
    now = timezone.now()
    factories.subscription(daily, "ada@example.com")
    over = factories.subscription(daily, "back@example.com", status="paused", paused_until=now)
    factories.subscription(daily, "away@example.com", status="paused", paused_until=now + timedelta(hours=1))

    dispatch = frozen(draft)

    assert waiting(dispatch) == ["ada@example.com", "back@example.com"]
    event = ConsentEvent.objects.get()
    assert (event.kind, event.method, event.subscriber_id, event.newsletter_id) == (
        "resumed",
        "clock",
        over.subscriber_id,
        daily.pk,
    )


def test_resume_due_ends_each_pause_once_however_many_there_are(
    daily: Newsletter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resting, "RESUMED_AT_ONCE", 3)
    now = timezone.now()
    factories.readers(daily, 8)
    Subscription.objects.update(status="paused", paused_until=now)
    other = factories.newsletter("other")
    factories.subscription(other, "ada@example.com", status="paused", paused_until=now)

    found = [
        resting.resume_due(now=now, newsletter_id=daily.pk),
        resting.resume_due(now=now),
        resting.resume_due(now=now),
    ]

    assert found == [8, 1, 0]
    assert ConsentEvent.objects.filter(kind="resumed", happened_at=now).count() == 9
    assert set(Subscription.objects.values_list("status", "paused_until")) == {("active", None)}


@pytest.mark.parametrize(
    ("at", "expected"), [(FRIDAY, Outlook(2, weekly=1)), (SATURDAY, Outlook(1, weekly=1, weekend=1))]
)
def test_what_is_said_before_sending_is_what_the_ledger_says_afterwards(
    draft: Issue, readers: dict[str, Subscription], at: datetime, expected: Outlook
) -> None:
    said = [
        audience.outlook(draft, at=at, readership=count(draft.newsletter))
        for count in (counting.readership, counting.kept)
    ]

    dispatch = frozen(draft, at=at)

    assert said == [expected, expected]
    assert dispatch.readers == expected.readers
    why = skipped(dispatch)
    assert (why.get("weekly", 0), why.get("weekend", 0)) == (expected.weekly, expected.weekend)


def test_issue_that_begins_late_is_of_the_day_it_was_approved_for(
    draft: Issue, readers: dict[str, Subscription]
) -> None:
    dispatch = preparation.start(draft)
    friday = FRIDAY.replace(hour=12)
    Issue.objects.filter(pk=draft.pk).update(scheduled_at=friday)
    Dispatch.objects.filter(pk=dispatch.pk).update(started_at=SATURDAY)

    preparation.prepare(dispatch.pk)

    dispatch.refresh_from_db()
    assert waiting(dispatch) == ["every@example.com", "weekdays@example.com"]
    assert (
        dispatch.readers
        == audience.outlook(draft, at=friday, readership=counting.readership(draft.newsletter)).readers
    )


def test_kept_counts_are_those_of_the_mailable(daily: Newsletter, readers: dict[str, Subscription]) -> None:
    assert (daily.active_readers, daily.weekday_readers, daily.weekly_readers) == (3, 1, 1)


def test_audience_is_compared_with_the_last_of_the_same_kind_of_day(daily: Newsletter) -> None:
    factories.readers(daily, 20)
    Subscription.objects.filter(pk__lte=Subscription.objects.order_by("pk")[7].pk).update(
        frequency="weekdays"
    )
    counting.refresh()
    daily.refresh_from_db()
    zone = ZoneInfo(daily.time_zone)
    frozen(factories.issue(daily, "saturday"), at=SATURDAY.astimezone(zone))
    frozen(factories.issue(daily, "friday"), at=FRIDAY + timedelta(days=7))
    draft = factories.issue(daily, "next")

    found = {
        day: [each.code for each in preflight.report(draft, day + timedelta(days=14)).open]
        for day in (FRIDAY, SATURDAY)
    }

    assert all("other_audience" not in codes for codes in found.values())


def test_readers_of_a_digest_that_is_no_more_are_pointed_out(
    draft: Issue, readers: dict[str, Subscription]
) -> None:
    without = [each.code for each in preflight.report(draft).findings]
    draft.newsletter.digest_day = 5

    found = [each.code for each in preflight.report(draft).findings]

    assert ("no_digest" in without, "no_digest" in found) == (True, False)


def test_send_page_says_who_gets_it_and_who_does_not(draft: Issue, readers: dict[str, Subscription]) -> None:
    Newsletter.objects.update(digest_day=5)
    factories.accept_warnings(draft)

    page = editor().get(f"/admin/desk/issues/{draft.pk}/send/?when=other&local=2036-11-22T12:00").text

    assert "1 active reader" in page
    assert "1 more gets the weekly digest instead" in page
    assert "1 more wants no issues on weekends" in page


def test_reasons_are_said_in_words(draft: Issue, readers: dict[str, Subscription]) -> None:
    dispatch = frozen(draft, at=SATURDAY)

    page = editor().get(f"/admin/delivery/watch/{dispatch.pk}/progress/").text

    assert "wants one mail a week, the digest" in page
    assert "wants no issues on weekends" in page


def test_progress_is_of_those_whom_it_is_for(draft: Issue, readers: dict[str, Subscription]) -> None:
    dispatch = frozen(draft, at=SATURDAY)
    before = progress.balance(dispatch)

    submission.send_for(dispatch.pk, seconds=5)

    after = progress.balance(dispatch)
    (course,) = courses.of([dispatch])
    assert (before.not_meant, before.percent, after.percent) == (2, 75, 100)
    assert (course.accepted, course.percent) == (1, 100)
