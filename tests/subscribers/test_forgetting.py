from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import timezone

from delivery.models import Delivery, Dispatch
from newsletter.models import Issue, Newsletter
from subscribers import forgetting, lifecycle, signals, tasks
from subscribers.consent import Circumstances, Method
from subscribers.models import (
    AddressChange,
    ConsentEvent,
    KeptOut,
    Letter,
    SignUp,
    Subscriber,
    Subscription,
    address_key,
)
from tests import factories
from tests.clocks import ticking

ADA = "ada@example.com"


def forget(now: datetime) -> dict[str, int]:
    found = forgetting.forget(now=now, until=timezone.now() + timedelta(minutes=1))
    counts = {name: getattr(found, name) for name in forgetting.Forgotten.__slots__}
    return {name: count for name, count in counts.items() if count}


def days(count: float) -> datetime:
    return timezone.now() + timedelta(days=count)


@contextmanager
def hearing(listener: Callable[..., None]) -> Iterator[None]:
    signals.erasing.connect(listener)
    try:
        yield
    finally:
        signals.erasing.disconnect(listener)


def test_unconfirmed_is_deleted_after_its_time_and_not_before(daily: Newsletter) -> None:
    lifecycle.subscribe(daily, email=ADA)
    Letter.objects.update(due_at=None, sent_at=timezone.now())

    assert forget(days(29.9)) == {}
    assert forget(days(30.1)) == {"unconfirmed": 1}
    assert forget(days(30.1)) == {}
    assert [model.objects.count() for model in (Subscriber, Subscription, ConsentEvent, KeptOut)] == [0] * 4


def test_address_under_attack_keeps_what_its_cool_downs_are_told_from(daily: Newsletter) -> None:
    lifecycle.subscribe(daily, email=ADA)
    Letter.objects.update(due_at=None, sent_at=days(30))

    assert forget(days(31)) == {}
    assert forget(days(32.1)) == {"unconfirmed": 1}


def test_unconfirmed_who_reads_another_newsletter_stays_a_reader_of_that(daily: Newsletter) -> None:
    weekly = lifecycle.subscribe(factories.newsletter("weekly"), email=ADA)
    lifecycle.confirm(weekly, generation=1)
    lifecycle.subscribe(daily, email=ADA)
    Letter.objects.all().delete()

    assert forget(days(31)) == {"unconfirmed": 1}
    assert Subscription.objects.get() == weekly
    events = ConsentEvent.objects.values_list("newsletter__slug", "kind")
    assert list(events) == [("weekly", "asked"), ("weekly", "confirmed")]


def test_reader_whom_a_stranger_signed_up_again_counts_as_left_as_before(daily: Newsletter) -> None:
    ada = factories.subscription(daily, ADA)
    lifecycle.unsubscribe(ada, circumstances=Circumstances(Method.LINK))
    left_at = ada.unsubscribed_at
    lifecycle.subscribe(daily, email=ADA)
    Letter.objects.all().delete()

    assert forget(days(31)) == {"lapsed": 1}
    ada.refresh_from_db()
    assert (ada.status, ada.unsubscribed_at, ada.left_as) == ("unsubscribed", left_at, "active")
    assert list(ConsentEvent.objects.values_list("kind", "method")) == [
        ("left", "link"),
        ("asked", "editor"),
        ("lapsed", "clock"),
    ]


def test_who_left_is_deleted_after_its_time_and_kept_out(daily: Newsletter, draft: Issue) -> None:
    ada = factories.subscription(daily, ADA)
    dispatch = Dispatch.objects.create(
        issue=draft, mailer="bulk", batch_size=10, audience_size=1, started_at=timezone.now()
    )
    Delivery.objects.create(dispatch=dispatch, subscription=ada, state="skipped", reason="paused")
    lifecycle.unsubscribe(ada)

    assert forget(days(364)) == {}
    assert forget(days(366)) == {"left": 1}
    assert KeptOut.objects.get().address_key == address_key(ADA)
    assert (Subscriber.objects.count(), ConsentEvent.objects.count()) == (0, 0)
    assert list(Delivery.objects.values_list("subscription", "state")) == [(None, "skipped")]


def test_who_left_stays_where_the_newsletter_says_so(daily: Newsletter) -> None:
    Newsletter.objects.update(forgets_left_after=None)
    factories.subscription(daily, ADA, status="unsubscribed")

    assert forget(days(5000)) == {}


def test_forgetting_goes_slice_by_slice_and_stops_in_time(
    daily: Newsletter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forgetting, "SLICE", 2)
    for number in range(5):
        factories.subscription(daily, f"r{number}@example.com", status="unsubscribed")

    in_no_time = forgetting.forget(now=days(366), until=timezone.now())

    assert (in_no_time.left, forget(days(366))) == (0, {"left": 5})
    assert KeptOut.objects.count() == 5


def test_networks_are_forgotten_and_the_proof_stays(daily: Newsletter) -> None:
    by_form = lifecycle.consent.Circumstances(
        lifecycle.consent.Method.FORM, network="192.0.2.0/24", agent="Firefox", details={"page": "/daily/"}
    )
    ada = lifecycle.subscribe(daily, email=ADA, circumstances=by_form)
    lifecycle.confirm(ada, generation=1, circumstances=by_form)
    lifecycle.consent.note(
        ConsentEvent.Kind.LANGUAGE, ada.subscriber, by_form, at=timezone.now(), details={"chosen": "de"}
    )

    assert forget(days(729)) == {}
    assert forget(days(731)) == {"networks": 3}
    assert forget(days(731)) == {}
    events = ConsentEvent.objects.values_list("kind", "network", "agent", "details__page")
    assert list(events) == [(kind, "", "", "/daily/") for kind in ("asked", "confirmed", "language")]


def test_sign_up_that_was_never_taken_in_and_old_wishes_go(daily: Newsletter) -> None:
    SignUp.objects.create(email=ADA, posted_at=timezone.now())
    person = factories.subscription(daily, ADA).subscriber
    now = timezone.now()
    AddressChange.objects.create(subscriber=person, new_email="a@b.example", asked_at=now)

    assert forget(days(8)) == {"sign_ups": 1}
    assert AddressChange.objects.get().new_email == ""  # nobody agreed in time
    assert forget(days(39)) == {"address_changes": 1}


def test_what_cannot_be_forgotten_keeps_nothing_else_from_it(
    daily: Newsletter, caplog: pytest.LogCaptureFixture
) -> None:
    person = factories.subscription(daily, ADA, status="unsubscribed").subscriber
    now = timezone.now()
    SignUp.objects.create(email=ADA, posted_at=now)
    AddressChange.objects.create(subscriber=person, new_email="a@b.example", asked_at=now)

    def fail(**kwargs: object) -> None:
        raise RuntimeError

    with hearing(fail):
        found = forget(days(366))

    assert (found, AddressChange.objects.get().new_email) == ({"sign_ups": 1}, "")
    assert "What is to be forgotten (left) could not be." in caplog.text
    assert forget(days(366)) == {"left": 1}


def test_who_stays_a_reader_of_another_is_not_told_of_as_deleted(daily: Newsletter) -> None:
    factories.subscription(daily, ADA, status="unsubscribed")
    factories.subscription(factories.newsletter("weekly"), ADA)
    heard = []

    def listen(**kwargs: object) -> None:
        heard.append(kwargs["subscribers"])

    with hearing(listen):
        assert forget(days(366)) == {"left": 1}

    assert heard == []


def test_nights_task_runs_twice_without_harm(daily: Newsletter) -> None:
    factories.subscription(daily, ADA, status="unsubscribed", unsubscribed_at=days(-400))

    tasks.forget()
    tasks.forget()

    assert (Subscription.objects.count(), KeptOut.objects.count()) == (0, 1)


def test_what_is_proof_is_touched_by_forgetting_alone() -> None:
    sources = (
        Path(settings.BASE_DIR) / folder for folder in ("newsletter", "subscribers", "delivery", "desk")
    )
    users = {
        path.name for source in sources for path in source.rglob("*.py") if "unguarded" in path.read_text()
    }

    assert users == {"consent.py", "forgetting.py"}


def leavers(newsletter: Newsletter, count: int) -> None:
    for number in range(count):
        factories.subscription(newsletter, f"r{number}@{newsletter.slug}.example", status="unsubscribed")


def left_of(newsletter: Newsletter) -> int:
    return newsletter.subscriptions.count()


def test_backlog_is_worked_off_run_by_run_and_each_run_ends_in_time(
    daily: Newsletter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forgetting, "SLICE", 2)
    leavers(daily, 30)
    begin, budget, one_slice = days(366), timedelta(seconds=12), timedelta(seconds=5)
    runs, ended = [], []
    while left_of(daily):
        with monkeypatch.context() as patch:
            clock = ticking(since=begin)
            patch.setattr("django.utils.timezone.now", clock)
            runs.append(forgetting.forget(now=begin, until=begin + budget).left)
            ended.append(clock() - begin)

    assert sum(runs) == 30
    assert len(runs) > 1
    assert max(ended) <= budget + one_slice


def test_newsletters_take_turns_so_that_none_waits_for_a_large_one(
    daily: Newsletter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forgetting, "SLICE", 2)
    weekly = factories.newsletter("weekly")
    leavers(daily, 40)
    leavers(weekly, 40)
    begin = days(366)
    with monkeypatch.context() as patch:
        patch.setattr("django.utils.timezone.now", ticking(since=begin))
        forgetting.forget(now=begin, until=begin + timedelta(seconds=30))

    gone = [40 - left_of(newsletter) for newsletter in (daily, weekly)]
    assert min(gone) > 0
    assert max(gone) < 40
    assert abs(gone[0] - gone[1]) <= 2


def test_networks_are_forgotten_in_slices_too(daily: Newsletter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forgetting, "EVENTS", 2)
    circumstances = lifecycle.consent.Circumstances(lifecycle.consent.Method.FORM, network="192.0.2.0/24")
    for number in range(40):
        lifecycle.subscribe(daily, email=f"r{number}@example.com", circumstances=circumstances)
    Letter.objects.update(due_at=None, sent_at=timezone.now())
    Newsletter.objects.update(forgets_unconfirmed_after=5000)
    begin = days(731)
    with monkeypatch.context() as patch:
        patch.setattr("django.utils.timezone.now", ticking(since=begin))
        first = forgetting.forget(now=begin, until=begin + timedelta(seconds=15)).networks

    assert 0 < first < 40
    assert forget(begin) == {"networks": 40 - first}
