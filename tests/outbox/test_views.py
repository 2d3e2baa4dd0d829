from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.urls import reverse

from outbox import mailbox
from tests.outbox.letters import LEAVE, issue

if TYPE_CHECKING:
    from django.test import Client
    from pytest_django.fixtures import Settings

HOSTILE = '<script>alert(1)</script><img src=x onerror="alert(2)">'


def sent(message: object) -> int:
    message.send()
    return mailbox.newest()[0].number


def page(client: Client, name: str, *args: int, query: str = "") -> str:
    response = client.get(reverse(f"outbox:{name}", args=args) + query)
    assert response.status_code == 200
    return response.content.decode()


def test_an_empty_outbox_says_what_will_come(client: Client) -> None:
    shown = page(client, "list")

    assert "No mail yet" in shown
    assert "Empty the outbox" not in shown


def test_the_list_shows_mails_newest_first_with_a_way_to_the_older_ones(client: Client) -> None:
    for number in range(51):
        sent(issue(subject=f"Issue {number:02}"))

    first = page(client, "list")
    second = page(client, "list", query=f"?before={mailbox.newest()[-1].number}")

    assert first.index("Issue 50") < first.index("Issue 01")
    assert ("Issue 00" in first, "Older" in first) == (False, True)
    assert ("Issue 00" in second, "Older" in second, "Newest" in second) == (True, False, True)


def test_search_narrows_the_list_and_keeps_what_was_typed(client: Client) -> None:
    sent(issue("ada@example.com", subject="Ebb"))
    sent(issue("bob@example.com", subject="Flow"))

    shown = page(client, "list", query="?q=BOB@")

    assert ("Flow" in shown, "Ebb" in shown) == (True, False)
    assert 'value="BOB@"' in shown
    assert "1 mail with" in shown


@pytest.mark.parametrize(
    "query", ["?before=x", "?before=99999999999999999999", "?before=-1", "?q=%00", "?before="]
)
def test_a_strange_address_still_gets_a_page(client: Client, query: str) -> None:
    sent(issue())

    assert "Outbox" in page(client, "list", query=query)


def test_a_mail_has_its_html_text_headers_and_source(client: Client) -> None:
    number = sent(issue(html="<h1>Only in HTML</h1>"))

    html, text, headers, source = (
        page(client, name, number) for name in ("mail", "text", "headers", "source")
    )

    assert f'src="{reverse("outbox:body", args=[number])}"' in html
    assert "Only in HTML" not in html
    assert "Only in HTML" in page(client, "body", number)
    assert "Hello in text" in text
    assert "&lt;1@tide.example&gt;" in headers
    assert "Content-Type: multipart/alternative" in source
    assert client.get(reverse("outbox:download", args=[number])).content == mailbox.find(number).source


def test_a_mail_without_html_opens_as_text(client: Client) -> None:
    number = sent(issue(html=""))

    response = client.get(reverse("outbox:mail", args=[number]), follow=True)

    assert response.redirect_chain == [(reverse("outbox:text", args=[number]), 302)]
    assert "HTML</a>" not in response.content.decode()


def test_one_click_posts_to_the_mails_own_address_and_the_policy_lets_it(client: Client) -> None:
    number = sent(issue())

    response = client.get(reverse("outbox:mail", args=[number]))

    shown = response.content.decode()
    assert f'<form method="post" action="{LEAVE}" target="_blank">' in shown
    assert '<input type="hidden" name="List-Unsubscribe" value="One-Click">' in shown
    assert "form-action 'self' http://testserver;" in response.headers["Content-Security-Policy"]
    assert "csrf" not in shown


@pytest.mark.parametrize("name", ["mail", "text", "headers", "source"])
def test_hostile_words_are_only_words(client: Client, name: str) -> None:
    message = issue(f'"{HOSTILE}"@example.com', subject=HOSTILE, html=HOSTILE, leave=f"http://x/{HOSTILE}")
    message.body = HOSTILE
    number = sent(message)

    shown = page(client, "list") + page(client, name, number)

    assert "<script" not in shown
    assert "<img" not in shown


def test_the_mails_own_page_may_do_nothing_but_show(client: Client) -> None:
    number = sent(issue(html=f"<!doctype html><html><HEAD lang=en><title>x</title></HEAD>{HOSTILE}"))

    response = client.get(reverse("outbox:body", args=[number]))

    assert response.headers["Content-Security-Policy"] == (
        "sandbox allow-popups allow-popups-to-escape-sandbox allow-top-navigation-by-user-activation; "
        "default-src 'none'; img-src * data:; style-src 'unsafe-inline'; frame-ancestors 'self'"
    )
    assert response.content.startswith(b'<!doctype html><html><HEAD lang=en><base target="_blank"><title>')


def test_emptying_takes_a_post_with_its_token(client: Client) -> None:
    sent(issue())
    client.handler.enforce_csrf_checks = True
    address = reverse("outbox:empty")

    got, forged = client.get(address).status_code, client.post(address).status_code
    kept = mailbox.count()
    token = client.get(reverse("outbox:list")).context["csrf_token"]
    emptied = client.post(address, {"csrfmiddlewaretoken": str(token)})

    assert (got, forged, kept) == (405, 403, 1)
    assert (emptied.status_code, emptied.headers["Location"], mailbox.count()) == (
        302,
        reverse("outbox:list"),
        0,
    )


@pytest.mark.parametrize("number", [7, 2**64])
def test_a_mail_that_is_not_there_is_not_found(client: Client, number: int) -> None:
    assert client.get(reverse("outbox:mail", args=[number])).status_code == 404


def test_without_an_outbox_there_are_no_pages(client: Client, settings: Settings) -> None:
    number = sent(issue())
    settings.OUTBOX_PATH = None

    names = ("mail", "text", "headers", "source", "body", "download")
    statuses = [client.get(reverse(f"outbox:{name}", args=[number])).status_code for name in names]

    assert statuses == [404] * 6
    assert client.get(reverse("outbox:list")).status_code == 404
    assert client.post(reverse("outbox:empty")).status_code == 404


def test_pages_need_no_script_and_no_style_of_their_own(client: Client) -> None:
    response = client.get(reverse("outbox:list"))

    assert response.headers["Content-Security-Policy"] == (
        "default-src 'none'; style-src 'self'; img-src 'self'; frame-src 'self'; form-action 'self' ; "
        "base-uri 'none'; frame-ancestors 'none'"
    )
    assert response.headers["Cache-Control"] == "no-store"
    assert "<style" not in response.content.decode()
    assert " style=" not in response.content.decode()
