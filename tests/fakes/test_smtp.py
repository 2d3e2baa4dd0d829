"""Fake SMTP, spoken to by Python's own client and by raw packets."""

from __future__ import annotations

import smtplib
import socket
import ssl
import time
from dataclasses import asdict
from email.message import EmailMessage
from typing import TYPE_CHECKING

import pytest

from tests.fakes.client import Fake
from tests.fakes.smtp_answers import CERTIFICATE, Odd

if TYPE_CHECKING:
    from collections.abc import Iterator

ADA, BOB = "ada@example.com", "bob@example.com"


@pytest.fixture(scope="module")
def running_smtp() -> Iterator[Fake]:
    with Fake("smtp", keep="all") as fake:
        yield fake


@pytest.fixture
def smtp(running_smtp: Fake) -> Fake:
    running_smtp.reset()
    return running_smtp


def leave(address: str) -> str:
    return f"https://news.example/s/unsubscribe/{address}/"


def letter(to: str = ADA, body: str = "Hello") -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "tide@example.com", to, "The tide"
    message["List-Unsubscribe"] = f"<mailto:leave@example.com>, <{leave(to)}>"  # long enough to be folded
    message.set_content(body)
    return message


def connected(fake: Fake) -> smtplib.SMTP:
    return smtplib.SMTP("127.0.0.1", fake.port, timeout=5)


def test_smtp_takes_mails_as_they_were_written(smtp: Fake) -> None:
    body = "Hello\n.\n..two dots\n.end\n"

    with connected(smtp) as client:
        client.send_message(letter(body=body))
        client.send_message(letter(), to_addrs=[ADA, BOB])
        offered = sorted(client.esmtp_features)

    first = smtp.messages(ADA)[0]
    assert first["source"].split("\r\n\r\n", 1)[1] == body.replace("\n", "\r\n")
    assert (first["sender"], first["to"]) == ("tide@example.com", ADA)
    assert (smtp.counts(), smtp.links()) == ({ADA: 2, BOB: 1}, {ADA: leave(ADA), BOB: leave(ADA)})
    assert offered == ["8bitmime", "pipelining", "size", "smtputf8"]


def test_smtp_finds_no_link_where_a_mailbox_would_find_none(smtp: Fake) -> None:
    encoded, in_body = letter(), letter(BOB, body=f"List-Unsubscribe: <{leave(BOB)}>")
    # Longer than a line, Python writes it as encoded words, which no mailbox provider reads in this header.
    encoded.replace_header("List-Unsubscribe", f"<{leave(ADA)}{'x' * 80}>")
    del in_body["List-Unsubscribe"]

    with connected(smtp) as client:
        client.send_message(encoded)
        client.send_message(in_body)

    seen = smtp.seen()
    assert (seen["mails"], seen["without_link"]) == (2, 2)


@pytest.mark.parametrize("size", [1, 3, 100_000])
def test_smtp_understands_commands_in_packets_of_any_size(smtp: Fake, size: int) -> None:
    mail = "MAIL FROM:<t@example.com>\r\nRCPT TO:<{}>\r\nDATA\r\nSubject: x\r\n\r\n..\r\nbody\r\n.\r\n"
    said = (
        "EHLO x\r\n"
        + mail.format(ADA)
        + "NOOP\r\nRSET\r\nMAIL FROM:<>\r\nRCPT TO:<"
        + BOB
        + ">\r\nDATA\r\n.\r\nQUIT\r\n"
    )
    with socket.create_connection(("127.0.0.1", smtp.port), timeout=5) as line:
        for start in range(0, len(said), size):
            line.sendall(said[start : start + size].encode())
        answers = b"".join(iter(lambda: line.recv(65536), b""))

    codes = [answer[:3] for answer in answers.decode().splitlines() if answer[3] == " "]
    assert codes == [
        "220",
        "250",
        "250",
        "250",
        "354",
        "250",
        "250",
        "250",
        "250",
        "250",
        "354",
        "250",
        "221",
    ]
    assert smtp.message(ADA)["source"].endswith("\r\n\r\n.\r\nbody\r\n")
    assert smtp.message(BOB)["source"] == ""


def test_smtp_wants_its_commands_in_order(smtp: Fake) -> None:
    with connected(smtp) as client:
        client.ehlo()
        codes = [client.docmd(command)[0] for command in ("DATA", f"RCPT TO:<{ADA}>", "MAIL nonsense", "FLY")]
        large = client.mail("t@example.com", ["SIZE=99999999"])[0]
        twice = [client.mail("t@example.com")[0] for _ in range(2)]

    assert (codes, large, twice) == ([503, 503, 503, 502], 552, [250, 503])


def test_smtp_asks_for_a_password_when_told_to() -> None:
    with Fake("smtp", args=("--user", "tide", "--password", "ebb")) as fake:
        refused = []
        for mechanism in ("AUTH_PLAIN", "AUTH_LOGIN"):
            with connected(fake) as client:
                client.ehlo()
                client.user, client.password = "tide", "flow"
                with pytest.raises(smtplib.SMTPAuthenticationError):
                    client.auth(mechanism[5:], getattr(client, mechanism.lower()))
                refused.append(client.mail("t@example.com")[0])
                client.password = "ebb"
                client.auth(mechanism[5:], getattr(client, mechanism.lower()))
                client.send_message(letter())

        assert (refused, fake.counts()) == ([530, 530], {ADA: 2})


def test_smtp_refuses_chosen_readers_and_takes_the_others(smtp: Fake) -> None:
    smtp.faults(refuse={BOB: 550})

    with connected(smtp) as client:
        refused = client.send_message(letter(), to_addrs=[ADA, BOB])

    assert (list(refused), refused[BOB][0], smtp.counts()) == ([BOB], 550, {ADA: 1})


def test_smtp_says_421_and_hangs_up(smtp: Fake) -> None:
    smtp.faults(throttle_every=2)

    with connected(smtp) as client:
        client.send_message(letter())
        with pytest.raises(smtplib.SMTPSenderRefused) as refused:
            client.send_message(letter(BOB))
        with pytest.raises(smtplib.SMTPServerDisconnected):
            client.noop()

    assert (refused.value.smtp_code, smtp.counts()) == (421, {ADA: 1})


def test_smtp_answers_with_an_error_after_the_data(smtp: Fake) -> None:
    smtp.faults(error_every=1, error_status=554, times=1)

    with connected(smtp) as client:
        with pytest.raises(smtplib.SMTPDataError) as refused:
            client.send_message(letter())
        client.send_message(letter(BOB))

    assert (refused.value.smtp_code, smtp.counts()) == (554, {BOB: 1})


@pytest.mark.parametrize(
    ("fault", "is_taken"),
    [
        *(("drop", True), ("hang_after", True), ("html", True), ("garbled", True), ("cut", True)),
        *(("reset", False), ("hang", False), ("error_after", True)),
    ],
)
def test_smtp_meets_the_fault_after_the_mail(smtp: Fake, fault: str, is_taken: bool) -> None:
    smtp.faults(**{f"{fault}_every": 1})
    client = smtplib.SMTP("127.0.0.1", smtp.port, timeout=0.3)

    with pytest.raises((OSError, smtplib.SMTPException)):
        client.send_message(letter())
    client.close()

    assert (smtp.counts(), smtp.seen()["met"]) == ({ADA: 1} if is_taken else {}, {fault: 1})


def test_smtp_takes_a_mail_late(smtp: Fake) -> None:
    smtp.faults(late_every=1, late=0.2)
    client = smtplib.SMTP("127.0.0.1", smtp.port, timeout=0.1)

    with pytest.raises((OSError, smtplib.SMTPException)):
        client.send_message(letter())
    client.close()
    before = smtp.counts()
    time.sleep(0.3)

    assert (before, smtp.counts()) == ({}, {ADA: 1})


def test_smtp_counts_each_mail_of_a_client_that_does_not_wait(smtp: Fake) -> None:
    mail = "MAIL FROM:<t@example.com>\r\nRCPT TO:<{}>\r\nDATA\r\nSubject: x\r\n\r\nbody\r\n.\r\n"
    readers = [f"reader{number}@example.com" for number in range(50)]
    with socket.create_connection(("127.0.0.1", smtp.port), timeout=5) as line:
        line.sendall(("EHLO x\r\n" + "".join(map(mail.format, readers)) + "QUIT\r\n").encode())
        while line.recv(65536):
            pass

    assert smtp.counts() == dict.fromkeys(readers, 1)


@pytest.mark.parametrize("size", [1_000, 300_000, 3_000_000])
def test_smtp_takes_mails_of_any_size(smtp: Fake, size: int) -> None:
    body = ("y" * 70 + "\n") * (size // 71)

    with connected(smtp) as client:
        for address in (ADA, BOB):
            client.send_message(letter(address, body=body))

    assert smtp.message(BOB)["source"].split("\r\n\r\n", 1)[1] == body.replace("\n", "\r\n")
    assert smtp.links() == {ADA: leave(ADA), BOB: leave(BOB)}


def test_smtp_answers_oddly_where_a_test_wants_it(smtp: Fake) -> None:
    odd = [("RCPT", "550 5.1.1 nobody\r\n", "go on"), ("dot", "421 4.3.0 going down\r\n", "hang up")]
    smtp._asked("/_answers", [asdict(Odd(step, 2, say, then)) for step, say, then in odd])

    with connected(smtp) as client:
        client.send_message(letter())
        with pytest.raises(smtplib.SMTPRecipientsRefused, match="nobody"):
            client.send_message(letter(BOB))
        with pytest.raises(smtplib.SMTPDataError, match="going down"):
            client.send_message(letter(BOB))
        with pytest.raises(smtplib.SMTPServerDisconnected):
            client.noop()

    assert smtp.counts() == {ADA: 1}


def test_smtp_forgets_what_was_said_before_the_line_was_encrypted() -> None:
    with Fake("smtp", args=("--starttls", "--user", "tide", "--password", "ebb")) as fake:
        with connected(fake) as client:
            client.ehlo()
            plain = sorted(client.esmtp_features)
            client.starttls(context=ssl.create_default_context(cafile=CERTIFICATE))
            without_hello = client.mail("t@example.com")[0]
            client.login("tide", "ebb")
            client.send_message(letter())
            encrypted = sorted(client.esmtp_features)

        assert (plain, without_hello) == (["8bitmime", "pipelining", "size", "smtputf8", "starttls"], 503)
        assert encrypted == ["8bitmime", "auth", "pipelining", "size", "smtputf8"]
        assert fake.counts() == {ADA: 1}


def test_smtp_takes_a_mail_and_cuts_the_line_before_the_answer(smtp: Fake) -> None:
    smtp.faults(drop_every=1)

    with connected(smtp) as client, pytest.raises((smtplib.SMTPServerDisconnected, ConnectionError)):
        client.send_message(letter())

    assert smtp.counts() == {ADA: 1}


def test_smtp_hangs_without_taking(smtp: Fake) -> None:
    smtp.faults(hang_every=1)
    client = smtplib.SMTP("127.0.0.1", smtp.port, timeout=0.3)

    with pytest.raises((TimeoutError, smtplib.SMTPServerDisconnected)):
        client.send_message(letter())
    client.close()

    assert smtp.counts() == {}


def test_smtp_answers_late(smtp: Fake) -> None:
    smtp.faults(latency=0.2)
    started = time.monotonic()

    with connected(smtp) as client:
        client.send_message(letter())
        client.send_message(letter(BOB))

    assert time.monotonic() - started >= 0.4
    assert smtp.counts() == {ADA: 1, BOB: 1}
