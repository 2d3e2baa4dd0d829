"""RFC 8058: what a mailbox provider posts. Silent, at once, and as often as it likes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from kombu.exceptions import OperationalError

from newsletter.models import Newsletter
from subscribers import tokens
from subscribers.models import ConsentEvent, Letter, Subscription
from tests import factories

FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=b"
BODIES = {
    FORM: b"List-Unsubscribe=One-Click",
    MULTIPART: b'--b\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--b--\r\n',
}


@pytest.fixture
def provider() -> Client:
    return Client(enforce_csrf_checks=True)


def path_of(subscription: Subscription) -> str:
    return f"/s/unsubscribe/{tokens.unsubscribe_token(subscription.pk, mark='3')}"


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("content_type", BODIES)
@pytest.mark.parametrize("agent", ["", "Google-Gmail-Unsubscribe", "x" * 5000])
def test_one_click_acts_without_page_cookie_or_redirect(
    daily: Newsletter, provider: Client, slash: str, content_type: str, agent: str
) -> None:
    ada, *_ = factories.cast(daily)
    path, headers = path_of(ada) + slash, {"User-Agent": agent}

    answers = [
        provider.generic("POST", path, BODIES[content_type], content_type=content_type, headers=headers)
        for _ in range(2)
    ]

    assert [(answer.status_code, answer.content, answer.cookies.output()) for answer in answers] == [
        (200, b"", "")
    ] * 2
    assert Subscription.objects.get(pk=ada.pk).status == "unsubscribed"
    event = ConsentEvent.objects.get()
    assert (event.kind, event.method, event.agent) == ("left", "one_click", agent[:300])
    assert not Letter.objects.exists()


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data", BODIES[MULTIPART]),  # names no boundary
        (MULTIPART, b"--b\r\nnonsense"),
        ("", b"List-Unsubscribe=One-Click"),
        ("application/json", b"{"),
        (FORM, b"\xff\xfe=\0"),
        (FORM, b"&".join(b"a=1" for _ in range(1001))),
        (FORM, b""),
    ],
)
def test_post_that_cannot_be_read_is_a_press_of_the_button(
    daily: Newsletter, provider: Client, content_type: str, body: bytes
) -> None:
    ada, *_ = factories.cast(daily)

    answer = provider.generic("POST", path_of(ada), body, content_type=content_type)

    assert answer.status_code == 200
    assert Subscription.objects.get(pk=ada.pk).status == "unsubscribed"


def test_one_click_of_who_had_left_keeps_the_first_leaving(daily: Newsletter, provider: Client) -> None:
    *_, cleo = factories.cast(daily)

    answer = provider.post(path_of(cleo), {"List-Unsubscribe": "One-Click"})

    assert (answer.status_code, answer.content) == (200, b"")
    assert Subscription.objects.get(pk=cleo.pk).unsubscribed_at == cleo.unsubscribed_at
    assert not ConsentEvent.objects.exists()


def test_one_click_works_while_the_broker_is_away(
    daily: Newsletter,
    provider: Client,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Callable[..., Any],
) -> None:
    ada, *_ = factories.cast(daily)
    dan = factories.subscription(daily, "dan@example.com")
    monkeypatch.setattr("celery.app.task.Task.apply_async", _refuse)

    with django_capture_on_commit_callbacks() as of_silent:
        silent = provider.post(path_of(ada), {"List-Unsubscribe": "One-Click"})
    with django_capture_on_commit_callbacks(execute=True) as of_page:
        page = provider.post(path_of(dan))

    # Both are counted at their issue; it is the page that has a mail to wake somebody for.
    assert (len(of_silent), len(of_page)) == (1, 2)
    assert (silent.status_code, page.status_code) == (200, 200)
    assert set(Subscription.objects.values_list("status", flat=True)) == {"unsubscribed", "pending"}


def _refuse(*args: object, **kwargs: object) -> None:
    raise OperationalError("no broker")


def test_one_click_costs_few_statements(
    daily: Newsletter, provider: Client, django_capture_on_commit_callbacks: Any
) -> None:
    """500 a second on two cores: each statement counts."""
    ada, *_ = factories.cast(daily)

    with CaptureQueriesContext(connection) as captured, django_capture_on_commit_callbacks(execute=True):
        provider.post(path_of(ada), {"List-Unsubscribe": "One-Click"})
    with CaptureQueriesContext(connection) as again, django_capture_on_commit_callbacks(execute=True):
        provider.post(path_of(ada), {"List-Unsubscribe": "One-Click"})

    assert _said(captured) == ["SELECT", "UPDATE", "INSERT", "UPDATE"]
    assert _said(again) == ["SELECT", "UPDATE", "UPDATE"]  # neither finds a row to change


def _said(captured: CaptureQueriesContext) -> list[str]:
    verbs = [query["sql"].split()[0] for query in captured.captured_queries]
    return [verb for verb in verbs if verb in {"SELECT", "INSERT", "UPDATE", "DELETE"}]
