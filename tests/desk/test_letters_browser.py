"""Writing a mail to readers in a real browser: what is typed shows beside it, and is stored only when saved."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import User
from playwright.sync_api import Browser, Page, expect

from newsletter.models import Newsletter
from subscribers.models import LetterText
from tests import factories


@pytest.fixture
def weekly(chrome: Browser, transactional_db: None) -> Newsletter:
    User.objects.create_superuser("boss", "boss@news.example", password="courant")
    return factories.newsletter()


def opened(chrome: Browser, url: str, *, scripts: bool = True, width: int = 1280) -> Page:
    context = chrome.new_context(viewport={"width": width, "height": 900}, java_script_enabled=scripts)
    context.set_default_timeout(15_000)
    page = context.new_page()
    page.goto(url)
    page.locator("#id_username").fill("boss")
    page.locator("#id_password").fill("courant")
    page.locator("#id_password").press("Enter")
    return page


def findings(page: Page) -> list[str]:
    return [each["id"] for each in Axe().run(page).response["violations"]]


def test_what_is_typed_shows_in_every_face_and_is_stored_only_when_saved(
    chrome: Browser, live_server, weekly: Newsletter
) -> None:
    path = f"/admin/desk/newsletters/{weekly.pk}/letters/"
    page = opened(chrome, f"{live_server.url}/admin/login/?next={path}")
    sheet = page.frame_locator(".letter-look iframe")

    overview = findings(page)
    page.get_by_role("link", name="Look and edit: Welcome").click()
    expect(sheet.get_by_role("heading", name="Welcome aboard")).to_be_visible()
    page.get_by_label("Heading").fill("Ahoy, and welcome")
    expect(sheet.get_by_role("heading", name="Ahoy, and welcome")).to_be_visible()
    page.get_by_role("link", name="Plain text").click()
    expect(sheet.locator("pre")).to_contain_text("Ahoy, and welcome\n=====")
    before = LetterText.objects.count()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved. The next such mail says it so.")).to_be_visible()

    assert (overview, findings(page)) == ([], [])
    assert (before, LetterText.objects.get().heading) == (0, "Ahoy, and welcome")


def test_page_works_without_scripts_and_on_a_phone(chrome: Browser, live_server, weekly: Newsletter) -> None:
    path = f"/admin/desk/newsletters/{weekly.pk}/letters/goodbye/"
    page = opened(chrome, f"{live_server.url}/admin/login/?next={path}", scripts=False, width=390)

    page.get_by_label("Subject").fill("Fair winds")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("link", name="Dark").click()

    sheet = page.frame_locator(".letter-look iframe")
    expect(sheet.get_by_role("heading", name="Goodbye, and thank you for reading")).to_be_attached()
    assert LetterText.objects.get().subject == "Fair winds"
