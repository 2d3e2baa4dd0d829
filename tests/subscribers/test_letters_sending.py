"""What is mailed to one reader, by which kinds of letters, and what becomes of it when it cannot be."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.core.mail import EmailMultiAlternatives
from django.utils import timezone

from delivery import epoch
from newsletter.models import Newsletter
from subscribers import letters, lifecycle
from subscribers.consent import Circumstances, Method
from subscribers.guard import sieges
from subscribers.letters import sending
from subscribers.models import AddressChange, Letter, Siege, Subscription, Suppression
from tests import factories

Kind = Letter.Kind
Status = Subscription.Status
BY_LINK = Circumstances(Method.LINK)


def sent(kind: Kind, subscription: Subscription, **more: object) -> EmailMultiAlternatives | None:
    """The mail that this asks for; None where nothing was sent."""
    now = timezone.now()
    letter = letters.ask(kind, subscription, now=now, **more)
    if letter is None or not letters.send_due(letter.pk, now=now):
        return None
    message = mail.outbox[-1]
    assert isinstance(message, EmailMultiAlternatives)
    return message


def html(message: EmailMultiAlternatives) -> str:
    return str(message.alternatives[0].content)


def test_confirmation_is_a_plain_mail_of_one_button_and_goes_once(daily: Newsletter) -> None:
    _, bob, _ = factories.cast(daily)
    letter = letters.ask(Kind.CONFIRMATION, bob, now=timezone.now())
    assert letter is not None

    told = [letters.send_due(letter.pk, now=timezone.now()) for _ in range(2)]

    (message,) = mail.outbox
    assert isinstance(message, EmailMultiAlternatives)
    assert told == [True, False]
    assert (message.to, message.from_email) == (["bob@example.com"], "The Daily <editors@daily.example>")
    assert message.subject == "Please confirm: The Daily"
    assert message.extra_headers["Auto-Submitted"] == "auto-generated"
    assert message.extra_headers["Message-ID"].endswith("@testserver>")
    assert "List-Unsubscribe" not in message.extra_headers
    assert message.body.count("/s/confirm/") == 1
    assert len(html(message)) < 30_000
    assert daily.postal_address in html(message)
    assert daily.postal_address in message.body


def test_confirmation_holds_nothing_that_a_stranger_could_have_typed(daily: Newsletter) -> None:
    wish = lifecycle.Wish(first_name="Buy now at spam.example", fields={"town": "spam.example"})
    bob = lifecycle.subscribe(daily, email="bob@example.com", wish=wish)

    message = sent(Kind.CONFIRMATION, bob)

    assert message is not None
    assert "spam.example" not in message.subject + message.body + html(message)


def test_confirmation_names_all_that_is_pending_and_its_own_newsletter_first(daily: Newsletter) -> None:
    weekly = factories.newsletter("weekly", name="The Weekly")
    for newsletter in (weekly, daily):
        factories.subscription(newsletter, "bob@example.com", status="pending")
    bob = Subscription.objects.get(newsletter=daily)

    message = sent(Kind.CONFIRMATION, bob)

    assert message is not None
    assert "- The Daily\n- The Weekly\n" in message.body
    assert html(message).index(">The Daily</span>") < html(message).index(">The Weekly</span>")


def test_known_reader_is_told_so_with_a_link_to_manage(daily: Newsletter) -> None:
    ada, *_ = factories.cast(daily)

    message = sent(Kind.KNOWN, ada)

    assert message is not None
    assert message.subject == "You already get The Daily"
    assert "/s/manage/" in message.body
    assert "/s/unsubscribe/" in message.body
    assert "/s/confirm/" not in message.body


def test_welcome_has_the_way_out_in_its_head(daily: Newsletter) -> None:
    ada, *_ = factories.cast(daily)

    message = sent(Kind.WELCOME, ada)

    assert message is not None
    assert message.subject == "Welcome to The Daily"
    assert message.extra_headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message.extra_headers["List-Unsubscribe"].startswith("<http://testserver/s/unsubscribe/")


def test_goodbye_has_a_way_back_and_none_is_sent_where_the_newsletter_says_none(daily: Newsletter) -> None:
    ada, *_ = factories.cast(daily)
    lifecycle.unsubscribe(ada, circumstances=BY_LINK)

    message = sent(Kind.GOODBYE, ada)
    ada.newsletter.says_goodbye = False

    assert message is not None
    assert message.subject == "You have left The Daily"
    assert "/s/back/" in message.body
    assert letters.ask(Kind.GOODBYE, ada, now=timezone.now() + timedelta(days=1)) is None


def test_change_of_address_asks_both_mailboxes_and_shows_neither_to_the_other(daily: Newsletter) -> None:
    ada, *_ = factories.cast(daily)
    change = AddressChange.objects.create(
        subscriber=ada.subscriber, new_email="lovelace@example.org", asked_at=timezone.now()
    )

    to_new, to_old = (sent(kind, ada, change=change) for kind in (Kind.NEW_ADDRESS, Kind.OLD_ADDRESS))

    assert to_new is not None
    assert to_old is not None
    assert (to_new.to, to_old.to) == (["lovelace@example.org"], ["ada@example.com"])
    for message in (to_new, to_old):
        assert "lo…@e….org" in message.body
        assert "a…@e….com" in message.body
        assert not {"lovelace@example.org", "ada@example.com"} & set(message.body.split())


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (Kind.CONFIRMATION, Status.ACTIVE),
        (Kind.REMINDER, Status.UNSUBSCRIBED),
        (Kind.WELCOME, Status.UNSUBSCRIBED),
        (Kind.KNOWN, Status.PENDING),
        (Kind.GOODBYE, Status.ACTIVE),
    ],
)
def test_letter_that_has_nothing_to_say_any_more_is_not_sent(
    daily: Newsletter, kind: Kind, status: Status
) -> None:
    ada = factories.subscription(daily, "ada@example.com", status=status)

    assert sent(kind, ada) is None
    assert Letter.objects.get().due_at is None


@pytest.mark.parametrize(
    ("reason", "kind", "is_sent"),
    [
        (Suppression.Reason.COMPLAINT, Kind.CONFIRMATION, False),
        (Suppression.Reason.COMPLAINT, Kind.MANAGE, False),
        (Suppression.Reason.HARD_BOUNCE, Kind.CONFIRMATION, True),
        (Suppression.Reason.HARD_BOUNCE, Kind.MANAGE, True),
        (Suppression.Reason.REQUEST, Kind.MANAGE, True),
        (Suppression.Reason.REQUEST, Kind.WELCOME, False),
    ],
)
def test_suppressed_address_gets_only_what_it_may_confirm_and_the_way_to_its_rights(
    daily: Newsletter, reason: Suppression.Reason, kind: Kind, is_sent: bool
) -> None:
    _, bob, _ = factories.cast(daily)
    lifecycle.suppress("bob@example.com", reason=reason)

    assert (sent(kind, bob) is not None) is is_sent


def test_letter_that_cannot_be_sent_stays_due_and_is_given_up_after_a_day(
    daily: Newsletter, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, bob, _ = factories.cast(daily)
    now = timezone.now()
    letter = letters.ask(Kind.CONFIRMATION, bob, now=now)
    assert letter is not None
    monkeypatch.setattr("django.core.mail.backends.locmem.EmailBackend.send_messages", _refuse)

    with pytest.raises(OSError, match="no route"):
        letters.send_due(letter.pk, now=now)
    still_claimed = letters.send_due(letter.pk, now=now + sending.LEASE - timedelta(seconds=1))
    with pytest.raises(OSError, match="no route"):
        letters.send_due(letter.pk, now=now + timedelta(hours=10))
    letter.refresh_from_db()
    due_at = letter.due_at
    given_up = letters.send_due(letter.pk, now=now + timedelta(hours=24))

    letter.refresh_from_db()
    assert (still_claimed, given_up, due_at) == (False, False, now + timedelta(hours=15))
    assert (letter.due_at, letter.sent_at) == (None, None)


def _refuse(*args: object) -> None:
    raise OSError("no route to the mail server")


def test_nothing_leaves_a_database_that_may_not_send(
    daily: Newsletter, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, bob, _ = factories.cast(daily)
    epoch.freeze("A backup was restored.")

    frozen = sent(Kind.CONFIRMATION, bob)
    epoch.accept()

    letter = Letter.objects.get()
    assert frozen is None
    assert letters.send_due(letter.pk, now=timezone.now()) is True


def test_letters_beyond_a_sieges_ceiling_wait_and_are_not_given_up(daily: Newsletter) -> None:
    now = timezone.now()
    Siege.objects.create(newsletter=daily, began_at=now, last_seen_at=now, usual=1, most=900)
    Newsletter.objects.update(usual_sign_ups=1)
    sieges.forget()
    people = [factories.subscription(daily, f"p{n}@example.com", status="pending") for n in range(3)]

    told = [sent(Kind.CONFIRMATION, each) is not None for each in people]
    sieges.forget()

    held = Letter.objects.get(sent_at=None)
    assert told == [True, True, False]
    assert held.due_at == held.asked_at
    assert held.due_at is not None
    assert held.due_at > now + sending.HELD_BACK


def test_newsletter_asked_for_while_the_mail_was_on_its_way_gets_its_own(
    daily: Newsletter, monkeypatch: pytest.MonkeyPatch
) -> None:
    weekly = factories.newsletter("weekly")
    bob = lifecycle.subscribe(daily, email="bob@example.com")
    backend = "django.core.mail.backends.locmem.EmailBackend.send_messages"
    monkeypatch.setattr(backend, lambda *_: lifecycle.subscribe(weekly, email="bob@example.com"))
    now = timezone.now()

    letters.send_due(bob.subscriber.letters.get().pk, now=now)

    (waiting,) = Letter.objects.filter(sent_at=None)
    assert (waiting.newsletter, waiting.due_at) == (weekly, now + letters.COOL_DOWN)


def test_nothing_is_lost_that_was_asked_for_while_a_letter_had_nothing_to_say(
    daily: Newsletter, monkeypatch: pytest.MonkeyPatch
) -> None:
    weekly = factories.newsletter("weekly")
    bob = lifecycle.subscribe(daily, email="bob@example.com")
    now = timezone.now()
    Subscription.objects.update(status=Status.ACTIVE, confirmed_at=now)
    compose = sending.mail

    def late(letter: Letter, **more: Any) -> object:
        lifecycle.subscribe(weekly, email="bob@example.com")
        return compose(letter, **more)

    monkeypatch.setattr(sending, "mail", late)

    is_sent = letters.send_due(bob.subscriber.letters.get().pk, now=now)

    (waiting,) = Letter.objects.filter(due_at__isnull=False)
    assert (is_sent, waiting.newsletter) == (False, weekly)


def test_letters_speak_the_readers_language_from_right_to_left(daily: Newsletter) -> None:
    ada, *_ = factories.cast(daily)
    ada.subscriber.language = "ar"
    ada.subscriber.save(update_fields=["language"])
    lifecycle.unsubscribe(ada, circumstances=BY_LINK)

    message = sent(Kind.GOODBYE, ada)

    assert message is not None
    assert '<html lang="ar" dir="rtl"' in html(message)
