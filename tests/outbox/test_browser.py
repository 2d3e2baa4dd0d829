from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import pytest
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.core.wsgi import get_wsgi_application
from playwright.sync_api import sync_playwright

from outbox import mailbox
from tests.outbox.letters import issue
from tests.services import chromium

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page

HOSTILE = """<!doctype html><html><head><base href="https://elsewhere.invalid/"><title>x</title>
<meta http-equiv="Content-Security-Policy" content="script-src * 'unsafe-inline'"></head><body>
<script>parent.document.title = "taken"; document.title = "taken"</script>
<img src="data:," onerror="top.document.title='taken'"><svg onload="top.document.title='taken'"></svg>
<iframe srcdoc="<script>top.document.title='taken'</script>"></iframe>
<a id="bad" href="javascript:top.document.title='taken'">bad</a>
<form action="/outbox/empty/" method="post"><button id="press">press</button></form>
<a id="good" href="{site}/read/">Read on</a><p id="words">still shown</p></body></html>"""


class QuietServer(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class QuietHandler(WSGIRequestHandler):
    def log_message(self, *args: object) -> None: ...


class Reader(BaseHTTPRequestHandler):
    """The site that mails point to: remembers what was asked of it."""

    seen: list[tuple[str, str, str]] = []

    def do_GET(self) -> None:
        self._answer("")

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers["Content-Length"])).decode())

    def _answer(self, body: str) -> None:
        self.seen.append((self.command, self.path, body))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"welcome")

    def log_message(self, *args: object) -> None: ...


@pytest.fixture
def site() -> Iterator[str]:
    Reader.seen = []
    with ThreadingHTTPServer(("127.0.0.1", 0), Reader) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def outbox() -> Iterator[str]:
    application = StaticFilesHandler(get_wsgi_application())
    with make_server("127.0.0.1", 0, application, QuietServer, QuietHandler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/outbox/"
        server.shutdown()


@pytest.fixture
def page() -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        page = browser.new_page()
        page.set_default_timeout(10_000)
        yield page
        browser.close()


def test_a_hostile_mail_is_shown_and_can_do_nothing_while_its_links_work(
    page: Page, outbox: str, site: str
) -> None:
    issue(html=HOSTILE.format(site=site)).send()
    page.goto(outbox)
    page.get_by_role("link", name="The tide").click()
    mail = page.frame_locator("iframe")

    mail.locator("#words").wait_for()
    mail.locator("#bad").click()
    mail.locator("#press").click()
    with page.expect_popup() as popup:
        mail.locator("#good").click()
    popup.value.wait_for_load_state()
    page.wait_for_timeout(200)

    assert popup.value.url == f"{site}/read/"
    assert page.title() == "The tide – Outbox"
    assert mailbox.count() == 1
    assert [seen[:2] for seen in Reader.seen if seen[1] != "/favicon.ico"] == [("GET", "/read/")]


def test_one_click_leaves_as_a_mailbox_provider_would(page: Page, outbox: str, site: str) -> None:
    issue(leave=f"{site}/s/unsubscribe/token/").send()
    page.goto(f"{outbox}{mailbox.newest()[0].number}/")

    with page.expect_popup() as popup:
        page.get_by_role("button", name="Unsubscribe with one click").click()
    popup.value.get_by_text("welcome").wait_for()

    assert [seen for seen in Reader.seen if seen[1] != "/favicon.ico"] == [
        ("POST", "/s/unsubscribe/token/", "List-Unsubscribe=One-Click")
    ]


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_no_page_scrolls_sideways_or_breaks_its_own_policy(page: Page, outbox: str, width: int) -> None:
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.set_viewport_size({"width": width, "height": 800})
    issue(f"{'long' * 15}@{'example.' * 12}com", subject="Überlang" * 12).send()
    number = mailbox.newest()[0].number
    pages = [
        "",
        "?q=nobody",
        *(f"{number}/{view}" for view in ("", "?width=phone", "text/", "headers/", "source/")),
    ]

    too_wide = []
    for address in pages:
        page.goto(outbox + address)
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            too_wide.append(address)

    assert (too_wide, complaints) == ([], [])


def test_the_outbox_is_searched_and_emptied_by_its_buttons(page: Page, outbox: str) -> None:
    issue("ada@example.com", subject="Ebb").send()
    issue("bob@example.com", subject="Flow").send()
    page.goto(outbox)

    page.get_by_label("Address or subject").fill("ada")
    page.get_by_role("button", name="Search").click()
    found = page.locator(".mails .subject").all_inner_texts()
    page.get_by_role("button", name="Empty the outbox").click()

    assert found == ["Ebb"]
    assert page.get_by_role("heading", name="No mail yet").is_visible()
