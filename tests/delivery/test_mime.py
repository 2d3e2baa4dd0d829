"""Equal, once parsed, to what Django's own EmailMultiAlternatives would send."""

from __future__ import annotations

import email
import email.policy
import re
from dataclasses import replace
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import parseaddr

import pytest
from django.core.mail import EmailMultiAlternatives
from hypothesis import example, given
from hypothesis import strategies as st

from delivery.gateway import mime, single
from delivery.messages import IssueMail, Recipient
from newsletter.rendering import Stencil
from newsletter.rendering.stencil import slot
from newsletter.validators import DIRECTION_OVERRIDES

HEADERS = {
    "List-Id": "<daily.news.example>",
    "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    "Auto-Submitted": "auto-generated",
    "X-Auto-Response-Suppress": "OOF, AutoReply",
    "Feedback-ID": "7:daily:issue:courant",
}
COMPARED = ("From", "To", "Reply-To", "Subject", "List-Unsubscribe", *HEADERS)
DATE = "Sun, 22 Nov 2026 07:00:00 -0000"
URL = "https://news.example/s/unsubscribe/7.42~abcdefghijklmnopqrstuvwxyz0123456789"
OPEN = slot("unsubscribe_url")
ADA = Recipient(7, "ada@example.com", {"unsubscribe_url": URL})

# Bodies as they come: every script, and what breaks lines, encodings, dot-stuffing and joints.
ODDITIES = (
    "\r\n",
    "\n",
    "\r",
    ".",
    "..",
    "\n.",
    "\r\n.\r\n",
    " \n",
    "\t\n",
    "=",
    "=\n",
    "é",
    "漢",
    "🇫🇷",
    "👩‍👩‍👧",
)
MARKS = (
    "\u200f",
    "\u202e",
    "\u2028",
    "\x85",
    "\ufeff",
    "From ",
    "--=_courant\n",
    "x" * 80,
    "ж" * 80,
    "w" * 1200,
)
PIECE = st.sampled_from((*ODDITIES, *MARKS)) | st.text(
    st.characters(exclude_categories=["Cs", "Co", "Cc"]), max_size=40
)
TEXT = st.lists(PIECE, max_size=12).map("".join)
BODY = st.lists(TEXT, min_size=1, max_size=4).map(OPEN.join)
# Anything that one_line() lets into a header.
WORDS = st.text(
    st.characters(
        exclude_categories=["Cs", "Cc", "Zl", "Zp", "Co", "Cn"], exclude_characters=DIRECTION_OVERRIDES
    ),
    min_size=1,
    max_size=200,
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


def wire(mail: IssueMail, reader: Recipient = ADA) -> bytes:
    return b"".join(mime.prepare(mail).mail_for(reader, date=DATE))


def received(data: bytes) -> bytes:
    """As a server takes it down: without the final dot, and without the dots that were stuffed in."""
    source, dot, rest = data.partition(b"\r\n.\r\n")
    assert (dot, rest) == (b"\r\n.\r\n", b"")
    return re.sub(rb"^\.", b"", source + b"\r\n", flags=re.MULTILINE)


def parsed(data: bytes) -> EmailMessage:
    return email.message_from_bytes(data, policy=email.policy.default)


def ours(mail: IssueMail, reader: Recipient = ADA) -> EmailMessage:
    return parsed(received(wire(mail, reader)))


def djangos(mail: IssueMail) -> EmailMessage:
    message: EmailMultiAlternatives = single.build(mail, ADA)
    return parsed(message.message(policy=email.policy.SMTP).as_bytes())


def named(mail: IssueMail, header: str) -> tuple[str, str]:
    """By Python's older parser: the newer keeps the blank between two encoded words, which RFC 2047 6.2 takes away."""
    name, address = parseaddr(str(email.message_from_bytes(received(wire(mail)))[header]).replace("\r\n", ""))
    return str(make_header(decode_header(name))), address


def plain(text: str) -> str:
    """Line ends as LF, the one at the very end aside, which Python's own package adds."""
    return text.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n")


def bodies(message: EmailMessage) -> list[tuple[str, str, str]]:
    """Each part's type, character set and text, in their order."""
    return [
        (part.get_content_type(), part.get_content_charset() or "", plain(part.get_content()))
        for part in message.iter_parts()
    ]


@given(subject=WORDS, html=BODY, text=BODY)
@example(subject="x", html="", text="")
@example(subject="Ж" * 200, html=OPEN, text=f".{OPEN}.")
def test_spliced_mail_equals_djangos_once_parsed(subject: str, html: str, text: str) -> None:
    mail = issue_mail(subject=subject.strip() or "x", html=html, text=text)

    mine, theirs = ours(mail), djangos(mail)

    wanted = [("text/plain", text), ("text/html", html)]
    assert bodies(mine) == [(kind, "utf-8", plain(body.replace(OPEN, URL))) for kind, body in wanted]
    assert bodies(mine)[0 if text else 1 :] == bodies(theirs)  # Django leaves an empty text out
    assert mine["Subject"] == mail.subject
    assert {name: mine[name] for name in COMPARED} == {name: theirs[name] for name in COMPARED}
    assert (mine.get_content_type(), mine["MIME-Version"]) == ("multipart/alternative", "1.0")
    assert not [part.defects for part in mine.walk() if part.defects]


@given(subject=WORDS, name=WORDS, html=BODY, text=BODY)
@example(subject="x", name="x", html="w" * 75 + " \n" + "w" * 75 + "\t\n", text="w" * 76 + " ")
@example(subject="x", name="x", html="." * 400, text="x" * 75 + ".\n.")
def test_every_line_is_short_ascii_and_ends_in_crlf(subject: str, name: str, html: str, text: str) -> None:
    name = name.replace('"', "").replace("\\", "").strip()
    mail = issue_mail(subject=subject.strip() or "x", sender=f'"{name}" <e@a.example>', html=html, text=text)

    data = wire(mail)

    head, _, body = data.partition(b"\r\n\r\n")
    assert data.isascii()
    assert b"\0" not in data
    assert re.search(rb"(?<!\r)\n|\r(?!\n)", data) is None
    assert max(map(len, body.split(b"\r\n"))) <= 77  # 76, and a stuffed dot
    assert max(map(len, head.split(b"\r\n"))) <= mime.LONGEST_LINE


@given(name=WORDS)
@example(name='Tom, "Dick" & Co.')
@example(name="Zeitung für Übermorgen, Köln")
@example(name="A Society of Friends of the Long Name, of which there are Many, at the Quay (1891)")
def test_senders_name_survives(name: str) -> None:
    name = " ".join(name.split()) or "x"
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    mail = issue_mail(sender=f'"{quoted}" <e@daily.example>', reply_to=f'"{quoted}" <l@daily.example>')

    mine = ours(mail)

    assert [len(mine[header].addresses) for header in ("From", "Reply-To")] == [1, 1]
    assert named(mail, "From") == (name, "e@daily.example")
    assert named(mail, "Reply-To") == (name, "l@daily.example")


def test_senders_domain_with_other_letters_is_written_for_every_server() -> None:
    mail = issue_mail(sender="Bücher <e@bücher.example>", reply_to="l@bücher.example")

    prepared, mine = mime.prepare(mail), ours(mail)

    assert prepared.sender == "e@xn--bcher-kva.example"
    assert mine["From"] == "Bücher <e@xn--bcher-kva.example>"
    assert mine["From"] == djangos(mail)["From"]
    assert mine["Reply-To"] == "l@xn--bcher-kva.example"


@pytest.mark.parametrize("sender", ["", "Nobody", "zoë@daily.example", "Ada <a b@daily.example>", "a@b>c"])
def test_sender_that_no_server_takes_is_refused(sender: str) -> None:
    with pytest.raises(ValueError, match="not an address"):
        mime.prepare(issue_mail(sender=sender))


def test_each_mail_is_its_readers_own() -> None:
    mail = issue_mail(html=f"<a href='{OPEN}'>x</a>", text=f"ж {OPEN} ж")
    bob = Recipient(8, "bob@xn--bcher-kva.example", {"unsubscribe_url": "https://news.example/=bob"})

    mine = ours(mail, bob)

    assert (mine["To"], mine["Message-ID"], mine["Date"]) == (bob.address, "<courant.8@news.example>", DATE)
    assert mine["List-Unsubscribe"] == "<https://news.example/=bob>"
    assert [body for _, _, body in bodies(mine)] == [
        "ж https://news.example/=bob ж",
        "<a href='https://news.example/=bob'>x</a>",
    ]


@pytest.mark.parametrize(
    ("text", "encoding"),
    [("The tide keeps its own clock. Café! " * 9, "quoted-printable"), ("潮の満ち干には、" * 9, "base64")],
)
def test_body_is_written_in_the_shorter_way(text: str, encoding: str) -> None:
    mail = issue_mail(text=text, html=text + OPEN + text)

    mine = ours(mail)

    assert [part["Content-Transfer-Encoding"] for part in mine.iter_parts()] == [encoding] * 2
    assert bodies(mine) == bodies(djangos(mail))
    assert len(wire(mail)) < 1.4 * len((text * 3 + URL).encode()) + 1000


def test_long_list_id_stays_readable_for_every_mailbox() -> None:
    list_id = f"<{'daily' * 10}.{'news' * 12}.example>"
    mail = replace(issue_mail(), headers={"List-Id": list_id})

    assert f"List-Id: {list_id}\r\n".encode() in wire(mail)


def test_link_that_fits_into_no_line_is_refused() -> None:
    with pytest.raises(ValueError, match="does not fit"):
        wire(issue_mail(), Recipient(7, "a@example.com", {"unsubscribe_url": "https://" + "x" * 999}))


@pytest.mark.parametrize("field", ["subject", "sender", "reply_to"])
@pytest.mark.parametrize("breaking", ["\r\n", "\n", "\r", "\0", "\u2028"])
def test_no_header_takes_a_control_character(field: str, breaking: str) -> None:
    with pytest.raises(ValueError, match="control characters"):
        issue_mail(**{field: f"x{breaking}Bcc: eve@example.com"})


def test_what_all_mails_share_is_prepared_once() -> None:
    first, second = issue_mail(text="one"), issue_mail(text="two")

    prepared = [mime.prepared(mail) for mail in (first, second, issue_mail(text="one"))]

    assert prepared[0] is prepared[2]
    assert prepared[0].digest != prepared[1].digest
