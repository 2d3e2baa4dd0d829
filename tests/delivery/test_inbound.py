"""Leaving by mail: as each provider posts it, to the subscription that ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from django.core import mail as outbox
from django.test import Client
from django.test.client import Client as Provider

from config import checks
from delivery.models import Event
from newsletter.models import Newsletter
from subscribers import tokens
from subscribers.models import ConsentEvent, Letter, Subscription
from tests import factories
from tests.fakes import inbound as fakes
from tests.fakes.inbound import Mail, Posting

URL = "/webhooks/inbound/"
PASSWORD = "courant:a-password-of-thirty-two-letters"
SVIX = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SES_OPTIONS = {"client_params": {"config": {"connect_timeout": 5}, "region_name": "eu-west-1"}}


@pytest.fixture
def through(settings: Any) -> Callable[[str], None]:
    """Mail goes out and comes in by this provider."""

    def choose(name: str) -> None:
        settings.UNSUBSCRIBE_ADDRESS = "leave@in.example.org"
        settings.INBOUND_SECRET = {"resend": SVIX, "postal": fakes.postal_key.KEY}.get(name, PASSWORD)
        settings.HAND_OVER = {"bulk": {"scheme": name}}
        if name == "ses":
            settings.MAILERS = settings.MAILERS | {"bulk": {"BACKEND": "x", "OPTIONS": SES_OPTIONS}}

    return choose


def posted(name: str, mail: Mail, settings: Any, *, secret: str = "") -> Posting:
    make = fakes.PROVIDERS[name]
    return make(mail, secret=secret or settings.INBOUND_SECRET, url=f"{settings.SITE_URL}{URL}")


def post(posting: Posting, url: str = URL) -> Any:
    client = Provider(enforce_csrf_checks=True)
    return client.generic(
        "POST", url, posting.body, content_type=posting.content_type, headers=posting.headers
    )


def subject_of(subscription: Subscription, *, mark: str = "") -> str:
    return f"unsubscribe-{tokens.unsubscribe_token(subscription.pk, mark=mark)}"


def quoting(subscription: Subscription) -> str:
    link = f"http://testserver/s/unsubscribe/{tokens.unsubscribe_token(subscription.pk, mark='3')}"
    return f"Thank you!\r\n\r\n> To leave: <{link}>\r\n"


def problems() -> list[str]:
    return list(Event.objects.order_by("pk").values_list("problem", flat=True))


@pytest.mark.parametrize("name", fakes.PROVIDERS)
def test_mail_takes_its_reader_off_the_list_however_often_it_comes(
    daily: Newsletter, through: Callable[[str], None], settings: Any, name: str
) -> None:
    ada, bob, _ = factories.cast(daily)
    through(name)
    mail = Mail(subject=subject_of(ada, mark="12"), headers={"X-Mailer": "Outlook 16"})

    answers = [post(posted(name, mail, settings)) for _ in range(2)]

    assert [(answer.status_code, answer.content) for answer in answers] == [(200, b"")] * 2
    assert Subscription.objects.get(pk=ada.pk).status == "unsubscribed"
    assert Subscription.objects.get(pk=bob.pk).status == "pending"
    event = ConsentEvent.objects.get()
    agent = "" if name == "resend" else "Outlook 16"
    assert (event.kind, event.method, event.network, event.agent) == ("left", "mail", "", agent)
    assert event.details == {"dispatch": "12"}
    assert (problems(), outbox.outbox, Letter.objects.count()) == ([], [], 0)


@pytest.mark.parametrize("name", sorted(set(fakes.PROVIDERS) - {"resend"}))
def test_token_is_found_in_the_body_too(
    daily: Newsletter, through: Callable[[str], None], settings: Any, name: str
) -> None:
    ada, *_ = factories.cast(daily)
    through(name)

    post(posted(name, Mail(subject="Bitte abmelden", text=f"Grüße, Ada\r\n\r\n{quoting(ada)}"), settings))

    assert Subscription.objects.get(pk=ada.pk).status == "unsubscribed"


@pytest.mark.parametrize("name", fakes.PROVIDERS)
def test_mail_to_another_address_takes_nobody_off_the_list(
    daily: Newsletter, through: Callable[[str], None], settings: Any, name: str
) -> None:
    ada, *_ = factories.cast(daily)
    through(name)
    mails = [
        Mail(subject="Re: On tides", to="editors@in.example.org", text=quoting(ada)),
        Mail(subject=subject_of(ada), to="leave@example.org"),
        Mail(subject=subject_of(ada), to="leave-it@in.example.org", sender="leave@in.example.org"),
    ]

    answers = [post(posted(name, mail, settings)) for mail in mails]

    assert {answer.status_code for answer in answers} == {200}
    assert Subscription.objects.get(pk=ada.pk).status == "active"
    assert problems() == ["to another address"] * 3


@pytest.mark.parametrize("name", fakes.PROVIDERS)
@pytest.mark.parametrize(
    ("to", "named"),
    [
        ("Leave@IN.Example.org", ""),
        ("leave+7@in.example.org", ""),
        ("leave@in.example.org", "Readers <readers@in.example.org>"),  # as a blind copy
        ("a1b2c3@inbound.example.net", "Bob <bob@example.com>, LEAVE <leave@in.example.org>"),  # forwarded
    ],
)
def test_unsubscribe_address_is_known_however_it_is_written(
    daily: Newsletter, through: Callable[[str], None], settings: Any, name: str, to: str, named: str
) -> None:
    ada, *_ = factories.cast(daily)
    through(name)

    post(posted(name, Mail(subject=subject_of(ada), to=to, named=named), settings))

    assert (Subscription.objects.get(pk=ada.pk).status, problems()) == ("unsubscribed", [])


def test_address_with_a_tag_of_its_own_is_told_from_others_with_tags(
    daily: Newsletter, through: Callable[[str], None], settings: Any
) -> None:
    ada, *_ = factories.cast(daily)
    through("postmark")
    settings.UNSUBSCRIBE_ADDRESS = "news+leave@in.example.org"

    for tag in ("press", "leave"):
        post(posted("postmark", Mail(subject=subject_of(ada), to=f"news+{tag}@in.example.org"), settings))

    assert (Subscription.objects.get(pk=ada.pk).status, problems()) == (
        "unsubscribed",
        ["to another address"],
    )


@pytest.mark.parametrize("name", sorted(set(fakes.PROVIDERS) - {"resend"}))
@pytest.mark.parametrize(
    "said", ["auto-replied", "Auto-Replied; owner-email=ada@example.com", "auto-generated"]
)
def test_what_a_machine_answers_takes_nobody_off_the_list(
    daily: Newsletter, through: Callable[[str], None], settings: Any, name: str, said: str
) -> None:
    ada, *_ = factories.cast(daily)
    through(name)
    mail = Mail(subject="Out of office: On tides", text=quoting(ada), headers={"Auto-Submitted": said})

    post(posted(name, mail, settings))

    assert Subscription.objects.get(pk=ada.pk).status == "active"
    assert problems() == ["without a link of ours"]


@pytest.mark.parametrize(
    ("said", "in_subject"), [("no", False), (" No ; by=hand", False), ("auto-generated", True)]
)
def test_mail_program_that_leaves_for_its_reader_is_heard(
    daily: Newsletter, through: Callable[[str], None], settings: Any, said: str, in_subject: bool
) -> None:
    ada, *_ = factories.cast(daily)
    through("postmark")
    wanted = {"subject": subject_of(ada)} if in_subject else {"text": quoting(ada)}

    post(posted("postmark", Mail(**wanted, headers={"Auto-Submitted": said}), settings))

    assert Subscription.objects.get(pk=ada.pk).status == "unsubscribed"


@pytest.mark.parametrize("name", fakes.PROVIDERS)
def test_post_that_proves_nothing_is_turned_away(
    daily: Newsletter, through: Callable[[str], None], settings: Any, name: str
) -> None:
    ada, *_ = factories.cast(daily)
    through(name)
    good = posted(name, Mail(subject=subject_of(ada)), settings)
    secret = "whsec_" + "A" * 32 if name == "resend" else PASSWORD + "x"
    wrong = posted(name, Mail(subject=subject_of(ada)), settings, secret=secret)

    answers = [post(wrong), post(replace(good, headers={}, body=good.body.replace(b"signature", b"s")))]

    assert {answer.status_code for answer in answers} <= {401, 403}
    assert Subscription.objects.get(pk=ada.pk).status == "active"
    assert not Event.objects.exists()


def test_other_mail_is_counted_and_never_answered(
    daily: Newsletter, through: Callable[[str], None], settings: Any
) -> None:
    ada, *_ = factories.cast(daily)
    gone = subject_of(factories.subscription(daily, "gone@example.com"))
    Subscription.objects.get(subscriber__email="gone@example.com").subscriber.delete()
    through("postmark")
    real = tokens.unsubscribe_token(ada.pk)
    mails = [
        Mail(subject="Unsubscribe me", text="I am ada@example.com"),
        Mail(subject=f"unsubscribe-{real[:-3]}xyz"),
        Mail(subject=real.replace("~", "~x")),
        Mail(subject=f"unsubscribe-{tokens.reader_tokens('read', mark='1')(ada.pk)}"),
        Mail(subject=gone),
        Mail(text=" ".join([f"1.~{'A' * 43}"] * 5000), html="\0<p>" + "x" * 300_000),
        Mail(subject="SPAM \u202e"),
    ]

    answers = [post(posted("postmark", mail, settings)) for mail in mails]

    assert {answer.status_code for answer in answers} == {200}
    expected = ["without a link of ours"] * len(mails)
    expected[4] = "of nobody we hold"
    assert problems() == expected
    assert not Event.objects.unprocessed().exists()
    assert (Subscription.objects.get(pk=ada.pk).status, outbox.outbox) == ("active", [])


def test_first_token_that_is_ours_counts(
    daily: Newsletter, through: Callable[[str], None], settings: Any
) -> None:
    ada, *_ = factories.cast(daily)
    through("postmark")

    post(posted("postmark", Mail(subject=f"Fwd: 7.8~{'A' * 43} {subject_of(ada)}"), settings))

    assert Subscription.objects.get(pk=ada.pk).status == "unsubscribed"


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"items": 1}', b'{"Headers": 3}', b"\xff", b"null"])
@pytest.mark.parametrize("name", ["brevo", "mailjet", "postmark", "sendgrid", "sparkpost"])
def test_what_cannot_be_read_is_counted_and_not_posted_again(
    daily: Newsletter, through: Callable[[str], None], settings: Any, name: str, body: bytes
) -> None:
    through(name)

    answer = post(replace(posted(name, Mail(), settings), body=body))

    assert (answer.status_code, len(problems()) <= 1) == (200, True)


def test_address_is_there_only_where_mail_is_read(
    daily: Newsletter, through: Callable[[str], None], settings: Any
) -> None:
    def codes() -> list[int]:
        client = Client()
        return [client.get(URL).status_code, client.head(URL).status_code, client.put(URL).status_code]

    before = codes()
    through("mailgun")
    there = codes()
    settings.UNSUBSCRIBE_ADDRESS = ""
    without_address = codes()
    through("outbox")

    assert (before, there, without_address, codes()) == (
        [404, 404, 405],
        [200, 200, 405],
        [404, 404, 405],
        [404, 404, 405],
    )


@pytest.mark.parametrize(
    ("name", "address", "secret", "ids"),
    [
        ("postmark", "", "", []),
        ("postmark", "leave@in.example.org", PASSWORD, []),
        ("mailgun", "leave@in.example.org", "key", []),
        ("smtp", "leave@in.example.org", PASSWORD, ["courant.E016"]),
        ("scaleway", "leave@in.example.org", PASSWORD, ["courant.E016"]),
        ("postmark", "leave@in.example.org", "", ["courant.E016"]),
        ("postmark", "leave@in.example.org", "courant:short", ["courant.E016"]),
        ("postmark", "Leave <leave@in.example.org>", PASSWORD, ["courant.E017"]),
        ("postmark", "leave@in.example.org?cc=a@b.example", PASSWORD, ["courant.E017"]),
        ("postmark", "leave,me@in.example.org", PASSWORD, ["courant.E017"]),
    ],
)
def test_settings_that_would_lose_mail_are_named(
    settings: Any, name: str, address: str, secret: str, ids: list[str]
) -> None:
    settings.HAND_OVER = {"bulk": {"scheme": name}}
    settings.UNSUBSCRIBE_ADDRESS, settings.INBOUND_SECRET = address, secret

    assert [problem.id for problem in checks.unsubscribe_address_is_read()] == ids
