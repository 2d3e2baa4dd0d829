"""What was seen to send twice, to leave out, or to lie about what had been sent. Each spoken over a real socket."""

from __future__ import annotations

import base64
import email
import email.policy
import json
from typing import Any

import pytest
from anymail.signals import post_send

from delivery import gateway
from delivery.exceptions import AccountRefused, Transient, Uncertain
from delivery.gateway import readers
from delivery.messages import Receipt, Recipient
from tests.delivery.gateway.listener import DROP, Answer, Listener
from tests.delivery.gateway.mails import ALL, HEADERS, at, issue_mail, link, reader, spoken, told, use

EVERY = sorted(ALL)
ADA = reader(1, "ada@example.com")


@pytest.mark.parametrize("provider", EVERY)
def test_call_whose_answer_is_lost_is_made_once_and_stays_in_doubt(provider: str, settings: Any) -> None:
    with Listener(DROP) as listener:
        use(settings, at(ALL[provider], listener))

        receipt = spoken(ADA)

        assert (len(listener.heard), told(receipt)) == (1, ([], [], [1], Uncertain))


@pytest.mark.parametrize("provider", EVERY)
def test_redirect_is_not_followed(provider: str, settings: Any) -> None:
    with Listener(Answer(307, headers={"Location": "/elsewhere"})) as listener:
        use(settings, at(ALL[provider], listener))

        receipt = spoken(ADA)

        assert (len(listener.heard), told(receipt)) == (1, ([], [], [], AccountRefused))


@pytest.mark.parametrize("provider", EVERY)
def test_nobody_listening_is_tried_again(provider: str, settings: Any) -> None:
    with Listener(DROP) as listener:
        use(settings, at(ALL[provider], listener))

    receipt = spoken(ADA)

    assert told(receipt) == ([], [], [], Transient)


@pytest.mark.parametrize("provider", EVERY)
@pytest.mark.parametrize("body", [b"<html>", b"", b"[]", b'{"data": []}', b"null"])
def test_yes_that_cannot_be_read_stays_in_doubt(provider: str, body: bytes, settings: Any) -> None:
    with Listener(Answer(200, body)) as listener:
        use(settings, at(ALL[provider], listener))

        receipt = spoken(ADA)

        assert told(receipt) == ([], [], [1], Uncertain)


@pytest.mark.parametrize("provider", EVERY)
def test_wait_that_the_provider_names_is_kept(provider: str, settings: Any) -> None:
    with Listener(Answer(429, b"{}", {"Retry-After": "7"})) as listener:
        use(settings, at(ALL[provider], listener))

        receipt = spoken(ADA)

    assert told(receipt) == ([], [], [], Transient)
    assert provider == "ses" or receipt.stopped_by.retry_after == 7.0


@pytest.mark.parametrize(
    ("provider", "answer"),
    [
        ("postal", {"status": "success", "data": {"messages": {"ada@example.com": {"id": 5}}}}),
        ("scaleway", {"emails": [{"mail_rcpt": "ada@example.com", "id": "5", "status": "new"}]}),
        ("ses", {"MessageId": "5"}),
        ("mailgun", {"id": "5", "message": "Queued. Thank you."}),
        ("postmark", [{"ErrorCode": 0, "Message": "OK", "MessageID": "5", "To": "ada@example.com"}]),
        ("resend", {"data": [{"id": "5"}]}),
    ],
)
def test_error_after_acceptance_does_not_look_like_a_failure(
    provider: str, answer: Any, settings: Any
) -> None:
    def broken_receiver(**_: object) -> None:
        raise RuntimeError("a plug-in of somebody's")

    post_send.connect(broken_receiver)
    try:
        with Listener(Answer(200, json.dumps(answer).encode())) as listener:
            use(settings, at(ALL[provider], listener))

            receipt = spoken(ADA)
    finally:
        post_send.disconnect(broken_receiver)

    assert receipt == Receipt(accepted={1: "5"})


@pytest.mark.parametrize("provider", EVERY)
@pytest.mark.parametrize(
    ("address", "url", "words"),
    [
        ("bob@example.com\r\nBcc: eve@example.com", link(2), readers.NOT_AN_ADDRESS),
        ("bob@example.com,eve@example.com", link(2), readers.NOT_AN_ADDRESS),
        ("Bob <bob@example.com>", link(2), readers.NOT_AN_ADDRESS),
        ("böb@example.com", link(2), readers.NOT_AN_ADDRESS),
        ("bob@example.com", f"{link(2)}\r\nBcc: eve@example.com", readers.NOT_A_LINK),
        ("bob@example.com", f"{link(2)}>, <mailto:eve@example.com", readers.NOT_A_LINK),
        ("bob@example.com", "", readers.NOT_A_LINK),
    ],
)
def test_unsound_reader_is_refused_alone_and_never_spoken_of(
    provider: str, address: str, url: str, words: str, settings: Any
) -> None:
    with Listener(DROP) as listener:
        use(settings, at(ALL[provider], listener))

        receipt = spoken(ADA, Recipient(2, address, {"unsubscribe_url": url}))

        assert (receipt.refused, told(receipt)) == ({2: words}, ([], [2], [1], Uncertain))
        assert b"eve" not in listener.heard[0].body


@pytest.mark.parametrize("provider", EVERY)
def test_value_with_control_characters_is_refused_before_anything_is_spoken(
    provider: str, settings: Any
) -> None:
    with Listener(DROP) as listener:
        use(settings, at(ALL[provider], listener))

        receipt = spoken(Recipient(1, "ada@example.com", {"unsubscribe_url": link(1), "name": "Ada\x00"}))

        assert (receipt, listener.heard) == (Receipt(refused={1: readers.NOT_TEXT}), [])


@pytest.mark.parametrize("provider", EVERY)
@pytest.mark.parametrize("headers", [{"X-A: 1\r\nBcc": "eve@example.com"}, {"X A": "1"}, {"": "1"}])
def test_header_name_that_is_none_stops_the_issue(
    provider: str, headers: dict[str, str], settings: Any
) -> None:
    with Listener(DROP) as listener:
        use(settings, at(ALL[provider], listener))

        with pytest.raises(AccountRefused):
            gateway.ready(issue_mail(headers=headers), [ADA], alias="bulk")

        assert listener.heard == []


@pytest.mark.parametrize("field", ["subject", "sender", "reply_to", "header"])
@pytest.mark.parametrize("end", ["\r\n", "\n", "\r", "\u2028", "\x00"])
def test_line_end_in_a_header_of_the_issue_is_refused(field: str, end: str) -> None:
    evil = f"x{end}Bcc: eve@example.com"
    fields: dict[str, Any] = {"headers": {"X-A": evil}} if field == "header" else {field: evil}

    with pytest.raises(ValueError, match="control characters"):
        issue_mail(**fields)


def test_amazon_gets_the_unsubscribe_link_in_one_line_as_it_is(settings: Any) -> None:
    with Listener(Answer(200, b'{"MessageId": "5"}')) as listener:
        use(settings, at(ALL["ses"], listener))

        receipt = spoken(reader(1, "c@bücher.example"))

        [heard] = listener.heard
    call = json.loads(heard.body)
    source = base64.b64decode(call["Content"]["Raw"]["Data"])
    parsed = email.message_from_bytes(source, policy=email.policy.default)
    assert receipt == Receipt(accepted={1: "5"})
    assert call["Destination"] == {"ToAddresses": ["c@xn--bcher-kva.example"]}
    assert f"List-Unsubscribe: <{link(1)}>\n".encode() in source.replace(b"\r\n", b"\n")
    assert {name: parsed[name] for name in (*HEADERS, "To", "X-Metadata")} == {
        **HEADERS,
        "To": "c@xn--bcher-kva.example",
        "X-Metadata": '{"delivery": "1"}',
    }


def test_postal_that_says_no_under_200_took_nothing(settings: Any) -> None:
    answer = {
        "status": "parameter-error",
        "data": {"code": "NoRecipients", "message": "There are no recipients"},
    }
    with Listener(Answer(200, json.dumps(answer).encode())) as listener:
        use(settings, at(ALL["postal"], listener))

        receipt = spoken(ADA)

    assert receipt == Receipt(refused={1: "There are no recipients"})
