"""Runs inside Courant (manage.py shell), for desk.py: writes the issues, then asks for the pages."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from delivery import preparation
from delivery.models import Dispatch
from newsletter import faces, rendering
from newsletter.locale import spoken_by
from newsletter.models import Issue, Newsletter
from newsletter.samples import SAMPLES
from subscribers import counting

ROUNDS = 5
ARTICLE = 60_000  # characters of HTML


def write(issues: int) -> None:
    newsletter = Newsletter.objects.get()
    now = timezone.now()
    paragraphs = [found for sample in SAMPLES for found in re.findall(r"<p>.*?</p>", sample.body)]
    body = "".join(paragraphs[place % len(paragraphs)] for place in range(1000))[:ARTICLE]
    Issue.objects.create(newsletter=newsletter, slug="article", subject="An article", body=body)
    Issue.objects.bulk_create(
        Issue(
            newsletter=newsletter,
            slug=f"issue-{number}",
            subject=f"What the river keeps, part {number}",
            authors="Ada Moreau",
            body=SAMPLES[number % len(SAMPLES)].body,
            status="sent",
            published_at=now - timedelta(days=number),
        )
        for number in range(1, issues)
    )
    for issue in Issue.objects.filter(slug__startswith="issue-").only("pk", "subject"):
        Dispatch.objects.create(
            issue=issue,
            state="sent",
            mailer="bulk",
            batch_size=500,
            audience_size=0,
            subject=issue.subject,
            sender="a@example.com",
            html="<p>Words.</p>" * 2000,
            text="Words. " * 2000,
            started_at=now - timedelta(days=2),
            finished_at=now - timedelta(days=1),
        )
    big = Issue.objects.create(
        newsletter=newsletter, slug="big", subject="To everybody", body=SAMPLES[0].body
    )
    preparation.prepare(preparation.start(big).pk)
    counting.refresh()
    counting.note_days(now=now)


def look() -> None:
    settings.DEBUG = False
    browser = Client(SERVER_NAME="localhost")
    browser.force_login(get_user_model().objects.get(is_superuser=True))
    found = [_asked(browser, *page) for page in _pages()]
    print(json.dumps([*(line for line in found if line), _rendered()]))


def _pages() -> Iterator[tuple[str, str, Callable[[], str]]]:
    """(name, kind, address); an address that is not there is left out."""
    article, big = Issue.objects.get(slug="article"), Issue.objects.get(slug="big")
    dispatch = Dispatch.objects.get(issue=big)
    issues = "admin:newsletter_issue_changelist"
    yield "home", "page", lambda: reverse("admin:index")
    yield "issues, page 1", "page", lambda: reverse(issues)
    last = min(20, Issue.objects.count() // 100)
    yield f"issues, page {last}", "page", lambda: f"{reverse(issues)}?p={last}"
    yield "issues, search", "page", lambda: f"{reverse(issues)}?q=river"
    yield "issues, filter", "page", lambda: f"{reverse(issues)}?status__exact=draft"
    yield "issue form, 60 KB", "page", lambda: reverse("admin:newsletter_issue_change", args=[article.pk])
    for name in ("check", "send", "test", "preview"):
        yield f"{name} page, 60 KB", "page", lambda name=name: reverse(f"desk:{name}", args=[article.pk])
    for face in ("web", "mail", "text"):
        yield f"preview, {face}", "preview", lambda face=face: reverse("desk:face", args=[article.pk, face])
    for model in ("subscription", "subscriber"):
        path = f"admin:subscribers_{model}_changelist"
        yield f"{model} list", "page", lambda path=path: reverse(path)
        yield f"{model} search", "page", lambda path=path: f"{reverse(path)}?q=reader.4711"
    yield "delivery list", "page", lambda: reverse("admin:delivery_delivery_changelist")
    yield "dispatch list", "page", lambda: reverse("admin:delivery_dispatch_changelist")
    yield "dispatch page", "page", lambda: reverse("delivery:dispatch", args=[dispatch.pk])
    yield "correction page", "page", lambda: reverse("desk:correct", args=[dispatch.pk])


def _asked(browser: Client, name: str, kind: str, address: Callable[[], str]) -> dict[str, Any] | None:
    try:
        path = address()
    except NoReverseMatch:
        return None
    with CaptureQueriesContext(connection) as queries:
        answer = browser.get(path)
    asked = len(queries)  # the next request forgets them
    if answer.status_code != 200:
        raise SystemExit(f"{name}: {path} answers {answer.status_code}")
    taken = min(_timed(lambda: browser.get(path)) for _ in range(ROUNDS))
    return {"name": name, "kind": kind, "ms": taken, "queries": asked, "bytes": len(answer.content)}


def _rendered() -> dict[str, Any]:
    issue = Issue.objects.select_related("newsletter").get(slug="article")
    edition, masthead = faces.edition(issue), faces.masthead(issue.newsletter)
    with spoken_by(issue.newsletter):
        size = len(rendering.mail_html(edition, masthead).encode())
        taken = min(_timed(lambda: rendering.mail_html(edition, masthead)) for _ in range(ROUNDS))
    return {"name": "mail HTML of 60 KB", "kind": "rendering", "ms": taken, "queries": 0, "bytes": size}


def _timed(do: Callable[[], object]) -> float:
    begun = time.perf_counter()
    do()
    return (time.perf_counter() - begun) * 1000
