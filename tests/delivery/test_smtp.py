"""The connections that mails go over: opened, kept, checked, given back; TLS and login."""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from config import mailers
from delivery import gateway
from delivery.exceptions import AccountRefused, SendError, Transient
from delivery.gateway import conversation, smtp, wire
from tests.delivery.talking import LINK, MAIL, answers, got, known, readers, ready, says, speak
from tests.fakes.client import Fake
from tests.fakes.smtp_answers import CERTIFICATE

ONLY_ONE = says("greeting", "554 5.7.0 no second connection", "hang up")
LOGIN = ("--user", "tide", "--password", "ebb")


@pytest.fixture(scope="module")
def running_secure() -> Iterator[dict[str, Fake]]:
    with (
        Fake("smtp", args=("--tls", *LOGIN)) as tls,
        Fake("smtp", args=("--starttls", "--one-at-a-time-in-tls", *LOGIN)) as starttls,
    ):
        yield {"smtps": tls, "smtp": starttls}


@pytest.fixture
def secure(running_secure: dict[str, Fake], monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Fake]]:
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    for fake in running_secure.values():
        fake.reset()
    yield running_secure
    smtp.close("bulk")


def send_to(url: str, settings: Any) -> None:
    mailer = mailers.parse(url, name="MAILER_URL")
    settings.MAILERS = {**settings.MAILERS, "bulk": mailer.as_setting()}
    settings.HAND_OVER = {"bulk": {"scheme": mailer.scheme}}


def url(secure: dict[str, Fake], scheme: str, *, password: str = "ebb", host: str = "127.0.0.1") -> str:
    return f"{scheme}://tide:{password}@{host}:{secure[scheme].port}" + ("?tls=1" if scheme == "smtp" else "")


def test_batches_share_a_connection(smtp_server: Fake) -> None:
    speak(1)
    answers(smtp_server, replace(ONLY_ONE, nth=1))

    receipts = [speak(2), speak(3, 4)]

    assert [known(receipt) for receipt in receipts] == [{"accepted": [2]}, {"accepted": [3, 4]}]


def test_hand_over_that_is_not_spoken_gives_its_connection_back(smtp_server: Fake) -> None:
    answers(smtp_server, ONLY_ONE)
    hand_over = ready(1)
    with pytest.raises(SendError):
        ready(2)  # the only one is taken
    del hand_over

    assert known(speak(3)) == {"accepted": [3]}
    assert got(smtp_server) == [3]


def test_hand_over_is_spoken_once(smtp_server: Fake) -> None:
    hand_over = ready(1)
    hand_over.speak()

    with pytest.raises(RuntimeError):
        hand_over.speak()

    assert got(smtp_server) == [1]


def test_hand_overs_in_many_threads_do_not_mix(smtp_server: Fake) -> None:
    batches = [range(start, start + 10) for start in range(1, 200, 10)]

    with ThreadPoolExecutor(4) as pool:
        receipts = list(pool.map(lambda hand_over: hand_over.speak(), [ready(*batch) for batch in batches]))

    assert [sorted(receipt.accepted) for receipt in receipts] == [list(batch) for batch in batches]
    assert got(smtp_server) == list(range(1, 201))
    links = {f"reader{n}@example.com": LINK.format(n) for n in range(1, 201)}
    assert smtp_server.links() == links


def test_connection_that_was_quiet_is_asked_first(smtp_server: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "QUIET", 0.0)
    speak(1)
    answers(smtp_server, says("NOOP", "421 4.4.2 idle for too long", "hang up", nth=2))

    receipts = [speak(2), speak(3), speak(4)]

    assert [known(receipt) for receipt in receipts] == [{"accepted": [number]} for number in (2, 3, 4)]
    assert [receipt.stopped_by for receipt in receipts] == [None] * 3


@pytest.mark.parametrize("last_words", ["250 2.0.0 taken", "250 2.0.0 taken\r\n421 4.4.2 goodbye"])
def test_server_that_left_between_batches_costs_nothing(smtp_server: Fake, last_words: str) -> None:
    answers(smtp_server, says("dot", last_words, "hang up"))

    receipts = [speak(1, 2)]
    [line] = smtp._idle["bulk"] or [None]
    while line and not line._has_news():  # until its goodbye has arrived
        time.sleep(0.01)
    receipts.append(speak(3, 4))

    assert [known(receipt) for receipt in receipts] == [{"accepted": [1, 2]}, {"accepted": [3, 4]}]
    assert [receipt.stopped_by for receipt in receipts] == [None] * 2
    assert got(smtp_server) == [1, 2, 3, 4]


@pytest.mark.parametrize("last_words", ["421 4.7.0 no more by this connection", ""])
def test_connection_that_has_carried_enough_is_replaced_without_a_pause(
    smtp_server: Fake, monkeypatch: pytest.MonkeyPatch, last_words: str
) -> None:
    monkeypatch.setattr(conversation, "WORN_OUT", 2)
    answers(smtp_server, says("MAIL", last_words, "hang up", nth=3))

    receipts = [speak(1, 2, 3, 4), speak(3, 4)]

    assert [known(receipt) for receipt in receipts] == [{"accepted": [1, 2]}, {"accepted": [3, 4]}]
    assert [receipt.stopped_by for receipt in receipts] == [None] * 2


def test_same_hand_over_has_the_same_fingerprint(smtp_server: Fake) -> None:
    def fingerprint(*numbers: int, subject: str = "Tides", alter: str = "") -> str:
        recipients = [
            replace(one, values={"unsubscribe_url": one.values["unsubscribe_url"] + alter})
            for one in readers(*numbers)
        ]
        return gateway.ready(replace(MAIL, subject=subject), recipients, alias="bulk").fingerprint

    first = fingerprint(1, 2)

    assert first == fingerprint(1, 2)
    others = {
        fingerprint(2, 1),
        fingerprint(1),
        fingerprint(1, 2, subject="Ebb"),
        fingerprint(1, 2, alter="https://a.example/"),
    }
    assert len(others | {first}) == 5


@pytest.mark.parametrize(
    ("greeting", "error"),
    [("421 4.3.2 busy", Transient), ("554 5.7.1 blocked", Transient), ("what", Transient), ("", Transient)],
)
def test_server_that_does_not_greet_gets_nothing(
    smtp_server: Fake, greeting: str, error: type[SendError]
) -> None:
    smtp.close("bulk")
    answers(smtp_server, says("greeting", greeting, "hang up", nth=1))

    with pytest.raises(error):
        ready()

    assert smtp_server.seen()["calls"] == 0


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_mails_go_over_an_encrypted_line_with_a_login(
    secure: dict[str, Fake], settings: Any, scheme: str
) -> None:
    send_to(url(secure, scheme), settings)

    receipts = [speak(*range(1, 11)), speak(*range(11, 21))]

    assert [len(receipt.accepted) for receipt in receipts] == [10, 10]
    assert got(secure[scheme]) == list(range(1, 21))


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_offers_from_before_the_line_was_encrypted_do_not_count(
    secure: dict[str, Fake], settings: Any, scheme: str
) -> None:
    send_to(url(secure, scheme), settings)
    speak(1)

    [line] = smtp._idle["bulk"]

    assert line.is_pipelined == (scheme == "smtps")  # the other offers it in plain text only


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
@pytest.mark.parametrize("host", ["127.0.0.1", "127.1"])
def test_server_with_a_wrong_certificate_hears_nothing(
    secure: dict[str, Fake], settings: Any, monkeypatch: pytest.MonkeyPatch, scheme: str, host: str
) -> None:
    """Its signer is unknown; or it is known, but the name is not the one that was called."""
    if host == "127.0.0.1":
        monkeypatch.delenv("SSL_CERT_FILE")
    send_to(url(secure, scheme, host=host), settings)

    with pytest.raises(SendError, match="certificate verify failed") as refused:
        ready()

    assert isinstance(refused.value.__cause__, ssl.SSLCertVerificationError)
    assert secure[scheme].seen()["calls"] == 0


def test_wrong_password_is_for_a_person(secure: dict[str, Fake], settings: Any) -> None:
    send_to(url(secure, "smtps", password="flow"), settings)

    with pytest.raises(AccountRefused, match="535"):
        ready()

    assert secure["smtps"].seen()["calls"] == 0
