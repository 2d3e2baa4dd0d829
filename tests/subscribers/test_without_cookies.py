"""No page for readers needs a cookie, none sets one, and none but the small one for other sites can be framed."""

from __future__ import annotations

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from subscribers.views.bounds import LARGEST
from tests.reader_tour import Tour
from tests.subscribers.every_link import every_link

# Without a token in their address: anybody may open them, and post to them.
OPEN = ("subscribe", "resend", "embed", "embed_resend", "ask_manage")
OPEN_TO_ALL = ("subscribe_all", "resend_all", "ask_manage")
# Counts whatever is posted; the others have nothing to press.
TAKES_ALL = {"subscribers:unsubscribe"}
ONLY_SHOWN = {"read", "subscribers:manage", "subscribers:manage_download"}
MULTIPART = "multipart/form-data; boundary=b"


def browser() -> Client:
    return Client(enforce_csrf_checks=True)


def addresses() -> dict[str, str]:
    found = every_link() | {
        f"{name} of daily": reverse(f"subscribers:{name}", args=["daily"]) for name in OPEN
    }
    return found | {name: reverse(f"subscribers:{name}") for name in OPEN_TO_ALL}


def is_framed(answer: HttpResponse) -> bool:
    return (
        "X-Frame-Options" not in answer or "frame-ancestors 'none'" not in answer["Content-Security-Policy"]
    )


def test_no_page_on_a_readers_way_needs_or_sets_a_cookie(db: None) -> None:
    tour = Tour("en")
    tour.client = browser()

    stops = [(name, answer) for name, answer in tour.stops() if name != "no token"]

    assert len(stops) > 80
    assert [name for name, answer in stops if answer.cookies or answer.status_code == 403] == ["no right"]
    assert [name for name, answer in stops if "csrf" in answer.text] == []
    assert not tour.client.cookies


def test_no_address_sets_a_cookie_or_asks_for_one_and_only_the_embedded_can_be_framed(db: None) -> None:
    visitor, found = browser(), addresses()

    answers = [
        (name, answer)
        for name, path in found.items()
        for answer in (visitor.get(path), visitor.head(path), visitor.post(path))
    ]

    assert len(found) >= 26
    assert [name for name, answer in answers if answer.cookies] == []
    assert {name for name, answer in answers if answer.status_code == 403} == {
        "read"
    }  # nothing to post there
    assert {name for name, answer in answers if is_framed(answer)} == {
        "embed of daily",
        "embed_resend of daily",
    }


@pytest.mark.parametrize("content_type", [MULTIPART, "application/x-www-form-urlencoded"])
def test_no_address_reads_what_is_too_large(db: None, content_type: str) -> None:
    """Nor does anything before it: a browser that was at the desk brings a cookie to check the form by."""
    visitor, body = browser(), b"a=" + b"a" * LARGEST
    visitor.cookies["csrftoken"] = "a" * 32

    answers = {
        name: visitor.generic("POST", path, body, content_type=content_type).status_code
        for name, path in addresses().items()
        if name not in TAKES_ALL | ONLY_SHOWN
    }

    assert set(answers.values()) == {413}, answers
