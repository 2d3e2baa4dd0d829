"""Ours against the fake providers, each a process of its own that reads a call as the real one does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

import pytest
from anymail.message import AnymailMessage

from tests.delivery.gateway import mails
from tests.delivery.gateway.mails import HEADERS, issue_mail, link, reader, spoken, use
from tests.fakes.client import Fake, Name

READERS = [
    reader(1, "ada@example.com"),
    reader(2, "a@x.com"),
    reader(3, "c@bücher.example"),
    *(reader(number, f"reader{number}@example.com") for number in range(4, 41)),
]
MAIL = issue_mail()


@pytest.fixture(scope="module", params=[name for name in get_args(Name) if name in mails.URLS])
def running(request: pytest.FixtureRequest) -> Iterator[Fake]:
    with Fake(request.param, keep="all") as fake:
        yield fake


@pytest.fixture
def provider(running: Fake, settings: Any) -> Fake:
    running.reset()
    use(settings, running.mailer_url)
    return running


def test_everybody_gets_one_mail_with_a_way_out_of_their_own(provider: Fake) -> None:
    receipt = spoken(*READERS, mail=MAIL)

    seen = provider.seen()
    assert list(receipt.accepted) == [one.delivery_id for one in READERS]
    assert provider.links() == {
        one.address.replace("bücher", "xn--bcher-kva"): link(one.delivery_id) for one in READERS
    }
    assert {name: seen[name] for name in ("mails", "recipients", "calls", "exposed", "unfilled")} == {
        "mails": 40, "recipients": 40, "calls": 1, "exposed": 0, "unfilled": 0,
    }  # fmt: skip


def test_reader_who_is_refused_costs_nobody_else_a_mail(provider: Fake) -> None:
    provider.faults(refuse={"reader7@example.com": 400})

    receipt = spoken(*READERS, mail=MAIL)

    others = [one.delivery_id for one in READERS if one.delivery_id != 7]
    if receipt.stopped_by:  # taken as a whole or not at all: the call is halved until this reader is alone
        assert (type(receipt.stopped_by).__name__, provider.counts()) == ("CallRefused", {})
        assert list(spoken(READERS[6], mail=MAIL).accepted) == []
    else:
        assert (list(receipt.accepted), list(receipt.refused)) == (others, [7])


def test_answer_that_is_lost_leaves_all_in_doubt_after_one_call(provider: Fake) -> None:
    provider.faults(drop_every=1)

    receipt = spoken(*READERS, mail=MAIL)

    assert list(receipt.uncertain) == [one.delivery_id for one in READERS]
    assert set(provider.counts().values()) == {1}


@pytest.mark.parametrize("name", ["brevo", "resend"])
def test_call_that_is_repeated_under_its_key_sends_nothing_more(name: Any, settings: Any) -> None:
    with Fake(name, keep="all") as fake:
        use(settings, fake.mailer_url)
        fake.faults(drop_every=1, times=1)

        first, second = spoken(*READERS, mail=MAIL), spoken(*READERS, mail=MAIL)

        assert (len(first.uncertain), len(second.accepted)) == (40, 40)
        assert set(fake.counts().values()) == {1}


def test_mailgun_sends_the_same_mail_as_through_anymail(settings: Any) -> None:
    with Fake("mailgun", keep="all") as fake:
        use(settings, fake.mailer_url)
        spoken(READERS[0], READERS[3], mail=MAIL)
        ours = [fake.message("ada@example.com"), fake.message("reader4@example.com")]
        fake.reset()
        _by_anymail([READERS[0], READERS[3]])
        theirs = [fake.message("ada@example.com"), fake.message("reader4@example.com")]

    assert [mail | {"id": ""} for mail in ours] == [mail | {"id": ""} for mail in theirs]


def _by_anymail(recipients: list[Any]) -> None:
    slot = {"unsubscribe_url": "%recipient.link%"}
    message = AnymailMessage(
        subject=MAIL.subject, body=MAIL.text.fill(slot), from_email=MAIL.sender, reply_to=[MAIL.reply_to],
        to=[one.address for one in recipients], headers=dict(HEADERS),
    )  # fmt: skip
    message.attach_alternative(MAIL.html.fill(slot), "text/html")
    own = {one.address: one for one in recipients}
    message.merge_data = {to: {"link": link(one.delivery_id)} for to, one in own.items()}
    message.merge_headers = {to: {"List-Unsubscribe": one.list_unsubscribe} for to, one in own.items()}
    message.merge_metadata = {to: {"delivery": str(one.delivery_id)} for to, one in own.items()}
    message.send(using="bulk")
