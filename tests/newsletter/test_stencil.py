from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.rendering import SLOTS, Stencil, StencilError, slot
from newsletter.rendering.characters import SLOT_CLOSE, SLOT_OPEN

plain = st.text(st.characters(exclude_characters=SLOT_OPEN + SLOT_CLOSE, exclude_categories=["Cs"]))


def test_stencil_fills_each_slot_with_its_value() -> None:
    stencil = Stencil.parse(f"<a href={slot('one')}>{slot('two')}</a>{slot('one')}", allowed=("one", "two"))

    assert stencil.literals == ("<a href=", ">", "</a>", "")
    assert stencil.slots == ("one", "two", "one")
    assert stencil.fill({"one": "1", "two": "2", "three": "3"}) == "<a href=1>2</a>1"


def test_stencil_without_slots_is_the_text_itself() -> None:
    assert Stencil.parse("as it is").fill({}) == "as it is"


def test_stencil_refuses_a_slot_it_does_not_know() -> None:
    with pytest.raises(StencilError, match=r"^unknown slot: password$"):
        Stencil.parse(slot("password"))


def test_stencil_refuses_a_missing_value() -> None:
    with pytest.raises(StencilError, match=r"^no value for slot: unsubscribe_url$"):
        Stencil.parse(slot("unsubscribe_url")).fill({})


@pytest.mark.parametrize(
    "broken", [SLOT_OPEN, SLOT_CLOSE, f"{SLOT_OPEN}{SLOT_CLOSE}", f"{SLOT_OPEN}Name 1{SLOT_CLOSE}"]
)
def test_stencil_refuses_a_lone_mark(broken: str) -> None:
    with pytest.raises(StencilError, match=r"^a slot mark stands alone$"):
        Stencil.parse(f"before {broken} after")


def test_value_with_a_slot_mark_is_not_filled_again() -> None:
    stencil = Stencil.parse(f"to {slot('unsubscribe_url')}")

    assert stencil.fill({"unsubscribe_url": slot("unsubscribe_url")}) == f"to {slot('unsubscribe_url')}"


@given(st.lists(plain, min_size=1, max_size=6), plain)
def test_stencil_comes_back_from_its_source(literals: list[str], value: str) -> None:
    text = slot("unsubscribe_url").join(literals)

    stencil = Stencil.parse(text)

    assert stencil.source == text
    assert Stencil.parse(stencil.source) == stencil
    assert stencil.fill(dict.fromkeys(SLOTS, value)) == value.join(literals)
