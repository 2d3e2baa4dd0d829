from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.core.mail import InvalidMailer, mailers

from outbox import mailbox, reading
from tests.outbox.letters import issue

if TYPE_CHECKING:
    from pytest_django.fixtures import Settings


def test_send_keeps_one_mail_for_every_recipient_as_sent() -> None:
    message = issue("ada@example.com", "bob@example.com")
    message.bcc = ["cleo@example.com"]

    sent = message.send()

    recipients = [envelope.recipient for envelope in mailbox.newest()]
    stored = mailbox.find(mailbox.newest()[0].number)
    assert (sent, recipients) == (1, ["cleo@example.com", "bob@example.com", "ada@example.com"])
    assert stored is not None
    assert b"Message-ID: <1@tide.example>" in stored.source
    assert b"cleo@" not in stored.source


def test_a_long_unsubscribe_link_stays_one_that_mailboxes_can_read() -> None:
    leave = f"https://news.example/s/unsubscribe/{'x' * 200}/"

    issue(leave=leave).send()

    stored = mailbox.find(mailbox.newest()[0].number)
    assert stored is not None
    assert reading.letter(stored.source).unsubscribe.one_click == leave
    assert f"<{leave}>".encode() in stored.source


def test_several_messages_are_stored_together_or_not_at_all() -> None:
    broken = issue("bob@example.com", subject="one\ntwo")

    with pytest.raises(ValueError, match="carriage return"):
        mailers["default"].send_messages([issue(), broken])
    nothing = mailbox.count()
    sent = mailers["default"].send_messages([issue(), issue("bob@example.com")])

    assert (nothing, sent, mailbox.count()) == (0, 2, 2)


def test_a_message_to_nobody_counts_for_nothing() -> None:
    message = issue()
    message.to = []

    assert (mailers["default"].send_messages([message]), mailbox.count()) == (0, 0)


def test_an_unknown_option_is_refused(settings: Settings) -> None:
    settings.MAILERS = {"default": {"BACKEND": "outbox.backend.EmailBackend", "OPTIONS": {"path": "x"}}}

    with pytest.raises(InvalidMailer, match="path"):
        mailers["default"].send_messages([])
