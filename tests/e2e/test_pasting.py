"""What is pasted from other programs arrives as plain good blocks."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from newsletter import bodies
from tests.e2e.conftest import Installation
from tests.e2e.pastes import PASTES, Paste
from tests.e2e.writer import Writer, new_issue


@pytest.fixture(scope="module")
def writer(courant: Installation, browser: Browser) -> Iterator[Writer]:
    page = browser.new_page()
    faults: list[str] = []
    page.on("console", lambda message: faults.append(message.text) if "Policy" in message.text else None)
    yield new_issue(courant, page)
    page.close()
    assert faults == []


@pytest.mark.parametrize("paste", PASTES, ids=lambda paste: paste.source)
def test_paste_is_made_into_plain_blocks(writer: Writer, paste: Paste) -> None:
    writer.write("[Control+a]", "[Delete]")

    writer.paste(html=paste.html)

    assert bodies.cleaned(writer.html).removesuffix("<p></p>") == paste.kept


def test_own_blocks_are_cut_and_pasted_as_they_are(writer: Writer) -> None:
    writer.write("[Control+a]", "[Delete]")
    writer.insert("Sponsor")
    writer.write("Boots for ")
    writer.choose("Reader’s name and fields", "First name")
    writer.answer(fallback="you")
    written = writer.html

    writer.write("[Control+a]")
    copied = writer.area.evaluate(COPY)
    writer.write("[Delete]")
    writer.paste(html=copied)

    assert writer.html.removesuffix("<p></p>") == written.removesuffix("<p></p>")


COPY = """
(area) => {
  const transfer = new DataTransfer()
  area.dispatchEvent(new ClipboardEvent("copy", {clipboardData: transfer, bubbles: true, cancelable: true}))
  return transfer.getData("text/html")
}
"""
