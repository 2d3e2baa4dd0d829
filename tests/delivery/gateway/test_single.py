"""Providers without a batch call of use: one call for each reader."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from delivery import gateway
from delivery.exceptions import AccountRefused
from delivery.gateway import single
from delivery.messages import Receipt
from tests.delivery.gateway import mails
from tests.delivery.gateway.listener import Answer, Listener
from tests.delivery.gateway.mails import HEADERS, at, issue_mail, link, reader, spoken, told, use

URLS = {
    "mailersend": "mailersend://key",
    "mandrill": "mandrill://key",
    "postal": "postal://key",
    "scaleway": "scaleway://secret@project",
    "sparkpost": "sparkpost://key",
    "unisender-go": "unisender-go://key",
}
POSTAL_YES = Answer(200, b'{"status": "success", "data": {"messages": {"ada@example.com": {"id": 5}}}}')
BOB, CLEO = reader(2, "bob@example.com"), reader(3, "c@bücher.example")


def strings(data: Any) -> list[str]:
    """Every text in a piece of JSON, and every name."""
    if isinstance(data, dict):
        return [*data, *(text for value in data.values() for text in strings(value))]
    return [text for value in data for text in strings(value)] if isinstance(data, list) else [str(data)]


@pytest.mark.parametrize("provider", URLS)
def test_each_call_has_one_reader_and_their_own_way_out(provider: str, settings: Any) -> None:
    with Listener(Answer(500)) as listener:
        use(settings, at(URLS[provider], listener))
        for recipient in (BOB, CLEO):
            spoken(recipient)

        calls = [strings(json.loads(heard.body)) for heard in listener.heard]

    assert len(calls) == 2
    for call, mine, theirs in ((calls[0], BOB, CLEO), (calls[1], CLEO, BOB)):
        address = mine.address.replace("bücher", "xn--bcher-kva")
        assert [text for text in call if text == address] != []
        assert [text for text in call if theirs.address in text or link(theirs.delivery_id) in text] == []
        assert {*HEADERS, *HEADERS.values(), "List-Unsubscribe", mine.list_unsubscribe} <= set(call)
        assert len([text for text in call if link(mine.delivery_id) in text]) == 3  # header, text, html
        assert provider in single.WITHOUT_METADATA or [text for text in call if "delivery" in text] != []


def test_several_threads_have_a_connection_each(settings: Any) -> None:
    with Listener(POSTAL_YES) as listener:
        use(settings, at(URLS["postal"], listener))
        ada = [reader(1, "ada@example.com")]
        ready = [gateway.ready(issue_mail(), ada, alias="bulk") for _ in range(24)]

        with ThreadPoolExecutor(4) as pool:
            receipts = list(pool.map(lambda hand_over: hand_over.speak(), ready))

        assert receipts == [Receipt(accepted={1: "5"})] * 24
        assert 1 <= listener.connections <= 4


def test_what_a_provider_cannot_say_to_anybody_marks_nobody_as_refused(settings: Any) -> None:
    use(settings, URLS["scaleway"])

    with pytest.raises(AccountRefused):
        gateway.ready(issue_mail(sender="Ö <ö@daily.example>"), mails.readers(3), alias="bulk")


def test_ten_refusals_in_a_row_are_not_the_readers_fault(settings: Any) -> None:
    with Listener(Answer(422, b'{"errors": [{"message": "no"}]}')) as listener:
        use(settings, at(URLS["sparkpost"], listener))

        receipt = spoken(*mails.readers(20))

        assert (len(listener.heard), told(receipt)) == (10, ([], list(range(1, 11)), [], AccountRefused))


def test_outbox_takes_a_link_as_long_as_it_is(settings: Any) -> None:
    use(settings, "outbox://")

    receipt = spoken(*mails.readers(3))

    assert told(receipt) == ([1, 2, 3], [], [], None)
