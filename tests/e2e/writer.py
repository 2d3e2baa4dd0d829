"""An editor at the keyboard, for the tests of the page an issue is written on."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect

from tests.e2e.conftest import Installation


class Writer:
    """The text of an issue, its toolbar and its dialogs."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.area = page.get_by_role("textbox", name="Text of the issue")
        self.toolbar = page.get_by_role("toolbar", name="Formatting and blocks")
        self.dialog = page.locator("dialog[open]")
        expect(self.area).to_be_visible()

    @property
    def html(self) -> str:
        return self.page.locator("#id_body").input_value()

    def button(self, name: str) -> Locator:
        return self.toolbar.get_by_role("button", name=name, exact=True)

    def press(self, name: str) -> None:
        self.button(name).click()

    def around(self, name: str) -> None:
        """What is offered for the box or piece that the cursor is in."""
        self.page.get_by_role("group", name="This box").get_by_role("button", name=name, exact=True).click()

    def choose(self, menu: str, entry: str) -> None:
        self.press(menu)
        opened = self.page.get_by_role("menu", name=menu)
        opened.get_by_label(entry, exact=True).click()

    def insert(self, entry: str) -> None:
        self.choose("Insert", entry)

    def write(self, *words: str) -> None:
        """Words and keys; a key stands in brackets."""
        for word in words:
            if word.startswith("["):
                self.page.keyboard.press(word.strip("[]"))
            else:
                self.page.keyboard.type(word)

    def answer(self, **fields: str | bool) -> None:
        for name, value in fields.items():
            control = self.dialog.locator(f"[name={name}]")
            if isinstance(value, bool):
                control.set_checked(value)
            else:
                control.fill(value)
        self.dialog.get_by_role("button", name="Done").click()

    def go_on(self) -> None:
        self.page.keyboard.press("Control+End")

    def paste(
        self, *, html: str = "", text: str = "", files: list[tuple[str, str, int]] | None = None
    ) -> None:
        """A real paste: html, plain text, and files by name, kind and size in bytes."""
        self.area.evaluate(TRANSFER + PASTE, {"html": html, "text": text, "files": files or []})

    def drop(self, onto: Locator, *, files: list[tuple[str, str, int]]) -> None:
        onto.evaluate(TRANSFER + DROP, {"html": "", "text": "", "files": files})


# A file of that size: its first bytes are a picture of one pixel, so that a server may look at it.
TRANSFER = """
(element, {html, text, files}) => {
  const transfer = new DataTransfer()
  if (html) transfer.setData("text/html", html)
  if (text || html) transfer.setData("text/plain", text || "words")
  const pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGP4z8DwHwAFAAH/iZk9HQAAAABJRU5ErkJggg=="
  const bytes = Uint8Array.from(atob(pixel), (letter) => letter.charCodeAt(0))
  for (const [name, type, size] of files) {
    const padded = new Uint8Array(Math.max(size, bytes.length))
    padded.set(bytes)
    transfer.items.add(new File([padded], name, {type}))
  }
"""
PASTE = """
  element.dispatchEvent(new ClipboardEvent("paste", {clipboardData: transfer, bubbles: true, cancelable: true}))
}
"""
DROP = """
  const {left, top, height} = element.getBoundingClientRect()
  const place = {clientX: left + 5, clientY: top + height / 2}
  const options = {dataTransfer: transfer, bubbles: true, cancelable: true, ...place}
  for (const kind of ["dragenter", "dragover", "drop"]) element.dispatchEvent(new DragEvent(kind, options))
}
"""


def new_issue(courant: Installation, page: Page) -> Writer:
    page.goto(f"{courant.url}/admin/login/?next=/admin/newsletter/issue/add/")
    page.get_by_label("Username").fill("editor")
    page.get_by_label("Password").fill("courant")
    page.get_by_role("button", name="Log in").click()
    writer = Writer(page)
    writer.area.click()
    return writer
