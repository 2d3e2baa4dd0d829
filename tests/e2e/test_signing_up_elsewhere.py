"""Our form on somebody else's site: in a frame, and as plain HTML; without script, on a phone, by keys alone."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from desk.views.site_forms import HEIGHT
from tests.e2e.conftest import Installation

SLUG = "morning-courant"
PAGE = """<!DOCTYPE html><html lang="en"><title>Another site</title><h1>Another site</h1>
<iframe src="{url}/{slug}/embed/" title="Subscribe" width="100%" height="{height}" style="border: 0"></iframe>
<form method="post" action="{url}/{slug}/subscribe/"><label>Mail <input type="email" name="email"></label>
<button>Join</button></form>"""


def fits_its_frame(page: Page) -> bool:
    """Nobody scrolls in a frame to find the next button."""
    sizes = "[document.documentElement.scrollHeight, innerHeight]"
    content, frame = page.frames[1].evaluate(sizes)
    return bool(content <= frame)


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def site(courant: Installation, tmp_path: Path) -> Iterator[str]:
    """Another site, at another address than ours."""
    (tmp_path / "index.html").write_text(PAGE.format(url=courant.url, slug=SLUG, height=HEIGHT))
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=tmp_path)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


@pytest.fixture
def phone(browser: Browser) -> Iterator[Page]:
    """Without scripts."""
    context = browser.new_context(viewport={"width": 390, "height": 844}, java_script_enabled=False)
    context.set_default_timeout(20_000)
    yield context.new_page()
    context.close()


def test_frame_on_another_site_is_filled_in_and_answers_there(
    courant: Installation, site: str, phone: Page
) -> None:
    phone.goto(site)
    frame = phone.frame_locator("iframe")

    frame.get_by_label("Your e-mail address").focus()
    phone.keyboard.type("Fra@Example.org")
    phone.wait_for_timeout(2_100)  # nobody types faster
    phone.keyboard.press("Enter")
    expect(frame.get_by_role("heading", level=1)).to_have_text("Now check your inbox")
    fits = [fits_its_frame(phone)]
    frame.get_by_text("Is there a slip in the address?").press("Enter")
    fits.append(fits_its_frame(phone))
    frame.get_by_text("Is there a slip in the address?").press("Enter")
    frame.get_by_role("button", name="Send it again").press("Enter")
    expect(frame.get_by_role("status")).to_contain_text("at most one mail an hour")

    assert [*fits, fits_its_frame(phone)] == [True] * 3
    assert phone.url == site
    assert phone.context.cookies() == []
    assert found_by(courant, "fra@example.org") == [f"/{SLUG}/embed/", site.split("/")[2]]


def test_plain_form_on_another_site_leads_to_our_page(courant: Installation, site: str, phone: Page) -> None:
    phone.goto(site)

    phone.get_by_label("Mail").fill("plain@gmal.com")
    phone.get_by_role("button", name="Join").click()
    phone.get_by_role("button", name="No, plain@gmal.com is right").click()

    expect(phone.get_by_role("heading", level=1)).to_have_text("Now check your inbox")
    assert found_by(courant, "plain@gmal.com")[-1:] == [site.split("/")[2]]


@pytest.mark.parametrize("path", [f"/{SLUG}/subscribe/", f"/{SLUG}/embed/", "/subscribe/"])
@pytest.mark.parametrize("language", ["en", "ar"])
def test_pages_are_open_to_everybody(courant: Installation, page: Page, path: str, language: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{courant.url}{path}?language={language}")
    page.locator("button[type=submit]").first.press("Enter")  # with nothing in it: all that is wrong is said
    expect(page.locator("[aria-invalid=true]").first).to_be_visible()

    found = Axe().run(page).response["violations"]

    assert [each["id"] for each in found] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def found_by(courant: Installation, address: str) -> list[str]:
    """Where the sign-up says that it came from: the page of ours, if any, and the site."""
    command = (
        "from subscribers.models import SignUp, Subscription as S;"
        f"a = {address!r};"
        "r = S.objects.filter(subscriber__email=a).first() or SignUp.objects.filter(email=a).first();"
        "print(*(r.source[k] for k in ('page', 'referrer') if k in r.source))"
    )
    return courant.manage("shell", "-v0", "-c", command).stdout.split()
