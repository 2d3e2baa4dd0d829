from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscribers.addresses import ForeignLetters, InvalidAddress, canonical, masked


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("  Ada@Example.COM ", "ada@example.com"),
        ("ada+news@example.com", "ada+news@example.com"),
        ("ada@bücher.example.com", "ada@xn--bcher-kva.example.com"),
        ("o'neill@example.com", "o'neill@example.com"),
    ],
)
def test_canonical_makes_one_spelling(typed: str, stored: str) -> None:
    assert canonical(typed) == stored


@pytest.mark.parametrize(
    "typed",
    ["", "ada", "ada@", "@example.com", "ada@example", "ada@@example.com", '"a b"@example.com', "ada@exa mple.com",
     "ada@example.com\nBcc: eve@example.com", "ada\0@example.com", "дима@example.com", "a" * 400 + "@example.com",
     "ada@" + "x" * 70 + ".com", "ada@[127.0.0.1]"],
)  # fmt: skip
def test_canonical_refuses_what_no_provider_takes(typed: str) -> None:
    with pytest.raises(InvalidAddress):
        canonical(typed)


@pytest.mark.parametrize(("typed", "letter"), [("müller@example.com", "ü"), ("дима@example.com", "д")])
def test_canonical_names_the_letter_that_mail_servers_do_not_take(typed: str, letter: str) -> None:
    with pytest.raises(ForeignLetters) as refusal:
        canonical(typed)

    assert refusal.value.letter == letter


@given(st.text(max_size=400))
def test_canonical_answers_any_text_with_an_address_or_a_clear_refusal(text: str) -> None:
    try:
        email = canonical(text)
    except InvalidAddress:
        return

    assert email.isascii()
    assert canonical(email) == email


@pytest.mark.parametrize(
    ("email", "shown"),
    [
        ("zoe.lovelace@mail.example.com", "zo…@m….com"),
        ("zoey@example.com", "zo…@e….com"),
        ("zoe@example.com", "z…@e….com"),
        ("z@example.com", "z…@e….com"),
    ],
)
def test_masked_shows_the_owner_enough_and_a_stranger_little(email: str, shown: str) -> None:
    assert masked(email) == shown
