"""An issue typed into the editor block by block: what was typed is what is stored, and it comes back as it was."""

from __future__ import annotations

import re

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Dialog, Page, expect

from newsletter.rendering import sanitise
from tests.e2e.conftest import ROOT, Installation
from tests.e2e.writer import Writer, new_issue

BLOCKS = (
    '<aside class="joke" data-block="joke"><p>Why did the map fold?</p></aside>'
    '<p class="lead">Good morning — “hello” 서울 👩🏽‍🚀.</p><h2>Tides</h2><h3>Low</h3>'
    '<ul><li><p><strong>Lead-in:</strong> text <a href="https://example.com/jp">🇯🇵 日本</a>.</p></li>'
    "<li><p>Two</p></li></ul>"
    '<p>Dear <span class="field" data-field="first_name" data-fallback="friend">friend</span>!</p>'
    '<aside data-title="Our view" class="take" data-block="take"><p>Box</p></aside>'
    '<aside data-title="From our “sponsor”" class="sponsor" data-block="sponsor"><p>Boots</p>'
    '<p class="cta"><a class="btn" href="https://boots.example">Try them</a></p><p></p></aside>'
    '<div data-block="subscribe" data-strapline="Have “your” own"></div>'
    '<p class="cta"><a class="btn" href="https://example.com/a?b=1&amp;c=2">Read more →</a></p>'
    '<blockquote class="pull"><p>Large words</p></blockquote><hr><blockquote><p>Quoted</p></blockquote>'
    '<figure class="img"><img src="{picture}" alt="A mark" width="150" height="150">'
    "<figcaption>The mark</figcaption></figure><ol><li><p>First</p></li></ol>"
    '<section data-title="Also worth noting" class="also" data-block="also">'
    "<ul><li><p>A note</p></li><li><p>Another</p></li></ul></section>"
    '<div data-block="feedback" data-question="Was it 👍?"></div><p>Bye <em>now</em></p>'
)


def test_every_block_is_typed_stored_and_read_back(courant: Installation, page: Page) -> None:
    picture = "https://pictures.example/courant.svg"
    page.route(picture, lambda route: route.fulfill(path=ROOT / "static/img/courant.svg"))
    writer = new_issue(courant, page)

    type_text(writer)
    type_boxes(writer, picture=picture)

    expected = BLOCKS.replace("{picture}", picture)
    assert writer.html == expected
    page.get_by_label("Subject").fill("Typed in the editor")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".messagelist")).to_be_visible()
    again = Writer(page)
    assert again.html == sanitise(expected)
    touch(again)
    assert sanitise(again.html) == sanitise(expected)
    assert serious(page) == []


def serious(page: Page) -> list[str]:
    """What axe finds wrong in the editor itself."""
    found = Axe().run(page, context=".prose-editor, .editor-dialog").response["violations"]
    return [each["id"] for each in found if each["impact"] in {"serious", "critical"}]


def type_text(writer: Writer) -> None:
    writer.insert("Joke")
    writer.write("Why did the map fold?")
    writer.go_on()
    writer.choose("Kind of paragraph", "Opening")
    writer.write("Good morning — “hello” 서울 👩🏽‍🚀.", "[Enter]")
    writer.choose("Kind of paragraph", "Heading")
    writer.write("Tides", "[Enter]")
    writer.choose("Kind of paragraph", "Small heading")
    writer.write("Low", "[Enter]")
    writer.press("List")
    writer.write("[Control+b]", "Lead-in:", "[Control+b]", " text ")
    writer.press("Link (Ctrl+K)")
    writer.answer(words="🇯🇵 日本", href="example.com/jp")
    writer.write(".", "[Enter]", "Two", "[Enter]", "[Enter]", "Dear ")
    writer.choose("Reader’s name and fields", "First name")
    writer.answer(fallback="friend")
    writer.write("!", "[Enter]")


def type_boxes(writer: Writer, *, picture: str) -> None:
    writer.insert("Our take")
    writer.write("Box")
    writer.around("Title…")
    writer.answer(title="Our view")
    writer.go_on()
    writer.insert("Sponsor")
    writer.write("Boots")
    writer.around("Title…")
    writer.answer(title="From our “sponsor”")
    writer.insert("Button")
    writer.answer(label="Try them", href="boots.example")
    writer.go_on()
    writer.insert("Subscribe box")
    writer.answer(strapline="Have “your” own")
    writer.go_on()
    writer.insert("Button")
    writer.answer(label="Read more →", href="https://example.com/a?b=1&c=2")
    writer.go_on()
    writer.insert("Pull quote")
    writer.write("Large words")
    writer.go_on()
    writer.insert("Divider")
    writer.go_on()
    writer.press("Quotation")
    writer.write("Quoted")
    writer.go_on()
    writer.insert("Picture by its address")
    writer.answer(src=picture.replace("https:", "http:"), alt="A mark", caption="The mark")
    expect(writer.dialog).to_contain_text("This is not an address. It begins with https://")
    writer.answer(src=picture)
    expect(writer.area.get_by_role("img")).to_be_visible()
    writer.go_on()
    writer.press("Numbered list")
    writer.write("First", "[Enter]", "[Enter]")
    writer.insert("Also worth noting")
    writer.write("A note", "[Enter]", "Another")
    writer.go_on()
    writer.insert("Feedback line")
    writer.answer(question="Was it 👍?")
    writer.go_on()
    writer.write("Bye ", "[Control+i]", "now")


def touch(writer: Writer) -> None:
    """One letter in and out again makes the editor write its own form of what it read."""
    writer.area.get_by_text("Bye").click()
    writer.write("x", "[Backspace]")


def test_toolbar_is_one_stop_for_tab_and_its_menus_are_walked_with_keys(
    courant: Installation, page: Page
) -> None:
    writer = new_issue(courant, page)

    writer.write("[Alt+F10]")
    expect(writer.button("Insert")).to_be_focused()
    writer.write("[ArrowRight]", "[ArrowRight]", "[Enter]")
    menu = page.get_by_role("menu", name="Kind of paragraph")
    expect(menu.get_by_role("menuitemradio", name="Text", exact=True)).to_be_focused()
    writer.write("[Escape]")
    expect(writer.button("Kind of paragraph")).to_be_focused()
    writer.write("[ArrowDown]", "s", "[Enter]")

    expect(writer.area).to_be_focused()
    writer.write("A heading")
    assert writer.html == "<h3>A heading</h3><p></p>"
    expect(writer.button("Kind of paragraph")).to_have_text("Small heading")
    assert writer.toolbar.locator("button[tabindex='0']").count() == 1


def test_slash_lists_what_can_be_put_in(courant: Installation, page: Page) -> None:
    writer = new_issue(courant, page)

    writer.write("/")
    listed = page.get_by_role("listbox", name="Insert")
    expect(listed.get_by_role("option")).to_have_count(11)
    assert serious(page) == []
    writer.write("[Escape]", "s")
    expect(listed).to_be_hidden()
    writer.write("[Backspace]", "[Backspace]", "/s", "[ArrowDown]", "[Enter]")
    writer.answer(strapline="Come in")

    assert writer.html == '<div data-block="subscribe" data-strapline="Come in"></div><p></p>'


def test_field_is_changed_by_double_click_and_by_enter(courant: Installation, page: Page) -> None:
    writer = new_issue(courant, page)
    field = '<p>Dear <span class="field" data-field="first_name" data-fallback="{0}">{0}</span></p>'
    writer.write("Dear ", "[Alt+F10]", "[ArrowRight]", "[Enter]", "[Enter]")
    assert serious(page) == []
    writer.answer(fallback="friend")
    assert writer.html == field.format("friend")

    writer.area.get_by_text("First name").dblclick()
    writer.answer(fallback="reader")
    assert writer.html == field.format("reader")
    writer.write("[ArrowRight]", "[ArrowLeft]", "[Enter]")
    writer.answer(fallback="<b>you</b>")

    assert writer.html == field.format("&lt;b&gt;you&lt;/b&gt;")


def test_title_of_a_sponsor_is_never_empty(courant: Installation, page: Page) -> None:
    writer = new_issue(courant, page)
    writer.insert("Sponsor")
    writer.write("Boots")

    writer.around("Title…")
    writer.answer(title="  ")
    expect(writer.dialog.get_by_role("alert")).to_have_text(["Please fill this in."])
    expect(writer.dialog.locator("[name=title]")).to_be_focused()
    writer.write("[Escape]")

    expect(writer.area).to_be_focused()
    assert writer.html == (
        '<aside data-title="Sponsored" class="sponsor" data-block="sponsor"><p>Boots</p></aside><p></p>'
    )


def test_address_that_leads_nowhere_is_asked_for_again(courant: Installation, page: Page) -> None:
    writer = new_issue(courant, page)

    writer.insert("Button")
    writer.answer(label="Go", href="javascript:alert(1)")
    expect(page.get_by_text("This is not an address.")).to_be_visible()
    writer.answer(href="ada@example.com")

    expect(writer.area.get_by_text("mailto:ada@example.com")).to_be_visible()
    assert writer.html == '<p class="cta"><a class="btn" href="mailto:ada@example.com">Go</a></p><p></p>'


def test_piece_that_is_selected_is_not_typed_over(courant: Installation, page: Page) -> None:
    writer = new_issue(courant, page)
    writer.insert("Subscribe box")
    writer.answer(strapline="Come in")

    writer.area.get_by_text("Come in").click()
    writer.write("Below")

    assert writer.html == ('<div data-block="subscribe" data-strapline="Come in"></div><p>Below</p><p></p>')


def test_box_is_taken_away_and_its_words_stay(courant: Installation, page: Page) -> None:
    writer = new_issue(courant, page)
    writer.write("One", "[Enter]", "Two", "[Control+a]")
    writer.insert("Our take")
    boxed = writer.html
    page.get_by_label("Subject").focus()
    expect(page.get_by_role("button", name="Remove the box")).to_be_hidden()
    writer.area.focus()

    writer.around("Remove the box")

    assert boxed == (
        '<aside data-title="Our take" class="take" data-block="take"><p>One</p><p>Two</p></aside><p></p>'
    )
    assert writer.html == "<p>One</p><p>Two</p><p></p>"


def test_html_that_would_run_something_leaves_no_trace(courant: Installation, page: Page) -> None:
    writer = new_issue(courant, page)
    said: list[str] = []
    page.on("console", lambda line: said.append(line.text))

    writer.press("HTML")
    writer.answer(
        html='<p style="color:red" onclick="alert(1)">Which one = on?</p><img src="x"onerror=alert(1)>'
        '<div data-block="feedback" data-question="Which one = style?"></div>'
    )

    assert said == []
    assert writer.html == (
        '<p>Which one = on?</p><div data-block="feedback" data-question="Which one = style?"></div><p></p>'
    )


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

    page.get_by_label("Subject").fill("Saved in the end")
    expect(page.locator("[data-save-state]")).to_contain_text(re.compile(r"^Saved \d"))
    page.get_by_role("link", name="Home").click()

    expect(page).to_have_url(re.compile("/admin/$"))
    assert asked == ["beforeunload"]
