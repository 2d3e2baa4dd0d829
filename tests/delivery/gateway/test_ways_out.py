"""List-Unsubscribe with a way out by mail beside the link: each reader's own, by every way."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from delivery import links
from delivery.gateway import batch, mime, profile, readers, scheme
from delivery.gateway.forms import Call, columns_of
from delivery.messages import Recipient
from subscribers import tokens
from tests.delivery.gateway.listener import Answer, Listener
from tests.delivery.gateway.mails import ALL, KEY, URLS, at, issue_mail, spoken, use
from tests.delivery.gateway.reading import READ, lowered


@pytest.fixture(autouse=True)
def by_mail(settings: Any) -> None:
    settings.UNSUBSCRIBE_ADDRESS = "leave@in.example.org"


def reader(number: int) -> Recipient:
    values = {name: make(number) for name, make in links.makers(42, slots=[]).items()}
    return Recipient(number, f"reader{number}@example.com", values)


def header(number: int) -> str:
    token = tokens.unsubscribe_token(number, mark="42")
    return f"<http://testserver/s/unsubscribe/{token}>, <mailto:leave@in.example.org?subject=unsubscribe-{token}>"


@pytest.mark.parametrize("provider", READ)
def test_each_reader_of_a_call_has_both_ways_out(provider: str, settings: Any) -> None:
    use(settings, URLS[provider])
    good, refused = readers.sound([reader(number) for number in (1, 2, 3)])
    form = batch.form_of(issue_mail(), alias="bulk", scheme=scheme("bulk"), way=profile("bulk").way)

    got = READ[provider](b"".join(Call(form, columns_of(good), key=KEY)))

    assert refused == {}
    assert [lowered(one.headers)["list-unsubscribe"] for one in got] == [header(1), header(2), header(3)]


def test_amazon_gets_them_in_one_line(settings: Any) -> None:
    with Listener(Answer(200, b'{"MessageId": "5"}')) as listener:
        use(settings, at(ALL["ses"], listener))
        spoken(reader(1))
        [heard] = listener.heard

    source = base64.b64decode(json.loads(heard.body)["Content"]["Raw"]["Data"]).decode()

    assert f"List-Unsubscribe: {header(1)}\n" in source.replace("\r\n", "\n")


def test_mail_server_gets_them_in_one_line() -> None:
    mail = b"".join(mime.prepare(issue_mail()).mail_for(reader(1), date="Sun, 22 Nov 2026 10:00:00 +0000"))

    assert f"\r\nList-Unsubscribe: {header(1)}\r\n".encode() in mail


def test_only_the_link_is_there_where_no_mail_is_read(settings: Any) -> None:
    settings.UNSUBSCRIBE_ADDRESS = ""

    assert set(links.makers(42, slots=[])) == set(issue_mail().ways_out) == {"unsubscribe_url"}
    assert "mailto" not in str(links.nobodys())
