"""Two presses in the same moment, on a database with real transactions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier

import pytest
from django.db import connection
from django.utils import timezone

from subscribers import changing_address, lifecycle, managing
from subscribers.changing_address import State
from subscribers.consent import Circumstances, Method
from subscribers.models import ConsentEvent, Subscriber, Subscription
from tests import factories

BY_PAGE = Circumstances(Method.MANAGE)


def at_once[T](acts: Sequence[Callable[[], T]]) -> list[T]:
    barrier = Barrier(len(acts))

    def run(act: Callable[[], T]) -> T:
        barrier.wait(10)
        try:
            return act()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


@pytest.mark.django_db(transaction=True)
def test_both_ends_agree_in_the_same_moment() -> None:
    ada = factories.subscription(factories.newsletter(), "ada@example.com")
    change = changing_address.ask(ada.subscriber, new_email="ada@new.example", now=timezone.now())
    assert change
    pk = change.pk

    def agree(end: str) -> State:
        return changing_address.agree(pk, end=end, now=timezone.now(), circumstances=BY_PAGE)

    states = at_once([lambda: agree("old"), lambda: agree("new"), lambda: agree("old"), lambda: agree("new")])

    assert State.DONE in states
    assert set(states) <= {State.AGREED, State.DONE}
    assert Subscriber.objects.get().email == "ada@new.example"
    assert ConsentEvent.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_readers_cannot_move_to_one_address() -> None:
    daily = factories.newsletter()
    changes = []
    for name in ("ada", "bob"):
        reader = factories.subscription(daily, f"{name}@example.com").subscriber
        change = changing_address.ask(reader, new_email="both@new.example", now=timezone.now())
        assert change
        changing_address.agree(change.pk, end="old", now=timezone.now(), circumstances=BY_PAGE)
        changes.append(change.pk)

    def agree(pk: int) -> State:
        return changing_address.agree(pk, end="new", now=timezone.now(), circumstances=BY_PAGE)

    states = at_once([lambda: agree(changes[0]), lambda: agree(changes[1])])

    assert sorted(state.value for state in states) == ["done", "taken"]
    assert Subscriber.objects.filter(email="both@new.example").count() == 1


@pytest.mark.django_db(transaction=True)
def test_button_pressed_in_several_tabs_begins_one_subscription() -> None:
    ada = factories.subscription(factories.newsletter(), "ada@example.com").subscriber
    weekly = factories.newsletter("weekly")

    def begin() -> Subscription | None:
        return managing.begin(ada, weekly, wording_id=None, circumstances=BY_PAGE)

    at_once([begin, begin, begin, begin])

    assert Subscription.objects.get(newsletter=weekly).status == "active"
    assert list(ConsentEvent.objects.values_list("kind", flat=True)) == ["asked", "confirmed"]


@pytest.mark.django_db(transaction=True)
def test_deleting_in_two_tabs_is_done_once() -> None:
    ada = factories.subscription(factories.newsletter(), "ada@example.com").subscriber

    def erase() -> None:
        found = Subscriber.objects.filter(pk=ada.pk).first()
        if found:
            lifecycle.erase(found)

    at_once([erase, erase])

    assert not Subscriber.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_wish_and_yes_in_the_same_moment_do_not_wait_for_one_another() -> None:
    daily = factories.newsletter()
    for number in range(10):
        reader = factories.subscription(daily, f"ada{number}@example.com").subscriber
        change = changing_address.ask(reader, new_email=f"{number}@one.example", now=timezone.now())
        assert change

        def agree(pk: int = change.pk, end: str = "old") -> State:
            return changing_address.agree(pk, end=end, now=timezone.now(), circumstances=BY_PAGE)

        def ask(reader: Subscriber = reader, number: int = number) -> State:
            changing_address.ask(reader, new_email=f"{number}@two.example", now=timezone.now())
            return State.OVER

        states = at_once([agree, ask, partial(agree, end="new"), ask])

        assert set(states) <= {State.AGREED, State.DONE, State.OVER}


@pytest.mark.django_db(transaction=True)
def test_reader_who_moves_and_leaves_in_the_same_moment_has_done_both() -> None:
    daily = factories.newsletter()
    for number in range(10):
        ada = factories.subscription(daily, f"ada{number}@example.com")
        change = changing_address.ask(ada.subscriber, new_email=f"{number}@new.example", now=timezone.now())
        assert change
        changing_address.agree(change.pk, end="old", now=timezone.now(), circumstances=BY_PAGE)

        def agree(pk: int = change.pk) -> bool:
            state = changing_address.agree(pk, end="new", now=timezone.now(), circumstances=BY_PAGE)
            return state == State.DONE

        def leave(ada: Subscription = ada) -> bool:
            return lifecycle.unsubscribe(ada, circumstances=BY_PAGE)

        assert at_once([agree, leave]) == [True, True]
