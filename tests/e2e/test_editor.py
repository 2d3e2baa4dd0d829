"""An issue typed into the editor block by block: what was typed is what is stored, and it comes back as it was."""

from __future__ import annotations

import re

from playwright.sync_api import Dialog, Locator, Page, expect

from newsletter.rendering import sanitise
from tests.e2e.conftest import ROOT, Installation

BLOCKS = (
    '<aside class="joke" data-block="joke"><p>Why did the map fold?</p></aside>'
    '<p class="lead">Good morning — “hello” 서울.</p><h2>Tides</h2><h3>Low</h3>'
    '<ul><li><p><strong>Lead-in:</strong> text <a href="https://example.com/jp">🇯🇵 日本</a>.</p></li>'
    "<li><p>Two</p></li></ul>"
    '<aside data-title="Our view" class="take" data-block="take"><p>Box</p></aside>'
    '<div data-block="subscribe" data-strapline="Have “your” own"></div>'
    '<p class="cta"><a class="btn" href="https://example.com/a?b=1&amp;c=2">Read more →</a></p>'
    '<blockquote class="pull"><p>Large words</p></blockquote><hr><blockquote><p>Quoted</p></blockquote>'
    '<figure class="img"><img src="{picture}" alt="A mark" width="150" height="150">'
    "<figcaption>The mark</figcaption></figure><ol><li><p>First</p></li></ol>"
    '<section data-title="Also worth noting" class="also" data-block="also">'
    "<ul><li><p>A note</p></li><li><p>Another</p></li></ul></section><p>Bye <em>now</em></p>"
)


class Writer:
    """An editor at the keyboard."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.area = page.get_by_role("textbox", name="Text of the issue")
        self.toolbar = page.get_by_role("toolbar", name="Formatting and blocks")
        expect(self.area).to_be_visible()

    @property
    def html(self) -> str:
        return self.page.locator("#id_body").input_value()

    def press(self, name: str) -> None:
        self.toolbar.get_by_role("button", name=name, exact=True).click()

    def write(self, *words: str) -> None:
        """Words and keys; a key stands in brackets."""
        for word in words:
            if word.startswith("["):
                self.page.keyboard.press(word.strip("[]"))
            else:
                self.page.keyboard.type(word)

    def answer(self, **fields: str) -> None:
        dialog = self.page.locator("dialog[open]")
        for name, value in fields.items():
            dialog.locator(f"[name={name}]").fill(value)
        dialog.get_by_role("button", name="Done").click()

    def go_on(self) -> None:
        self.page.keyboard.press("Control+End")


def new_issue(courant: Installation, page: Page) -> Writer:
    page.goto(f"{courant.url}/admin/login/?next=/admin/newsletter/issue/add/")
    page.get_by_label("Username").fill("editor")
    page.get_by_label("Password").fill("courant")
    page.get_by_role("button", name="Log in").click()
    writer = Writer(page)
    writer.area.click()
    return writer


def test_every_block_is_typed_stored_and_read_back(courant: Installation, page: Page) -> None:
    picture = "https://pictures.example/courant.svg"
    page.route(picture, lambda route: route.fulfill(path=ROOT / "static/img/courant.svg"))
    writer = new_issue(courant, page)

    type_text(writer)
    type_boxes(writer, picture=picture)

    expected = BLOCKS.replace("{picture}", picture)
    assert writer.html == expected
    page.locator("#id_newsletter").select_option(index=1)
    page.locator("#id_subject").press_sequentially("Typed in the editor")
    page.locator("[name=_continue]").click()
    expect(page.get_by_text("was added successfully")).to_be_visible()
    again = Writer(page)
    assert again.html == sanitise(expected)
    touch(again)
    assert sanitise(again.html) == sanitise(expected)


def type_text(writer: Writer) -> None:
    writer.press("Joke")
    writer.write("Why did the map fold?")
    writer.go_on()
    writer.press("Opening")
    writer.write("Good morning — “hello” 서울.", "[Enter]")
    writer.press("Heading")
    writer.write("Tides", "[Enter]")
    writer.press("Small heading")
    writer.write("Low", "[Enter]")
    writer.press("List")
    writer.write("[Control+b]", "Lead-in:", "[Control+b]", " text ")
    writer.press("Link (Ctrl+K)")
    writer.answer(words="🇯🇵 日本", href="example.com/jp")
    writer.write(".", "[Enter]", "Two", "[Enter]", "[Enter]")


def type_boxes(writer: Writer, *, picture: str) -> None:
    writer.press("Our take")
    writer.write("Box")
    writer.press("Our take")
    writer.answer(title="Our view")
    writer.go_on()
    writer.press("Subscribe box")
    writer.answer(strapline="Have “your” own")
    writer.go_on()
    writer.press("Button")
    writer.answer(label="Read more →", href="https://example.com/a?b=1&c=2")
    writer.go_on()
    writer.press("Pull quote")
    writer.write("Large words")
    writer.go_on()
    writer.press("Divider")
    writer.go_on()
    writer.press("Quotation")
    writer.write("Quoted")
    writer.go_on()
    writer.press("Picture")
    writer.answer(src=picture.replace("https:", "http:"), alt="A mark", caption="The mark")
    expect(writer.page.locator("dialog[open]")).to_contain_text(
        "This is not an address. It begins with https://"
    )
    writer.answer(src=picture)
    expect(writer.area.get_by_role("img")).to_be_visible()
    writer.go_on()
    writer.press("Numbered list")
    writer.write("First", "[Enter]", "[Enter]")
    writer.press("Also worth noting")
    writer.write("A note", "[Enter]", "Another")
    writer.go_on()
    writer.write("Bye ", "[Control+i]", "now")


def touch(writer: Writer) -> None:
    """One letter in and out again makes the editor write its own form of what it read."""
    writer.area.get_by_text("Bye").click()
    writer.write("x", "[Backspace]")


def test_toolbar_is_one_stop_for_tab_and_arrows_lead_through_it(courant: Installation, page: Page) -> None:
    writer = new_issue(courant, page)

    writer.write("[Alt+F10]")
    expect(button(writer, "Text")).to_be_focused()
    writer.write("[ArrowRight]", "[ArrowRight]", "[Enter]")

    expect(writer.area).to_be_focused()
    writer.write("A heading")
    assert writer.html == "<h2>A heading</h2><p></p>"
    expect(button(writer, "Heading")).to_have_attribute("aria-pressed", "true")
    assert writer.toolbar.locator("button[tabindex='0']").count() == 1


def test_address_that_leads_nowhere_is_asked_for_again(courant: Installation, page: Page) -> None:
    writer = new_issue(courant, page)

    writer.press("Button")
    writer.answer(label="Go", href="javascript:alert(1)")
    expect(page.get_by_text("This is not an address.")).to_be_visible()
    writer.answer(href="ada@example.com")

    expect(writer.area.get_by_text("mailto:ada@example.com")).to_be_visible()
    assert writer.html == '<p class="cta"><a class="btn" href="mailto:ada@example.com">Go</a></p><p></p>'


def test_piece_that_is_selected_is_not_typed_over(courant: Installation, page: Page) -> None:
    writer = new_issue(courant, page)
    writer.press("Subscribe box")
    writer.answer(strapline="Come in")

    writer.area.get_by_text("Come in").click()
    writer.write("Below")

    assert writer.html == ('<div data-block="subscribe" data-strapline="Come in"></div><p>Below</p><p></p>')


def test_box_is_taken_away_and_its_words_stay(courant: Installation, page: Page) -> None:
    writer = new_issue(courant, page)
    writer.write("One", "[Enter]", "Two", "[Control+a]")
    writer.press("Our take")
    boxed = writer.html

    writer.press("Remove the box")

    assert boxed == (
        '<aside data-title="Our take" class="take" data-block="take"><p>One</p><p>Two</p></aside><p></p>'
    )
    assert writer.html == "<p>One</p><p>Two</p><p></p>"


def test_leaving_unsaved_words_asks_first_and_saving_them_does_not(courant: Installation, page: Page) -> None:
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    writer = new_issue(courant, page)
    page.on("dialog", stay)
    writer.write("Not saved yet")
    page.get_by_role("link", name="Home").click()
    expect(writer.area).to_have_text("Not saved yet")
    assert asked == ["beforeunload"]

    page.locator("#id_subject").press_sequentially("Saved in the end")
    expect(page.get_by_text("16 characters; inboxes show about 50")).to_be_visible()
    page.get_by_role("button", name="Send…").click()

    expect(page).to_have_url(re.compile("/send/[0-9]+/$"))
    page.goto(f"{courant.url}/admin/newsletter/issue/")
    page.get_by_role("link", name="Saved in the end").click()
    expect(writer.area).to_have_text("Not saved yet")
    page.get_by_role("link", name="Home").click()
    expect(page).to_have_url(re.compile("/admin/$"))
    assert asked == ["beforeunload"]


def button(writer: Writer, name: str) -> Locator:
    return writer.toolbar.get_by_role("button", name=name, exact=True)
