"""A mail scanner: it opens every link of every mail, in every way but a press of a button, and changes nothing."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from django.apps import apps
from django.contrib.sessions.models import Session
from django.test import Client
from playwright.sync_api import Browser, Error

from tests.subscribers.every_link import every_link

AGENTS = ("", "Barracuda Sentinel (EE)", "Mozilla/5.0 (compatible; SafeLinks)")
PREFETCH = {"Sec-Purpose": "prefetch", "Purpose": "prefetch", "X-Moz": "prefetch"}


@pytest.fixture
def links(db: None) -> list[str]:
    return list(every_link().values())


def dump() -> dict[str, Any]:
    """All we hold of readers, and whatever a page could leave behind."""
    held = [*apps.get_app_config("subscribers").get_models(), *apps.get_app_config("delivery").get_models()]
    return {str(model): list(model.objects.order_by("pk").values()) for model in (*held, Session)}


def test_scanner_that_asks_in_every_way_changes_nothing(links: list[str]) -> None:
    before = dump()
    client = Client()

    answers = []
    for link in links:
        for agent in AGENTS:
            answers += [client.get(link, headers={"User-Agent": agent}) for _ in range(5)]
            answers += [client.head(link, headers={"User-Agent": agent}), client.options(link)]
        answers += [
            client.get(link, headers=PREFETCH),
            client.get(f"{link}?utm_source=x&answer=good&language=de"),
        ]

    assert len(links) >= 18
    assert {answer.status_code for answer in answers} <= {200, 301, 302, 405}
    assert dump() == before


def test_scanner_with_a_browser_that_runs_scripts_and_waits_changes_nothing(
    chrome: Browser, transactional_db: None, links: list[str], live_server
) -> None:
    before = dump()
    context = chrome.new_context()
    posts: list[str] = []
    context.on("request", lambda request: posts.append(request.url) if request.method != "GET" else None)
    opened = []

    for link in links:
        page = context.new_page()
        with suppress(Error):  # an empty answer is no page to a browser: of addresses that only take a post
            page.goto(f"{live_server.url}{link}")
            opened.append(page)
    for page in opened:
        page.wait_for_load_state("networkidle")
        page.mouse.move(200, 300)  # it moves and scrolls as people do, and presses nothing
        page.mouse.wheel(0, 2000)
    page.wait_for_timeout(1500)  # for whatever a page would do by itself later
    context.close()

    assert len(opened) >= 10
    assert posts == []
    assert dump() == before
