"""A reader's own language, from the form to the last page, whatever the newsletter speaks."""

from __future__ import annotations

import re

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone
from lxml import html

from newsletter.models import Newsletter
from subscribers import letters, sign_ups, tokens
from subscribers.models import ConsentEvent, Letter, SignUp, Subscriber
from tests import factories


def speaks(page: str) -> str | None:
    return html.document_fromstring(page).get("lang")


def test_korean_reader_of_an_english_newsletter_meets_korean_all_the_way(
    daily: Newsletter, client: Client
) -> None:
    page = client.get("/daily/subscribe/?language=ko").text
    action = html.document_fromstring(page).forms[0].action

    answer = client.post(action, {"email": "minji@example.com"})
    sign_ups.take_in(SignUp.objects.get().pk)
    letters.send_due(Letter.objects.get().pk, now=timezone.now())
    (message,) = mail.outbox
    link = re.search(r"/s/confirm/\S+", message.body)
    assert link
    asked, confirmed = client.get(link[0]), client.post(link[0])
    left = client.get(
        f"/s/unsubscribe/{tokens.unsubscribe_token(Subscriber.objects.get().subscriptions.get().pk)}"
    )

    pages = [page, answer.text, asked.text, confirmed.text, left.text]
    assert [speaks(each) for each in pages] == ["ko"] * 5
    assert message.subject == "구독을 확인해 주세요: The Daily"
    assert Subscriber.objects.get().language == "ko"
    assert ConsentEvent.objects.get(kind="confirmed").language == "ko"


@pytest.mark.parametrize("query", ["", "?language=en", "?language=pt"])
def test_newsletters_own_language_is_nobodys_choice(daily: Newsletter, client: Client, query: str) -> None:
    client.post(f"/daily/subscribe/{query}", {"email": "ada@example.com"}, headers={"Accept-Language": "de"})
    sign_ups.take_in(SignUp.objects.get().pk)

    assert Subscriber.objects.get().language == ""


def test_reader_who_changes_their_language_is_spoken_to_in_it_at_once(
    daily: Newsletter, client: Client
) -> None:
    ada = factories.subscription(daily, "ada@example.com").subscriber
    path = f"/s/manage/{tokens.manage_token(ada)}/"

    answer = client.post(f"{path}you/?language=de", {"first_name": "", "language": "ar"}, follow=True)

    assert speaks(answer.text) == "ar"


def test_letter_speaks_the_readers_language_and_page_behind_it_too(daily: Newsletter, client: Client) -> None:
    Newsletter.objects.update(language="de")
    ada = factories.subscription(Newsletter.objects.get(), "ada@example.com")
    path = f"/s/unsubscribe/{tokens.unsubscribe_token(ada.pk)}"

    before = client.get(path, headers={"Accept-Language": "fr"})
    Subscriber.objects.update(language="es")
    after = client.get(path, headers={"Accept-Language": "fr"})

    assert [speaks(page.text) for page in (before, after)] == ["de", "es"]
    assert "/daily/subscribe/?language=es" in client.post(path).text
