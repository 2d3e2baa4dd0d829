from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outbox import reading
from tests.outbox.letters import LEAVE, issue


def test_letter_reads_both_bodies_and_the_way_out() -> None:
    message = issue(html="<p>Tschüß</p>")
    message.attach("tide.csv", "1,2", "text/csv")

    letter = reading.letter(message.message().as_bytes())

    assert (letter.html, letter.text, letter.attachments) == (
        "<p>Tschüß</p>\n",
        "Hello in text\n",
        ("tide.csv",),
    )
    assert letter.unsubscribe == reading.Unsubscribe((LEAVE, "mailto:leave@tide.example"), LEAVE)
    assert letter.unsubscribe.origin == "http://testserver"


@pytest.mark.parametrize(
    "headers",
    [
        "List-Unsubscribe: <https://example.com/leave>",  # no permission to post
        "List-Unsubscribe: =?utf-8?q?=3Chttps=3A//a.example=3E?=\nList-Unsubscribe-Post: List-Unsubscribe=One-Click",
        "List-Unsubscribe: <javascript:alert(1)>\nList-Unsubscribe-Post: List-Unsubscribe=One-Click",
        "List-Unsubscribe: <https://a b;script-src *>\nList-Unsubscribe-Post: List-Unsubscribe=One-Click",
        "List-Unsubscribe: <http://[::1/x>\nList-Unsubscribe-Post: List-Unsubscribe=One-Click",
        "",
    ],
)
def test_one_click_is_offered_only_for_a_web_address_that_allows_it(headers: str) -> None:
    letter = reading.letter(f"{headers}\n\nbody".encode())

    assert (letter.unsubscribe.one_click, letter.unsubscribe.origin) == ("", "")


@pytest.mark.parametrize("charset", ["latin-1", "nonsense", "utf-8"])
def test_a_wrong_charset_is_read_as_well_as_can_be(charset: str) -> None:
    source = f"Content-Type: text/plain; charset={charset}\n\n".encode() + b"caf\xe9"

    assert reading.letter(source).text in {"café", "caf\N{REPLACEMENT CHARACTER}"}


@given(
    st.binary(max_size=300),
    st.sampled_from(["Subject", "List-Unsubscribe", "Content-Type", "Content-Disposition"]),
)
def test_no_bytes_whatever_make_reading_fail(noise: bytes, header: str) -> None:
    source = header.encode() + b": " + noise + b"\n\n" + noise

    letter = reading.letter(source)
    sender, subject = reading.summary(source)

    everything = [letter.html, letter.text, sender, subject, *(value for _, value in letter.headers)]
    assert "".join(everything).encode().decode() == "".join(everything)  # could be written to a page
