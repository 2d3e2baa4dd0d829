"""Equal, once parsed, to what Django's own EmailMultiAlternatives would send."""

from __future__ import annotations

import email
import email.policy
from email.message import EmailMessage

import pytest
from django.core.mail import EmailMultiAlternatives
from hypothesis import given
from hypothesis import strategies as st

from delivery.gateway import mime, single
from delivery.messages import IssueMail, Recipient
from newsletter.rendering import Stencil
from newsletter.rendering.stencil import slot

HEADERS = {
    "List-Id": "<daily.news.example>",
    "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    "Auto-Submitted": "auto-generated",
}
URL = "https://news.example/s/unsubscribe/7.42~abcdefghijklmnopqrstuvwxyz0123456789"
# Bodies as they come: any script, long lines, dots at line starts, trailing spaces, no lone CR or surrogates.
TEXT = st.text(
    st.characters(blacklist_categories=["Cs", "Cc"]) | st.sampled_from("\n\t .=é漢🇫🇷"), max_size=300
)
ONE_LINE = st.text(
    st.characters(blacklist_categories=["Cs", "Cc", "Zl", "Zp", "Cf", "Co", "Cn"]), min_size=1, max_size=120
)


def issue_mail(
    *, subject: str = "Tides", html: str = "<p>x</p>", text: str = "x", **fields: str
) -> IssueMail:
    return IssueMail(
        subject=subject,
        sender=fields.get("sender", "The Daily <editors@daily.example>"),
        reply_to=fields.get("reply_to", ""),
        html=Stencil.parse(html),
        text=Stencil.parse(text),
        headers=HEADERS,
        message_domain="news.example",
    )


ADA = Recipient(7, "ada@example.com", {"unsubscribe_url": URL})


def parsed(data: bytes) -> EmailMessage:
    return email.message_from_bytes(data, policy=email.policy.default)  # type: ignore[return-value]


def bodies(message: EmailMessage) -> list[tuple[str, str]]:
    """Each part's type and text, line ends as LF, the one at the very end aside."""
    return [
        (part.get_content_type(), part.get_content().replace("\r\n", "\n").removesuffix("\n"))
        for part in message.iter_parts()  # type: ignore[attr-defined]
    ]


def django_bytes(mail: IssueMail) -> bytes:
    message: EmailMultiAlternatives = single.build(mail, ADA)
    return message.message(policy=email.policy.SMTP).as_bytes()


@given(subject=ONE_LINE, before=TEXT, after=TEXT)
def test_spliced_mail_equals_djangos_once_parsed(subject: str, before: str, after: str) -> None:
    mail = issue_mail(
        subject=subject.strip() or "x",
        html=before + slot("unsubscribe_url") + after,
        text=after + slot("unsubscribe_url"),
    )

    ours, djangos = parsed(mime.prepare(mail).mail_for(ADA)), parsed(django_bytes(mail))

    assert bodies(ours) == bodies(djangos)
    for name in ("Subject", "From", "To", "Reply-To", "List-Unsubscribe", *HEADERS):
        assert ours[name] == djangos[name], name


@given(before=TEXT, after=TEXT)
def test_every_line_is_short_ascii_and_ends_in_crlf(before: str, after: str) -> None:
    mail = issue_mail(html=before + slot("unsubscribe_url") + after, text=before)

    data = mime.prepare(mail).mail_for(ADA)

    head, _, body = data.partition(b"\r\n\r\n")
    assert data.isascii()
    assert b"\n" not in data.replace(b"\r\n", b"")
    assert b"\r" not in data.replace(b"\r\n", b"")
    assert max(map(len, body.split(b"\r\n"))) <= 76
    assert max(map(len, head.split(b"\r\n"))) <= 200


@pytest.mark.parametrize(
    "sender",
    ["Zeitung für Übermorgen <e@daily.example>", '"Tom, Dick & Co." <e@daily.example>', "e@daily.example"],
)
def test_sender_names_survive(sender: str) -> None:
    mail = issue_mail(sender=sender, reply_to="letters@daily.example")

    ours, djangos = parsed(mime.prepare(mail).mail_for(ADA)), parsed(django_bytes(mail))

    assert (ours["From"], ours["Reply-To"]) == (djangos["From"], djangos["Reply-To"])
    assert ours["Message-ID"] == "<courant.7@news.example>"


@pytest.mark.parametrize("field", ["subject", "sender", "reply_to"])
@pytest.mark.parametrize("breaking", ["\r\n", "\n", "\r", "\0", "\u2028"])
def test_no_header_takes_a_control_character(field: str, breaking: str) -> None:
    with pytest.raises(ValueError, match="control characters"):
        issue_mail(**{field: f"x{breaking}Bcc: eve@example.com"})
