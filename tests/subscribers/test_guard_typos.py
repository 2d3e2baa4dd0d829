from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscribers.addresses import InvalidAddress, canonical
from subscribers.guard import suggestion
from subscribers.guard.typos import GENUINE, MEANT

LETTERS = st.sampled_from("abcdefghijklmnopqrstuvwxyz0123456789-.")


@st.composite
def slipped(draw: st.DrawFn) -> str:
    """A provider's domain with up to three letters wrong."""
    domain = list(draw(st.sampled_from(sorted(MEANT | GENUINE))))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(domain) - 1))
        domain[at : at + draw(st.integers(0, 2))] = draw(st.lists(LETTERS, max_size=2))
        if not domain:
            return "a"
    return "".join(domain)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("gmial.com", "gmail.com"),
        ("gmal.com", "gmail.com"),
        ("gmaill.com", "gmail.com"),
        ("gmail.co", "gmail.com"),
        ("gmail.con", "gmail.com"),
        ("gmial.con", "gmail.com"),
        ("gmail.cm", "gmail.com"),
        ("gmailcom", "gmail.com"),
        ("hotmial.com", "hotmail.com"),
        ("hotmal.cmo", "hotmail.com"),
        ("yahho.fr", "yahoo.fr"),
        ("yahoo.con", "yahoo.com"),
        ("outlok.com", "outlook.com"),
        ("icoud.com", "icloud.com"),
        ("gmx.dee", "gmx.de"),
        ("t-onlin.de", "t-online.de"),
        ("wanado.fr", "wanadoo.fr"),
        ("orang.fr", "orange.fr"),
        ("telefonca.net", "telefonica.net"),
        ("navr.com", "naver.com"),
        ("hanmial.net", "hanmail.net"),
        ("acme.con", "acme.com"),
    ],
)
def test_suggestion_mends_a_slip(typed: str, meant: str) -> None:
    assert suggestion(f"ada@{typed}") == f"ada@{meant}"


@pytest.mark.parametrize(
    "domain",
    [
        "mail.com", "ymail.com", "email.com", "gmx.de", "gmx.com", "web.de", "online.de", "t-online.de", "hotmail.se",
        "yahoo.it", "yahoo.co.jp", "live.nl", "protonmail.ch", "free.fr", "me.com", "example.com", "company.co",
        "harbour-news.example", "aol.de", "daun.net", "mail.ru", "gmail",
    ],
)  # fmt: skip
def test_suggestion_leaves_what_is_real(domain: str) -> None:
    assert suggestion(f"ada@{domain}") == ""


@pytest.mark.parametrize("domain", sorted(MEANT | GENUINE))
def test_suggestion_corrects_no_provider(domain: str) -> None:
    assert suggestion(f"ada@{domain}") == ""


@given(slipped())
def test_suggestion_is_another_address_and_has_none_itself(domain: str) -> None:
    email = f"ada+x@{domain}"

    meant = suggestion(email)

    assert meant != email
    assert meant == "" or (meant.startswith("ada+x@") and suggestion(meant) == "")


@given(st.emails())
def test_suggestion_of_any_address_is_one_that_we_would_take(text: str) -> None:
    try:
        email = canonical(text)
    except InvalidAddress:
        return

    meant = suggestion(email)

    assert meant == "" or canonical(meant) == meant


@pytest.mark.parametrize("text", ["", "@", "ada", "ada@", "@gmial.com", "ada@" + "a" * 10_000])
def test_suggestion_of_what_is_no_address_is_none(text: str) -> None:
    assert suggestion(text) == ""
