"""What is known after every way in which a talk with an SMTP server can go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from celery.exceptions import SoftTimeLimitExceeded

from delivery.exceptions import AccountRefused, SendError, Transient, Uncertain
from delivery.gateway import conversation, wire
from tests.delivery.talking import LINK, answers, got, known, ready, says, speak

if TYPE_CHECKING:
    from tests.fakes.client import Fake
    from tests.fakes.smtp_answers import Odd

OTHERS = [1, 3, 4]


@pytest.fixture(params=["smtp_server", "plain_smtp_server"])
def server(request: pytest.FixtureRequest) -> Fake:
    """With PIPELINING and without."""
    found: Fake = request.getfixturevalue(request.param)
    return found


@pytest.mark.parametrize(
    ("odd", "wanted"),
    [
        (says("RCPT", "550 5.1.1 nobody here"), {"accepted": OTHERS, "refused": [2]}),
        (says("RCPT", "450 4.2.0 greylisted"), {"accepted": OTHERS, "deferred": [2]}),
        (says("RCPT", "251 elsewhere"), {"accepted": [1, 2, 3, 4]}),
        (says("DATA", "554 5.6.0 no"), {"accepted": OTHERS, "refused": [2]}),
        (says("DATA", "451 4.3.0 later"), {"accepted": OTHERS, "deferred": [2]}),
        (says("dot", "554 5.7.1 spam"), {"accepted": OTHERS, "refused": [2]}),
        (says("dot", "552 5.2.2 mailbox full"), {"accepted": OTHERS, "refused": [2]}),
        (says("dot", "451 4.3.0 later"), {"accepted": OTHERS, "deferred": [2]}),
        (says("dot", "250-2.0.0 one\r\n250-two\r\n250 three"), {"accepted": [1, 2, 3, 4]}),
        (says("dot", "250-2.0.0 one\r\n250 byte by byte", "trickle"), {"accepted": [1, 2, 3, 4]}),
        (says("RCPT", "550-5.1.1 nobody\r\n550 here", "trickle"), {"accepted": OTHERS, "refused": [2]}),
        (says("dot", "250"), {"accepted": [1, 2, 3, 4]}),
        (says("RSET", "500 what", nth=1), {"accepted": [1, 2, 3, 4]}),
    ],
)
def test_word_about_one_reader_holds_nobody_else_up(
    server: Fake, odd: Odd, wanted: dict[str, list[int]]
) -> None:
    answers(server, odd)

    receipt = speak()

    assert (known(receipt), receipt.stopped_by) == (wanted, None)
    assert got(server) == wanted["accepted"]
    assert known(speak(5)) == {"accepted": [5]}  # nothing is left on the wire


@pytest.mark.parametrize(
    ("odd", "error", "retry_after"),
    [
        (says("MAIL", "421 4.7.0 too many", "hang up"), Transient, 5.0),
        (says("MAIL", "451 4.3.0 not now"), Transient, 5.0),
        (says("MAIL", "452 4.3.1 no room"), Transient, 5.0),
        (says("MAIL", "550 5.7.1 you may not send"), AccountRefused, None),
        (says("MAIL", "552 5.3.4 too large"), AccountRefused, None),
        (says("MAIL", "", "hang up"), Transient, None),
        (says("MAIL", "354 what"), Transient, None),
        (says("RCPT", "421 4.7.0 too many", "hang up"), Transient, 5.0),
        (says("RCPT", "452 4.5.3 too many"), Transient, 5.0),
        (says("RCPT", "", "hang up"), Transient, None),
        (says("RCPT", "354 what"), Transient, None),
        (says("RCPT", "550-" + "x" * 70_000), Transient, None),
        (says("DATA", "421 4.7.0 too many", "hang up"), Transient, 5.0),
        (says("DATA", "", "hang up"), Transient, None),
        (says("DATA", "250 what"), Transient, None),
        (says("DATA", "354 go\r\n250 and this"), Transient, None),
        (says("dot", "250 taken\r\n250 twice", nth=1), Transient, None),
        (says("dot", "452 4.3.1 no room"), Transient, 5.0),
        (says("dot", "421 4.3.0 going down", "hang up"), Transient, 5.0),
    ],
)
def test_stop_in_the_middle_leaves_nobody_in_doubt(
    server: Fake, odd: Odd, error: type[SendError], retry_after: float | None
) -> None:
    answers(server, odd)

    receipt = speak()

    assert (known(receipt), type(receipt.stopped_by)) == ({"accepted": [1]}, error)
    assert getattr(receipt.stopped_by, "retry_after", None) == retry_after
    assert got(server) == [1]
    answers(server)
    assert known(speak(2, 3, 4)) == {"accepted": [2, 3, 4]}  # over a fresh connection
    assert got(server) == [1, 2, 3, 4]


@pytest.mark.parametrize(
    "odd",
    [
        says("dot", "", "hang up"),
        says("dot", "25", "hang up"),
        says("dot", "<!doctype html>"),
        says("dot", "354 what"),
        says("dot", "250-" + "250-x\r\n" * 20_000),
        says("dot", "250-" + "x" * 70_000),
    ],
)
def test_without_an_answer_after_the_dot_one_reader_is_in_doubt(server: Fake, odd: Odd) -> None:
    answers(server, odd)

    receipt = speak()

    assert known(receipt) == {"accepted": [1], "uncertain": [2]}
    assert isinstance(receipt.stopped_by, Uncertain)
    answers(server)
    assert known(speak(3, 4)) == {"accepted": [3, 4]}
    assert set(got(server)) - {2} == {1, 3, 4}


@pytest.mark.parametrize(
    ("step", "doubtful"), [("MAIL", {}), ("RCPT", {}), ("DATA", {}), ("dot", {"uncertain": [2]})]
)
def test_server_that_falls_silent_is_not_waited_for(
    server: Fake, settings: Any, step: str, doubtful: dict[str, list[int]]
) -> None:
    settings.MAILERS["bulk"]["OPTIONS"]["timeout"] = 0.3
    answers(server, says(step, "", "hang"))

    receipt = speak()

    assert known(receipt) == {"accepted": [1], **doubtful}
    assert isinstance(receipt.stopped_by, Uncertain if doubtful else Transient)


def test_server_that_drips_its_answer_is_not_waited_for_for_ever(server: Fake, monkeypatch: Any) -> None:
    monkeypatch.setattr(conversation, "LONGEST_ANSWER", 1.0 - conversation.LONGEST_BATCH)
    answers(server, says("dot", "250-" + "x" * 20_000, "trickle"))  # 20 seconds

    receipt = speak()

    assert known(receipt) == {"accepted": [1], "uncertain": [2]}
    assert isinstance(receipt.stopped_by, Uncertain)


def test_time_that_is_up_begins_no_further_mail(server: Fake, monkeypatch: Any) -> None:
    monkeypatch.setattr(conversation, "LONGEST_BATCH", -1.0)

    receipt = speak()

    assert (known(receipt), receipt.stopped_by) == ({"accepted": [1]}, None)


def test_server_that_says_go_on_though_nobody_is_there_gets_an_empty_mail(server: Fake) -> None:
    answers(server, says("RCPT", "550 5.1.1 nobody"), says("DATA", "354 go on all the same"))

    receipt = speak()

    assert (known(receipt), receipt.stopped_by) == ({"accepted": OTHERS, "refused": [2]}, None)
    assert got(server) == OTHERS


@pytest.mark.parametrize("moment", range(1, 18))
def test_interruption_at_any_moment_forgets_nobody(server: Fake, monkeypatch: Any, moment: int) -> None:
    heard, reply = iter(range(1, 10_000)), wire.Line.reply

    def interrupted(line: wire.Line) -> wire.Reply:
        if next(heard) == moment:
            raise SoftTimeLimitExceeded
        return reply(line)

    hand_over = ready()
    monkeypatch.setattr(wire.Line, "reply", interrupted)
    # One by one, or a moment would not be the same for all servers.
    monkeypatch.setattr(wire.Line, "replies", lambda line, count: [line.reply() for _ in range(count)])

    receipt = hand_over.speak()

    monkeypatch.undo()
    taken, accepted, doubtful = set(got(server)), set(receipt.accepted), set(receipt.uncertain)
    assert accepted <= taken <= accepted | doubtful
    assert len(doubtful) == (moment % 4 == 0 and moment <= 16)
    rest = [number for number in (1, 2, 3, 4) if number not in accepted | doubtful]
    assert not rest or known(speak(*rest)) == {"accepted": rest}
    assert server.links() == {f"reader{n}@example.com": LINK.format(n) for n in got(server)}


def test_replies_are_read_again_when_they_are_not_those_of_before(server: Fake) -> None:
    """Three envelopes with the same answers, one with a refusal, and another like the first."""
    server.faults(refuse={"reader3@example.com": 550})

    receipt = speak(1, 2, 3, 4, 5)

    assert known(receipt) == {"accepted": [1, 2, 4, 5], "refused": [3]}
    assert got(server) == [1, 2, 4, 5]
