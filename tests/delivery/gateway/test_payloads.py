"""What goes over the wire to each provider that takes many readers in one call."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

import pytest
from anymail.message import AnymailMessage
from django.core.mail import EmailMultiAlternatives

from delivery.gateway import batch, forms, profile, readers, scheme, single
from delivery.gateway.forms import Call, columns_of
from delivery.messages import Recipient
from tests.delivery.gateway import mails
from tests.delivery.gateway.mails import HEADERS, KEY, URLS, issue_mail, link, reader, use
from tests.delivery.gateway.reading import READ, Got, fields, lowered, mailgun

# As imports and old databases have them: other cases, other scripts, and names that would be a list to a careless eye.
AWKWARD = [
    reader(1, "ada@example.com"),
    reader(2, "A@X.COM"),
    reader(3, "c@bücher.example"),
    reader(4, "d@xn--bcher-kva.example"),
    reader(5, "o'brien+news@example.co.uk"),
]
TO = [
    "ada@example.com",
    "A@X.COM",
    "c@xn--bcher-kva.example",
    "d@xn--bcher-kva.example",
    "o'brien+news@example.co.uk",
]
MAIL = issue_mail()


def wire(recipients: list[Recipient], *, mail: Any = MAIL) -> bytes:
    """The body of our call."""
    good, refused = readers.sound(recipients)
    assert not refused
    form = batch.form_of(mail, alias="bulk", scheme=scheme("bulk"), way=profile("bulk").way)
    call = Call(form, columns_of(good), key=KEY)
    body = b"".join(call)
    assert len(call) == len(body)
    return body


def anymails(recipients: list[Recipient], **parts: Any) -> bytes | dict[str, Any]:
    """The body of Anymail's own call."""
    message = AnymailMessage(
        subject=MAIL.subject, body=parts.pop("text"), from_email=MAIL.sender,
        to=[recipient.address for recipient in recipients], reply_to=[MAIL.reply_to],
    )  # fmt: skip
    message.attach_alternative(parts.pop("html"), "text/html")
    for name, value in parts.items():
        setattr(message, name, value)
    return forms.written(message, alias="bulk")[1]["data"]


everybody = pytest.mark.parametrize("provider", READ)


@everybody
@pytest.mark.parametrize("recipients", [AWKWARD, AWKWARD[:1]], ids=["five", "one"])
def test_each_reader_gets_a_mail_and_a_way_out_of_their_own(
    provider: str, recipients: list[Recipient], settings: Any
) -> None:
    use(settings, URLS[provider])

    got = READ[provider](wire(recipients))

    assert [one._replace(headers=lowered(one.headers)) for one in got] == [
        Got(
            to=[TO[number]],
            subject=MAIL.subject,
            headers=lowered({**HEADERS, "List-Unsubscribe": f"<{link(number + 1)}>"}),
            html=MAIL.html.fill({"unsubscribe_url": link(number + 1)}),
            text=MAIL.text.fill({"unsubscribe_url": link(number + 1)}),
            delivery=str(number + 1),
        )
        for number in range(len(recipients))
    ]


@everybody
def test_no_header_holds_a_control_character(provider: str, settings: Any) -> None:
    use(settings, URLS[provider])

    got = READ[provider](wire(AWKWARD))

    lines = [line for one in got for line in (one.subject, *one.to, *one.headers, *one.headers.values())]
    assert len(lines) == 5 * (1 + 1 + 4 + 4)
    assert [line for line in lines if any(unicodedata.category(letter) == "Cc" for letter in line)] == []


@everybody
def test_the_same_call_is_the_same_bytes(provider: str, settings: Any) -> None:
    use(settings, URLS[provider])

    first = wire(AWKWARD)
    batch._latest.clear()

    assert wire(AWKWARD) == first


@pytest.mark.parametrize("provider", ["brevo", "mailtrap", "postmark", "resend"])
def test_finished_mail_is_what_anymail_sends_to_that_reader_alone(provider: str, settings: Any) -> None:
    use(settings, URLS[provider])
    recipients = [recipient for recipient in AWKWARD if recipient.address.isascii()]

    ours = READ[provider](wire(recipients))

    alone = []
    for recipient in recipients:
        message: EmailMultiAlternatives = single.build(MAIL, recipient)
        alone += READ[provider](
            _as_batch(provider, json.loads(forms.written(message, alias="bulk")[1]["data"]))
        )
    assert [one._replace(headers=lowered(one.headers)) for one in ours] == [
        one._replace(headers=lowered(one.headers)) for one in alone
    ]


def _as_batch(provider: str, alone: dict[str, Any]) -> bytes:
    """A call for one reader, in the shape of a call for many."""
    if provider == "brevo":
        names = ("to", "headers", "htmlContent", "textContent")
        own = {name: alone.pop(name) for name in names}
        alone |= {"headers": {"idempotencyKey": KEY}, "messageVersions": [own]}
        return json.dumps(alone).encode()
    return json.dumps({"base": alone, "requests": [alone]} if provider == "mailtrap" else [alone]).encode()


def test_mailgun_expands_ours_as_it_expands_anymails_own(settings: Any) -> None:
    use(settings, URLS["mailgun"])
    recipients = [recipient for recipient in AWKWARD if recipient.address.isascii()]
    address = {recipient.delivery_id: recipient.address for recipient in recipients}
    link_slot = {"unsubscribe_url": "%recipient.link%"}

    theirs = anymails(
        recipients,
        html=MAIL.html.fill(link_slot),
        text=MAIL.text.fill(link_slot),
        extra_headers=dict(HEADERS),
        merge_headers={address[id]: {"List-Unsubscribe": f"<{link(id)}>"} for id in address},
        merge_data={address[id]: {"link": link(id)} for id in address},
        merge_metadata={address[id]: {"delivery": str(id)} for id in address},
    )

    assert isinstance(theirs, dict)
    assert mailgun(wire(recipients)) == mailgun(_as_multipart(theirs))
    assert _shared(fields(wire(recipients))) == _shared(fields(_as_multipart(theirs)))


def _as_multipart(data: dict[str, Any]) -> bytes:
    values = [
        (name, one) for name, value in data.items() for one in ([value] if isinstance(value, str) else value)
    ]
    parts = [
        f'--B\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in values
    ]
    return "".join([*parts, "--B--\r\n"]).encode()


def _shared(sent: dict[str, list[str]]) -> dict[str, list[str]]:
    own = ("html", "text", "v:delivery", "h:List-Unsubscribe", "recipient-variables")
    return {name: value for name, value in sent.items() if name not in own}


def test_mailgun_call_is_small_for_each_reader(settings: Any) -> None:
    use(settings, URLS["mailgun"])

    one_more = len(wire(mails.readers(9))) - len(wire(mails.readers(8)))

    assert one_more < len(link(9)) + 2 * len("reader9@example.com") + 120


@pytest.mark.parametrize(
    ("provider", "written"),
    [
        ("mailgun", "%recipient.r0% %recipient% %unsubscribe_url% %tag_unsubscribe_url% 100% %"),
        ("mailjet", "[[var:r0]] {{var:r0}} {% if x %} [[UNSUB_LINK]] ["),
        ("sendgrid", "-courant-r0- <%asm_group_unsubscribe_raw_url%> [%unsubscribe%]"),
    ],
)
def test_providers_language_in_an_issue_stays_text(provider: str, written: str, settings: Any) -> None:
    use(settings, URLS[provider])
    text = f"{written}{mails.slot('unsubscribe_url')}{written}"
    mail = issue_mail(text=text, html=text, subject=f"About {written}")

    [got] = READ[provider](wire(AWKWARD[:1], mail=mail))

    seen = [part.replace("\u2060", "") for part in (got.subject, got.text, got.html)]
    assert seen == [f"About {written}", *[mail.text.fill({"unsubscribe_url": link(1)})] * 2]


MAILJET = (
    '{"Globals":{"From":{"Email":"editors@daily.example","Name":"The Daily"},"Subject":"Tides",'
    '"ReplyTo":{"Email":"letters@daily.example"},"TextPart":"Out: [[var:r0]]",'
    '"HTMLPart":"<a href=\\"[[var:r0]]\\">é</a>","TemplateLanguage":true},"Messages":['
    '{"To":[{"Email":"a@example.com"}],"Variables":{"r0":"https://n.example/1"},'
    '"Headers":{"List-Unsubscribe-Post":"List-Unsubscribe=One-Click",'
    '"List-Unsubscribe":"<https://n.example/1>"},"EventPayload":"{\\"delivery\\": \\"1\\"}"},'
    '{"To":[{"Email":"B@example.com"}],"Variables":{"r0":"https://n.example/2"},'
    '"Headers":{"List-Unsubscribe-Post":"List-Unsubscribe=One-Click",'
    '"List-Unsubscribe":"<https://n.example/2>"},"EventPayload":"{\\"delivery\\": \\"2\\"}"}]}'
)
SENDGRID = (
    '{"personalizations":['
    '{"to":[{"email":"a@example.com"}],"substitutions":{"-courant-r0-":"https://n.example/1"},'
    '"custom_args":{"delivery":"1"},"headers":{"List-Unsubscribe-Post":"List-Unsubscribe=One-Click",'
    '"List-Unsubscribe":"<https://n.example/1>"}},'
    '{"to":[{"email":"B@example.com"}],"substitutions":{"-courant-r0-":"https://n.example/2"},'
    '"custom_args":{"delivery":"2"},"headers":{"List-Unsubscribe-Post":"List-Unsubscribe=One-Click",'
    '"List-Unsubscribe":"<https://n.example/2>"}}],'
    '"from":{"email":"editors@daily.example","name":"The Daily"},"subject":"Tides",'
    '"reply_to_list":[{"email":"letters@daily.example"}],"content":['
    '{"type":"text/plain","value":"Out: -courant-r0-"},'
    '{"type":"text/html","value":"<a href=\\"-courant-r0-\\">é</a>"}]}'
)


@pytest.mark.parametrize(("provider", "expected"), [("mailjet", MAILJET), ("sendgrid", SENDGRID)])
def test_call_with_slots_byte_by_byte(provider: str, expected: str, settings: Any) -> None:
    use(settings, URLS[provider])
    mail = issue_mail(
        html=f'<a href="{mails.slot("unsubscribe_url")}">é</a>',
        text=f"Out: {mails.slot('unsubscribe_url')}",
        headers={"List-Unsubscribe-Post": "List-Unsubscribe=One-Click"},
        subject="Tides",
        reply_to="letters@daily.example",
    )
    recipients = [
        Recipient(1, "a@example.com", {"unsubscribe_url": "https://n.example/1"}),
        Recipient(2, "B@example.com", {"unsubscribe_url": "https://n.example/2"}),
    ]

    assert wire(recipients, mail=mail).decode() == expected
