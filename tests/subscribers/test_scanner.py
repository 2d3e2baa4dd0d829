"""A mail scanner: it opens every link of every mail, in every way but a press of a button, and changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone
from playwright.sync_api import Browser, Error, sync_playwright

from newsletter.models import Newsletter
from subscribers import letters, lifecycle, tokens
from subscribers.consent import Circumstances, Method
from subscribers.models import AddressChange, Letter, Subscription
from tests import factories
from tests.delivery.ledgers import ledger
from tests.services import chromium

AGENTS = ("", "Barracuda Sentinel (EE)", "Mozilla/5.0 (compatible; SafeLinks)")
PREFETCH = {"Sec-Purpose": "prefetch", "Purpose": "prefetch", "X-Moz": "prefetch"}
# By the first part of a link's name, the token of its kind.
KINDS = {"manage": "manage", "rest": "unsubscribe", "mail": "unsubscribe", "why": "back", "change": "change"}


@pytest.fixture
def links(db: None) -> list[str]:
    """Every address that a mail can hold, each alive: whatever carries a token is found by itself."""
    daily = factories.newsletter(digest_day=1, offers_weekdays=True)
    ada, bob, _ = factories.cast(daily)
    gone = factories.subscription(daily, "gone@example.com")
    lifecycle.unsubscribe(gone, circumstances=Circumstances(Method.LINK))
    now = timezone.now()
    letters.ask(Letter.Kind.KNOWN, ada, now=now + timedelta(hours=1))
    change = AddressChange.objects.create(
        subscriber=ada.subscriber, new_email="ada@new.example", asked_at=now
    )
    dispatch = ledger(factories.issue(daily), accepted=1)
    own = {
        "confirm": tokens.confirm_token(bob),
        "unsubscribe": tokens.unsubscribe_token(ada.pk, mark=str(dispatch.pk)),
        "back": tokens.back_token(Subscription.objects.get(pk=gone.pk), life=tokens.BACK_BY_MAIL),
        "manage": tokens.manage_token(ada.subscriber),
        "change": tokens.change_token(change.pk, end="new"),
        "feedback": tokens.reader_tokens("feedback", mark=str(dispatch.pk))(ada.pk),
        "read": tokens.reader_tokens("read", mark=str(dispatch.pk))(ada.pk),
    }
    return [address(pattern, name, own, daily) for name, pattern in with_tokens()]


def with_tokens(resolver: URLResolver | None = None, space: str = "") -> Iterator[tuple[str, URLPattern]]:
    for each in (resolver or get_resolver()).url_patterns:
        if isinstance(each, URLResolver):
            if each.namespace in {None, "subscribers"} and not str(each.pattern).startswith("admin"):
                yield from with_tokens(each, f"{each.namespace}:" if each.namespace else "")
        elif each.name and "token" in each.pattern.regex.groupindex and "s/" in str(each.pattern)[:3]:
            yield f"{space}{each.name}", each


def address(pattern: URLPattern, name: str, own: dict[str, str], daily: Newsletter) -> str:
    kind = name.partition(":")[2].partition("_")[0] or name
    values = {"token": own[KINDS.get(kind, kind)], "slug": daily.slug}
    return reverse(name, kwargs={key: values[key] for key in pattern.pattern.regex.groupindex})


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


@pytest.fixture(scope="module")
def chrome() -> Iterator[Browser]:
    # Playwright's loop runs in this thread, and Django would refuse its ORM to whoever has one.
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        running = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        yield running
        running.close()


def test_scanner_with_a_browser_that_runs_scripts_and_waits_changes_nothing(
    chrome: Browser, transactional_db: None, links: list[str], live_server
) -> None:
    before = dump()
    context = chrome.new_context()
    posts: list[str] = []
    context.on("request", lambda request: posts.append(request.url) if request.method != "GET" else None)
    opened = 0

    for link in links:
        page = context.new_page()
        with suppress(Error):  # an empty answer is no page to a browser: of addresses that only take a post
            page.goto(f"{live_server.url}{link}", wait_until="networkidle")
            page.mouse.move(200, 300)  # it moves and scrolls as people do, and presses nothing
            page.mouse.wheel(0, 2000)
            opened += 1
    page.wait_for_timeout(1500)  # for whatever a page would do by itself later
    context.close()

    assert opened >= 10
    assert posts == []
    assert dump() == before
