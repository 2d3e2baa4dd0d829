"""The wake-ups of letters: safe to lose, safe to run twice, and a flood of sign-ups makes no flood of messages."""

from __future__ import annotations

import pytest
from django import db
from django.utils import timezone

from delivery import epoch
from newsletter.models import Newsletter
from subscribers import lifecycle, sign_ups, tasks
from subscribers.consent import Circumstances, Method
from subscribers.models import Letter, SignUp

FORM = Circumstances(Method.FORM)


@pytest.fixture
def handed_out(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The letters that workers were told of, which no worker takes here."""
    told: list[int] = []
    monkeypatch.setattr(tasks.send_letter, "apply_async", lambda args, **_: told.append(*args))
    return told


def signed_up(newsletter: Newsletter, email: str) -> int:
    wanted: dict[int, int | None] = {newsletter.pk: None}
    return sign_ups.note(email, newsletters=wanted, wish=lifecycle.Wish(), circumstances=FORM).pk


def test_taking_in_a_sign_up_hands_out_its_own_letter_alone(daily: Newsletter, handed_out: list[int]) -> None:
    for name in ("eve", "mallory"):
        lifecycle.subscribe(daily, email=f"{name}@example.com")
    signed_up(daily, "ada@example.com")

    tasks.take_in()
    tasks.take_in()

    assert handed_out == [Letter.objects.get(subscriber__email="ada@example.com").pk]


def test_message_takes_in_all_that_was_just_posted(daily: Newsletter, handed_out: list[int]) -> None:
    for name in ("ada", "bob"):
        signed_up(daily, f"{name}@example.com")

    tasks.take_in()

    assert not SignUp.objects.exists()
    assert handed_out == list(Letter.objects.order_by("pk").values_list("pk", flat=True))
    assert len(handed_out) == 2


def test_sign_up_that_cannot_be_taken_in_holds_up_nobody(
    daily: Newsletter, handed_out: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    broken = signed_up(daily, "ada@example.com")
    SignUp.objects.filter(pk=broken).update(newsletters={"a": None})
    signed_up(daily, "bob@example.com")

    tasks.take_in()

    assert list(SignUp.objects.values_list("pk", flat=True)) == [broken]
    assert handed_out == [Letter.objects.get(subscriber__email="bob@example.com").pk]
    assert f"Sign-up {broken} could not be taken in" in caplog.text


@pytest.fixture
def rung(monkeypatch: pytest.MonkeyPatch) -> list[tuple[bool, float]]:
    """The messages to take in that no worker gets here: whether for what is late, and when it runs out."""
    told: list[tuple[bool, float]] = []
    monkeypatch.setattr(
        tasks.take_in, "apply_async", lambda args, **when: told.append((args[0], when["expires"]))
    )
    return told


def test_long_turn_ends_and_asks_for_another(
    daily: Newsletter, handed_out: list[int], rung: list[tuple[bool, float]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "A_SWEEP", 1)
    for name in ("ada", "bob"):
        signed_up(daily, f"{name}@example.com")

    tasks.take_in()

    assert rung == [(False, tasks.WAITS.total_seconds())]
    assert SignUp.objects.count() == 1


def test_turn_that_got_nowhere_asks_for_no_other(
    daily: Newsletter, handed_out: list[int], rung: list[tuple[bool, float]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "A_TURN", -1.0)
    signed_up(daily, "ada@example.com")

    tasks.take_in()

    assert rung == []
    assert SignUp.objects.count() == 1


def test_database_that_goes_away_ends_the_turn(
    daily: Newsletter, rung: list[tuple[bool, float]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(domain: str) -> bool:
        raise db.OperationalError("the connection is lost")

    monkeypatch.setattr(tasks.guard, "takes_mail", gone)
    signed_up(daily, "ada@example.com")

    with pytest.raises(db.OperationalError):
        tasks.take_in()


def test_what_has_waited_long_is_taken_in_as_fast_as_there_are_workers(
    daily: Newsletter, handed_out: list[int], rung: list[tuple[bool, float]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "A_SWEEP", 2)
    for number in range(5):
        signed_up(daily, f"{number}@example.com")
    SignUp.objects.update(posted_at=timezone.now() - tasks.WAITS * 2)

    tasks.send_due_letters()
    runs = 0
    while rung:
        (is_late, _) = rung.pop()
        tasks.take_in(is_late)
        runs += 1

    assert not SignUp.objects.exists()
    assert runs == tasks.LANES + 2  # each that leaves something asks for another


def test_reminders_hold_up_nobody(
    daily: Newsletter, handed_out: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "A_SWEEP", 3)
    for number in range(5):
        reader = lifecycle.subscribe(daily, email=f"{number}@example.com")
        Letter.objects.filter(subscriber=reader.subscriber).update(kind="reminder")
    eve = lifecycle.subscribe(daily, email="eve@example.com")

    tasks.send_due_letters()

    assert handed_out[0] == Letter.objects.get(subscriber=eve.subscriber).pk
    assert len(handed_out) == 4


def test_sign_up_that_has_waited_is_the_sweeps(daily: Newsletter, handed_out: list[int]) -> None:
    signed_up(daily, "ada@example.com")
    SignUp.objects.update(posted_at=timezone.now() - tasks.WAITS * 2)

    tasks.take_in()

    assert handed_out == []
    assert SignUp.objects.count() == 1


def test_sweep_hands_out_what_is_due_and_nothing_that_is_not(
    daily: Newsletter, handed_out: list[int]
) -> None:
    bob = lifecycle.subscribe(daily, email="bob@example.com")
    lifecycle.subscribe(daily, email="eve@example.com")
    Letter.objects.filter(subscriber=bob.subscriber).update(due_at=None, sent_at=timezone.now())

    tasks.send_due_letters()

    assert handed_out == [Letter.objects.get(subscriber__email="eve@example.com").pk]


def test_nothing_is_handed_out_while_sending_is_frozen(daily: Newsletter, handed_out: list[int]) -> None:
    lifecycle.subscribe(daily, email="bob@example.com")
    epoch.freeze("A backup was restored.")

    tasks.send_due_letters()

    assert handed_out == []


def test_press_hands_out_ones_own_letters_and_nobody_elses(
    daily: Newsletter,
    handed_out: list[int],
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks,
) -> None:
    monkeypatch.setattr(tasks.send_letters_of, "apply_async", lambda args, **_: tasks.send_letters_of(*args))
    for name in ("eve", "mallory"):
        lifecycle.subscribe(daily, email=f"{name}@example.com")
    ada = lifecycle.subscribe(daily, email="ada@example.com")

    with django_capture_on_commit_callbacks(execute=True):
        tasks.wake(ada.subscriber_id)

    assert handed_out == [Letter.objects.get(subscriber=ada.subscriber).pk]
