from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.utils import timezone

from delivery.models import Attempt, Delivery, Dispatch, Plan
from newsletter.models import Issue, Newsletter
from tests import factories
from tests.delivery.ledgers import counts, ledger


def test_send_issue_starts_it_and_the_second_time_says_so(draft: Issue, capsys) -> None:
    factories.cast(draft.newsletter)

    call_command("send_issue", "daily", "tides")
    with pytest.raises(
        CommandError, match=r"already been sent\. Nothing was sent now\. Dispatch \d+: audience"
    ):
        call_command("send_issue", "daily", "tides")

    dispatch = Dispatch.objects.get()
    assert capsys.readouterr().out == f"Dispatch {dispatch.pk} has started.\n"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["weekly", "tides"], "There is no newsletter 'weekly'. Newsletters: daily."),
        (["daily", "tide"], "daily has no issue 'tide'. Drafts: tides."),
        (["daily", "tides"], "The newsletter has no confirmed readers yet. Nothing was sent."),
    ],
)
def test_send_issue_says_what_is_wrong(draft: Issue, words: list[str], expected: str) -> None:
    with pytest.raises(CommandError) as refused:
        call_command("send_issue", *words)

    assert str(refused.value) == expected


def test_send_issue_is_a_plan_that_nobody_asked_for(draft: Issue) -> None:
    factories.cast(draft.newsletter)
    factories.scheduled(draft, at=timezone.now() + timedelta(days=1))

    call_command("send_issue", "daily", "tides")

    plan, moved = Plan.objects.order_by("-pk")
    assert (plan.asked_by, plan.approved_by, plan.ended_because) == (None, None, "It began at its time.")
    assert moved.ended_because == "manage.py chose another time."
    assert Dispatch.objects.get().content_hash == plan.content_hash


@pytest.mark.parametrize("command", [["send_issue"], ["schedule_issue", "2126-11-24 06:30"]])
def test_command_is_no_second_person_for_four_eyes(draft: Issue, command: list[str]) -> None:
    factories.cast(draft.newsletter)
    Newsletter.objects.update(needs_second_person=True)
    name, *at = command

    with pytest.raises(CommandError, match="A second person has to approve it, and a command is nobody"):
        call_command(name, "daily", "tides", *at)

    draft.refresh_from_db()
    assert (draft.status, Plan.objects.count(), Dispatch.objects.count()) == ("draft", 0, 0)


def test_send_issue_begins_what_was_approved_once_its_time_has_come(draft: Issue) -> None:
    factories.cast(draft.newsletter)
    Newsletter.objects.update(needs_second_person=True)
    factories.scheduled(draft, at=timezone.now() + timedelta(minutes=5))
    asker, approver = (User.objects.create_superuser(name) for name in ("ada", "bob"))
    Plan.objects.update(asked_by=asker, approved_by=approver)

    with pytest.raises(CommandError, match="goes out by itself then"):
        call_command("send_issue", "daily", "tides")
    Plan.objects.update(at=timezone.now() - timedelta(seconds=1))
    Issue.objects.update(scheduled_at=Plan.objects.get().at)
    call_command("send_issue", "daily", "tides")

    assert Dispatch.objects.get().content_hash == Plan.objects.get().content_hash


def test_dispatch_status_of_an_unknown_dispatch_says_so(draft: Issue) -> None:
    with pytest.raises(CommandError, match="There is no dispatch 7"):
        call_command("dispatch_status", "7")


def test_dispatch_status_tells_reasons_and_with_a_number_the_evidence(draft: Issue, capsys) -> None:
    dispatch = ledger(draft, state="sent", accepted=8, failed=2, uncertain=12)
    key = "0b8f9c1e-6c0a-4a6b-9a3e-0d2b6f6d1c55"
    Attempt.objects.filter(outcome="uncertain").update(key=key)

    call_command("dispatch_status")
    short = capsys.readouterr().out.splitlines()
    call_command("dispatch_status", str(dispatch.pk))
    full = capsys.readouterr().out.splitlines()

    assert short == [
        f"{dispatch.pk}  daily/tides  sent",
        "    audience 22 = 8 accepted + 2 failed + 0 skipped + 12 uncertain"
        "  (failed: refused 2; uncertain: no_answer 12)",
    ]
    assert full[:2] == short
    assert [line.partition(": ")[2] for line in full[2:]] == [
        f"{readers} (attempt {attempt.pk}, the local outbox, handed over {attempt.started_at:%H:%M:%S}, "
        f"key {key}): 502 Bad Gateway"
        for readers, attempt in zip(
            (10, 2), Attempt.objects.filter(outcome="uncertain").order_by("pk"), strict=True
        )
    ]
    assert all(line.startswith("    uncertain since 20") for line in full[2:])


def press(capsys, dispatch: Dispatch, *words: str) -> str:
    call_command("dispatch_control", str(dispatch.pk), *words)
    return capsys.readouterr().out.removeprefix(f"Dispatch {dispatch.pk}: ").rstrip("\n")


@pytest.mark.parametrize(
    ("before", "words", "first", "second", "after"),
    [
        (
            "sending",
            ["pause"],
            "Paused. What is being handed over at this moment is finished; nothing else begins.",
            "It is not going out (paused). There is nothing to pause.",
            {"accepted": 1, "failed": 2, "uncertain": 3, "pending": 4},
        ),
        (
            "paused",
            ["resume"],
            "It goes on from where it stood.",
            "It is not paused (going out). There is nothing to do.",
            {"accepted": 1, "failed": 2, "uncertain": 3, "pending": 4},
        ),
        (
            "sending",
            ["stop"],
            "Stopped for good. Whoever still waited is skipped, and is counted as such.",
            "It is not going out (stopped). There is nothing to stop.",
            {"accepted": 1, "failed": 2, "uncertain": 3, "skipped": 4},
        ),
        (
            "paused",
            ["retry"],
            "2 failed readers are tried again. It is paused, so they wait until it goes on.",
            "Nobody is failed. There is nothing to do.",
            {"accepted": 1, "uncertain": 3, "pending": 6},
        ),
        (
            "sending",
            ["accept-uncertain", "--expect", "3"],
            "3 uncertain readers count as accepted now. Nothing was sent.",
            "Nobody is uncertain any more. There is nothing to do.",
            {"accepted": 4, "failed": 2, "pending": 4},
        ),
        (
            "sending",
            ["resend-uncertain", "--expect", "3"],
            "It is sent again to 3 uncertain readers.",
            "Nobody is uncertain any more. There is nothing to do.",
            {"accepted": 1, "failed": 2, "pending": 7},
        ),
    ],
)
def test_dispatch_control_says_what_it_did_and_that_it_need_not_do_it_twice(
    draft: Issue,
    capsys,
    caplog,
    before: str,
    words: list[str],
    first: str,
    second: str,
    after: dict[str, int],
) -> None:
    dispatch = ledger(draft, state=before, accepted=1, failed=2, uncertain=3, pending=4)
    caplog.set_level("INFO", "delivery.buttons")

    said = [press(capsys, dispatch, *words) for _ in range(2)]

    assert said == [first, second]
    assert counts(dispatch) == after
    logged = [record.getMessage() for record in caplog.records if record.name == "delivery.buttons"]
    assert len(logged) == 1
    assert logged[0].endswith(f"by manage.py. {first}")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (
            ["accept-uncertain"],
            "accept-uncertain needs --expect N: how many readers dispatch_status calls uncertain.",
        ),
        (
            ["resend-uncertain"],
            "resend-uncertain needs --expect N: how many readers dispatch_status calls uncertain.",
        ),
        (
            ["accept-uncertain", "--expect", "2"],
            "Dispatch {}: It is now 3 readers, not 2. Look again; nothing was changed.",
        ),
        (["retry"], "Dispatch {}: It was stopped for good, so nobody gets it any more. Nothing was changed."),
    ],
)
def test_dispatch_control_refuses_what_was_not_agreed_to(
    draft: Issue, words: list[str], expected: str
) -> None:
    dispatch = ledger(draft, state="stopped", failed=2, uncertain=3)

    with pytest.raises(CommandError) as refused:
        call_command("dispatch_control", str(dispatch.pk), *words)

    assert str(refused.value) == expected.format(dispatch.pk)
    assert counts(dispatch) == {"failed": 2, "uncertain": 3}


def test_dispatch_control_of_an_unknown_dispatch_says_so(draft: Issue) -> None:
    with pytest.raises(CommandError, match=r"There is no dispatch 7\."):
        call_command("dispatch_control", "7", "pause")
    assert not Delivery.objects.exists()
