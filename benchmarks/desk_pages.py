"""Runs inside Courant (manage.py shell), for desk.py: asks for the pages, and says how long each took."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from delivery.models import Dispatch
from newsletter import faces, rendering
from newsletter.locale import spoken_by
from newsletter.models import Issue

ROUNDS = 5
# Home, its live part, and the page that watches: all that somebody has open while it goes out.
WATCHED = ("home", "home, its running part", "dispatch page", "dispatch page, its live part")


@dataclass(frozen=True)
class Page:
    name: str
    path: str
    kind: str = "page"  # by which desk.py knows its limit
    typed: dict[str, str] = field(default_factory=dict)  # what stands in the form, if it is sent


def look(who: str) -> None:
    _tell(_asked(_browser(who), page) for page in [*_lists(), *_of_the_article(), *_of_the_dispatch()])


def watch(who: str) -> None:
    """While it goes out."""
    pages = [each for each in [*_lists(), *_of_the_dispatch()] if each.name in WATCHED]
    _tell(_asked(_browser(who), page) for page in pages)


def render() -> None:
    issue = Issue.objects.select_related("newsletter").get(slug="article")
    edition, masthead = faces.edition(issue), faces.masthead(issue.newsletter)
    with spoken_by(issue.newsletter):
        cold = _timed(lambda: rendering.mail_html(edition, masthead))
        size = len(rendering.mail_html(edition, masthead).encode())
        taken = min(_timed(lambda: rendering.mail_html(edition, masthead)) for _ in range(ROUNDS))
    _tell([_line(Page("mail HTML of 60 KB", "", "rendering"), cold=cold, warm=taken, queries=0, size=size)])


def _lists() -> Iterator[Page]:
    issues = reverse("admin:newsletter_issue_changelist")
    yield Page("home", reverse("admin:index"))
    yield Page("home, its running part", reverse("desk:running"))
    yield Page("issues, page 1", issues)
    last = min(20, Issue.objects.count() // 100)
    yield Page(f"issues, page {last}", f"{issues}?p={last}")
    yield Page("issues, search", f"{issues}?q=river")
    yield Page("issues, filter", f"{issues}?status__exact=draft")
    for model in ("subscription", "subscriber"):
        path = reverse(f"admin:subscribers_{model}_changelist")
        yield Page(f"{model} list", path)
        yield Page(f"{model} search", f"{path}?q=reader.4711")
    yield Page("delivery list", reverse("admin:delivery_delivery_changelist"))
    yield Page("dispatch list", reverse("admin:delivery_dispatch_changelist"))


def _of_the_article() -> Iterator[Page]:
    article = Issue.objects.get(slug="article")
    yield Page("issue form, 60 KB", reverse("admin:newsletter_issue_change", args=[article.pk]))
    for name in ("check", "send", "test", "preview"):
        yield Page(f"{name} page, 60 KB", reverse(f"desk:{name}", args=[article.pk]))
    for face in ("web", "mail"):
        yield Page(f"preview, {face}, as saved", reverse("desk:face", args=[article.pk, face]), "preview")
    typed = {"subject": "An article in the making", "slug": article.slug, "body": article.body}
    for face in ("web", "mail", "phone", "dark", "text"):
        path = reverse("desk:face", args=[article.pk, face])
        yield Page(f"preview, {face}, while typing", path, "preview", typed)
    yield Page(
        "who may read it, by an address", f"{reverse('desk:readers', args=[article.pk])}?q=reader.4711"
    )


def _of_the_dispatch() -> Iterator[Page]:
    first = Dispatch.objects.get(issue__slug="big", audience=Dispatch.Audience.EVERYONE)
    rest = first.followers.first()
    named = {"dispatch page": first} if rest is None else {"stopped dispatch": first, "its rest": rest}
    for name, dispatch in named.items():
        yield Page(name, reverse("delivery:dispatch", args=[dispatch.pk]))
        yield Page(f"{name}, its live part", reverse("delivery:progress", args=[dispatch.pk]))
    if rest:
        yield Page("correction page", reverse("desk:correct", args=[rest.pk]))


def _browser(who: str) -> Client:
    """In a web process that has its addresses loaded, as all have that were waited for."""
    settings.DEBUG = False
    browser = Client(SERVER_NAME="localhost")
    browser.get(reverse("admin:login"))
    users = get_user_model().objects
    browser.force_login(
        users.get(username="only-editor") if who == "editor" else users.filter(is_superuser=True)[0]
    )
    return browser


def _asked(browser: Client, page: Page) -> dict[str, Any]:
    """First with empty caches, then as it goes on; the queries are those of the first time."""
    cache.clear()
    with CaptureQueriesContext(connection) as queries:
        begun = time.perf_counter()
        answer = _sent(browser, page, 0)
        cold = (time.perf_counter() - begun) * 1000
    asked = len(queries)  # the next request forgets them
    if answer.status_code != 200:
        raise SystemExit(f"{page.name}: {page.path} answers {answer.status_code}")
    # Each time it is another text, as it is while somebody types.
    warm = min(_timed(lambda number=number: _sent(browser, page, number)) for number in range(1, ROUNDS + 1))
    return _line(page, cold=cold, warm=warm, queries=asked, size=len(answer.content))


def _sent(browser: Client, page: Page, number: int) -> Any:
    if not page.typed:
        return browser.get(page.path)
    return browser.post(page.path, page.typed | {"body": f"{page.typed['body']}<p>{number}</p>"})


def _line(page: Page, *, cold: float, warm: float, queries: int, size: int) -> dict[str, Any]:
    return asdict(page) | {"typed": {}, "cold": cold, "ms": warm, "queries": queries, "bytes": size}


def _timed(do: Callable[[], object]) -> float:
    begun = time.perf_counter()
    do()
    return (time.perf_counter() - begun) * 1000


def _tell(lines: Any) -> None:
    print(json.dumps(list(lines)))
