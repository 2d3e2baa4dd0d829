from __future__ import annotations

from datetime import timedelta

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from newsletter.models import Newsletter
from subscribers import emails, tokens
from subscribers.models import Subscriber, Subscription
from tests import factories

Status = Subscription.Status


@pytest.fixture
def browser() -> Client:
    return Client(enforce_csrf_checks=True)


def status_of(subscription: Subscription) -> str:
    subscription.refresh_from_db()
    return subscription.status


def test_sign_up_answers_the_same_for_everybody(daily: Newsletter, browser: Client) -> None:
    factories.cast(daily)
    emails_typed = ["new@example.com", "ada@example.com", "bob@example.com", "cleo@example.com"]

    answers = [browser.post("/daily/subscribe/", {"email": email}) for email in emails_typed]

    assert {(answer.status_code, answer["Location"], answer.content) for answer in answers} == {
        (302, "/daily/subscribe/check-inbox/", b"")
    }
    assert all(not answer.cookies for answer in answers)


def test_sign_up_with_a_typo_shows_it_at_the_field_and_keeps_the_text(
    daily: Newsletter, browser: Client
) -> None:
    answer = browser.post("/daily/subscribe/", {"email": "ada@example", "first_name": "Ada"})

    assert answer.status_code == 422
    assert "check it for typos" in answer.text
    assert 'value="ada@example"' in answer.text
    assert not Subscriber.objects.exists()


def test_sign_up_by_a_machine_is_answered_and_forgotten(daily: Newsletter, browser: Client) -> None:
    answer = browser.post("/daily/subscribe/", {"email": "bot@example.com", "website": "http://spam.example"})

    assert answer.status_code == 302
    assert not Subscriber.objects.exists()


def test_sign_up_to_confirmation_by_the_link_in_the_mail(daily: Newsletter) -> None:
    browser = Client()
    browser.post("/daily/subscribe/", {"email": "Ada@Example.com"})
    ada = Subscription.objects.get()

    assert emails.send_due(ada.pk, now=timezone.now()) is True
    assert emails.send_due(ada.pk, now=timezone.now()) is False
    (message,) = mail.outbox
    link = next(word for word in message.body.split() if "/s/confirm/" in word)
    path = link.removeprefix("http://testserver")

    assert message.to == ["ada@example.com"]
    assert link in message.alternatives[0].content
    assert "List-Unsubscribe" not in message.extra_headers
    assert message.extra_headers["Message-ID"].endswith("@testserver>")
    assert (browser.get(path).status_code, browser.head(path).status_code, status_of(ada)) == (
        200,
        200,
        Status.PENDING,
    )
    assert (browser.post(path).status_code, status_of(ada)) == (200, Status.ACTIVE)
    assert (browser.post(path).status_code, status_of(ada)) == (200, Status.ACTIVE)


def test_known_reader_who_signs_up_again_gets_a_friendly_mail(daily: Newsletter) -> None:
    ada, *_ = factories.cast(daily)
    Client().post("/daily/subscribe/", {"email": "ada@example.com"})

    emails.send_due(ada.pk, now=timezone.now())

    (message,) = mail.outbox
    assert "/s/unsubscribe/" in message.body
    assert "/s/confirm/" not in message.body
    assert status_of(ada) == Status.ACTIVE


def test_mail_that_cannot_be_sent_stays_due(daily: Newsletter, monkeypatch: pytest.MonkeyPatch) -> None:
    _, bob, _ = factories.cast(daily)
    now = timezone.now()
    Subscription.objects.filter(pk=bob.pk).update(mail_due_at=now)
    monkeypatch.setattr("django.core.mail.backends.locmem.EmailBackend.send_messages", _refuse)

    with pytest.raises(OSError, match="no route"):
        emails.send_due(bob.pk, now=now)

    assert Subscription.objects.mail_due(now + emails.LEASE).count() == 1
    assert Subscription.objects.mail_due(now + emails.LEASE - timedelta(seconds=1)).count() == 0


def _refuse(*args: object) -> None:
    raise OSError("no route to the mail server")


def test_confirm_link_that_expired_offers_a_new_one(
    daily: Newsletter, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, bob, _ = factories.cast(daily)
    token = tokens.confirm_token(bob)
    later = (timezone.now() + tokens.CONFIRM_LIFE + timedelta(minutes=1)).timestamp()
    monkeypatch.setattr("django.core.signing.time.time", lambda: later)

    answer = Client().post(f"/s/confirm/{token}/")

    assert answer.status_code == 410
    assert "/daily/subscribe/" in answer.text
    assert status_of(bob) == Status.PENDING


@pytest.mark.parametrize("purpose", ["confirm", "unsubscribe"])
def test_altered_link_is_a_neutral_page_and_changes_nothing(daily: Newsletter, purpose: str) -> None:
    ada, bob, _ = factories.cast(daily)
    token = {"confirm": tokens.confirm_token(bob), "unsubscribe": tokens.unsubscribe_token(ada.pk)}[purpose]
    other = {"confirm": tokens.unsubscribe_token(ada.pk), "unsubscribe": tokens.confirm_token(bob)}[purpose]

    answers = [Client().post(f"/s/{purpose}/{changed}/") for changed in (token[:-2], "1" + token, other, "x")]

    assert {answer.status_code for answer in answers} == {404}
    assert not any("example.com" in answer.text for answer in answers)
    assert (status_of(ada), status_of(bob)) == (Status.ACTIVE, Status.PENDING)


def test_unsubscribe_page_changes_nothing_until_its_button_is_pressed(
    daily: Newsletter, browser: Client
) -> None:
    ada, *_ = factories.cast(daily)
    path = f"/s/unsubscribe/{tokens.unsubscribe_token(ada.pk, mark='1')}"

    looked = [browser.get(path), browser.head(path), browser.get(path + "/"), browser.options(path)]

    assert [answer.status_code for answer in looked] == [200, 200, 200, 405]
    assert "ada@example.com" not in looked[0].text
    assert "a…@e….com" in looked[0].text
    assert status_of(ada) == Status.ACTIVE
    assert (browser.post(path).status_code, status_of(ada)) == (200, Status.UNSUBSCRIBED)
    assert (browser.post(path).status_code, status_of(ada)) == (200, Status.UNSUBSCRIBED)


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize(
    "content_type", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=b"]
)
def test_one_click_post_acts_without_page_cookie_or_redirect(
    daily: Newsletter, browser: Client, slash: str, content_type: str
) -> None:
    ada, *_ = factories.cast(daily)
    path = f"/s/unsubscribe/{tokens.unsubscribe_token(ada.pk)}{slash}"
    multipart = (
        b'--b\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--b--\r\n'
    )
    body = b"List-Unsubscribe=One-Click" if "urlencoded" in content_type else multipart

    answers = [browser.generic("POST", path, body, content_type=content_type) for _ in range(2)]

    assert [(answer.status_code, answer.content, answer.cookies.output()) for answer in answers] == [
        (200, b"", "")
    ] * 2
    assert status_of(ada) == Status.UNSUBSCRIBED


def test_unsubscribe_link_of_a_deleted_reader_is_a_calm_page(daily: Newsletter) -> None:
    ada, *_ = factories.cast(daily)
    path = f"/s/unsubscribe/{tokens.unsubscribe_token(ada.pk)}"
    ada.subscriber.delete()

    assert [Client().get(path).status_code, Client().post(path).status_code] == [200, 200]
