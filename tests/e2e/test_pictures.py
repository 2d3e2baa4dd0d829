"""Pictures that come into an issue from the writer's device, and what becomes of those that cannot."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Route, expect

from tests.e2e.conftest import ROOT, Installation
from tests.e2e.writer import Writer, new_issue

PNG = ("sea.png", "image/png", 0)
UPLOAD = "**/newsletter/issue/picture/"
FIGURE = re.compile(
    r'<figure class="img"><img src="/media/[0-9a-f]{32}\.png"(?: alt="([^"]*)")? width="1" height="1">'
    r"(?:<figcaption>(.*?)</figcaption>)?</figure>"
)


@pytest.fixture(scope="module")
def desk(courant: Installation, browser: Browser) -> Iterator[Writer]:
    page = browser.new_page()
    yield new_issue(courant, page)
    page.close()


@pytest.fixture
def writer(desk: Writer) -> Iterator[Writer]:
    """The same page for all of them, its text empty."""
    yield desk
    desk.page.unroute_all(behavior="ignoreErrors")
    desk.write("[Escape]")
    for waiting in desk.area.get_by_role("button", name="Leave it out").all():
        waiting.click()
    desk.area.focus()
    desk.write("[Control+a]", "[Delete]")


def figures(writer: Writer) -> list[tuple[str, str]]:
    """What each picture says of itself, and its caption."""
    return FIGURE.findall(writer.html)


def test_picture_is_chosen_uploaded_described_and_saved(writer: Writer) -> None:
    page = writer.page
    with page.expect_file_chooser() as chooser:
        writer.insert("Picture")
    chooser.value.set_files(ROOT / "tests" / "e2e" / "pixel.png")

    expect(writer.dialog).to_contain_text("What does this picture show?")
    expect(writer.dialog.locator("[name=alt]")).to_be_focused()
    writer.answer(alt="  ")
    expect(writer.dialog).to_contain_text("Say in a few words what it shows, or tick the box below.")
    writer.answer(alt="The “sea” 🌊", caption="At low tide")

    assert figures(writer) == [("The “sea” 🌊", "At low tide")]
    image = writer.area.get_by_role("img", name="The “sea” 🌊")
    assert image.evaluate("(image) => image.decode().then(() => image.naturalWidth)") == 1


def test_several_pasted_pictures_are_asked_about_one_after_the_other(writer: Writer) -> None:
    writer.write("Before")

    writer.paste(files=[PNG, ("hill.png", "image/png", 100)])

    writer.answer(alt="Sea")
    expect(writer.dialog.locator("[name=alt]")).to_have_value("")
    writer.answer(isDecorative=True)
    expect(writer.dialog).to_have_count(0)
    assert figures(writer) == [("Sea", ""), ("", "")]
    assert writer.html.startswith("<p>Before</p><figure")
    assert 'alt=""' in writer.html
    expect(writer.area.get_by_text("Decorates only")).to_be_visible()


def test_picture_dropped_between_paragraphs_stays_undescribed_until_somebody_says(writer: Writer) -> None:
    writer.write("One", "[Enter]", "Two")

    writer.drop(writer.area.get_by_text("One"), files=[PNG])
    expect(writer.dialog).to_be_visible()
    writer.write("[Escape]")

    expect(writer.area.get_by_text("Nobody has said yet what it shows")).to_be_visible()
    assert re.sub(FIGURE, "[picture]", writer.html) == "<p>One</p>[picture]<p>Two</p>"
    assert " alt=" not in writer.html


@pytest.mark.parametrize(
    ("file", "words"),
    [
        (("film.mp4", "video/mp4", 10), "film.mp4: This is not a picture."),
        (
            ("logo.svg", "image/svg+xml", 10),
            "logo.svg: Mail programs show no SVG. Save it as PNG and try again.",
        ),
        (
            ("huge.png", "image/png", 20 * 1024 * 1024 + 1),
            "huge.png: This picture is too large: 21 MB, and 20 MB is the most.",
        ),
    ],
    ids=["film", "svg", "huge"],
)
def test_file_that_cannot_become_a_picture_never_leaves(
    writer: Writer, file: tuple[str, str, int], words: str
) -> None:
    writer.page.route(UPLOAD, lambda route: pytest.fail(f"{route.request.url} was asked"))

    writer.paste(files=[file])

    expect(writer.area.get_by_role("status")).to_have_text(words)
    assert writer.html == ""
    writer.area.get_by_role("button", name="Leave it out").click()
    expect(writer.area.get_by_role("status")).to_have_count(0)


def test_lost_connection_loses_nothing_and_is_tried_again(writer: Writer) -> None:
    lost: list[str] = []

    def lose_first(route: Route) -> None:
        lost.append(route.request.url)
        if len(lost) == 1:
            route.abort("connectionfailed")
        else:
            route.continue_()

    writer.page.route(UPLOAD, lose_first)
    writer.write("Words")
    writer.paste(files=[PNG])
    waiting = writer.area.get_by_role("status")
    expect(waiting).to_have_text("sea.png: The connection was lost. Nothing else is: try again.")
    writer.write(" and more")
    assert writer.html == "<p>Words and more</p>"

    writer.area.get_by_role("button", name="Try again").click()
    writer.answer(alt="Sea")

    assert figures(writer) == [("Sea", "")]
    assert len(lost) == 2


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (400, '{"error": "This is too big a bite."}', "This is too big a bite."),
        (413, "<h1>nginx</h1>", "This picture is too large for the server."),
        (200, "<form>", "You seem to be logged out. Log in in another tab, then try again."),
        (502, "", "The server could not take this picture. Try again in a moment."),
    ],
    ids=["refused", "too-large", "logged-out", "broken"],
)
def test_what_the_server_says_is_told_at_the_picture(
    writer: Writer, status: int, body: str, words: str
) -> None:
    writer.page.route(UPLOAD, lambda route: route.fulfill(status=status, body=body))

    writer.paste(files=[PNG])

    expect(writer.area.get_by_role("status")).to_have_text(f"sea.png: {words}")
    expect(writer.area.get_by_role("button", name="Try again")).to_be_visible()


def test_pictures_inside_pasted_words_are_uploaded_kept_or_left_out(writer: Writer) -> None:
    pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGP4z8DwHwAFAAH/iZk9HQAAAABJRU5ErkJggg=="
    writer.paste(
        html=f'<p>One <img src="data:image/png;base64,{pixel}" alt="A dot"> two</p>'
        '<p><img src="https://pictures.example/a.jpg" alt="Elsewhere"></p>'
        '<p>Three<img src="file:///C:/Temp/msohtmlclip1/01/clip_image002.png"></p>'
        '<img src="https://count.example/pixel.gif" width="1" height="1">'
    )

    expect(writer.area.get_by_role("img", name="A dot")).to_be_visible()
    expect(
        writer.page.get_by_text("Pictures that cannot be reached from here were left out: 1.")
    ).to_be_visible()
    assert re.sub(FIGURE, "[picture]", writer.html) == (
        "<p>One</p>[picture]<p>two</p>"
        '<figure class="img"><img src="https://pictures.example/a.jpg" alt="Elsewhere"></figure><p>Three</p>'
    )
    assert figures(writer) == [("A dot", "")]
