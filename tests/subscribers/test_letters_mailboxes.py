"""One mailbox is not flooded: whoever asks, in whatever spelling, under whatever pretext."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from django.core import mail
from django.utils import timezone

from newsletter.models import Newsletter
from subscribers import changing_address, letters, lifecycle, managing
from subscribers.consent import Circumstances, Method
from subscribers.guard import sieges
from subscribers.letters import mailboxes
from subscribers.models import Letter, Mailbox, Siege, Subscription
from tests import factories
from tests.subscribers.together import together

Kind = Letter.Kind
HOUR, DAY = mailboxes.COOL_DOWN, mailboxes.DAY
VICTIM = "victim@example.org"
FORM, LINK = Circumstances(Method.FORM), Circumstances(Method.LINK)


@pytest.fixture
def besieged(daily: Newsletter) -> Iterator[Newsletter]:
    now = timezone.now()
    Siege.objects.create(newsletter=daily, began_at=now, last_seen_at=now, usual=50, most=500)
    sieges.forget()
    yield daily
    sieges.forget()


def send(*, at: datetime) -> int:
    due = Letter.objects.due(at).values_list("pk", flat=True)
    return sum(letters.send_due(pk, now=at) for pk in list(due))


def over_a_day(*, since: datetime) -> list[int]:
    """How many leave in each hour of it."""
    return [send(at=since + hour * HOUR) for hour in range(24)]


def accounts(newsletter: Newsletter, count: int) -> list[Subscription]:
    return [factories.subscription(newsletter, f"eve{number}@example.com") for number in range(count)]


def to(address: str) -> int:
    return sum(message.to == [address] for message in mail.outbox)


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("ada@example.com", "ada+news@example.com", True),
        ("ada.l@gmail.com", "adal+x@googlemail.com", True),
        ("a.da@example.com", "ada@example.com", False),
        ("+ada@example.com", "+bob@example.com", False),
        ("ada@example.com", "ada@example.org", False),
    ],
)
def test_mailbox_is_known_under_its_other_spellings(one: str, other: str, is_same: bool) -> None:
    assert (mailboxes.key_of(one) == mailboxes.key_of(other)) is is_same


def test_twelve_accounts_that_name_one_mailbox_send_it_three_mails_a_day(daily: Newsletter) -> None:
    now = timezone.now()
    for each in accounts(daily, 12):
        changing_address.ask(each.subscriber, new_email=VICTIM, now=now)

    at_once = send(at=now)

    assert (at_once, to(VICTIM)) == (12 + 1, 1)  # each of the twelve is asked in their own mailbox, too
    over_a_day(since=now)
    assert to(VICTIM) == 3


def test_wish_that_is_called_off_and_made_anew_sends_no_further_mail(daily: Newsletter) -> None:
    now = timezone.now()
    (eve,) = accounts(daily, 1)

    for minute in range(0, 24 * 60, 20):
        at = now + timedelta(minutes=minute)
        changing_address.ask(eve.subscriber, new_email=VICTIM, now=at)
        send(at=at)
        changing_address.call_off(eve.subscriber, now=at)

    assert to(VICTIM) <= 3
    assert to("eve0@example.com") <= 5


def test_reader_asks_three_mailboxes_of_others_a_day(daily: Newsletter) -> None:
    now = timezone.now()
    (eve,) = accounts(daily, 1)

    for hour in range(23):
        changing_address.ask(eve.subscriber, new_email=f"v{hour}@example.org", now=now + hour * HOUR)
        send(at=now + hour * HOUR)

    assert sum(message.to[0].endswith("@example.org") for message in mail.outbox) == 3


def test_account_that_was_deleted_and_made_anew_does_not_begin_at_nought(daily: Newsletter) -> None:
    now = timezone.now()
    for _ in range(6):
        (eve,) = accounts(daily, 1)
        changing_address.ask(eve.subscriber, new_email=VICTIM, now=now)
        send(at=now)
        lifecycle.erase(eve.subscriber)

    assert to(VICTIM) == 1


def test_mail_to_confirm_and_question_of_a_change_share_their_hour(daily: Newsletter) -> None:
    now = timezone.now()
    lifecycle.subscribe(daily, email=VICTIM, circumstances=FORM)
    changing_address.ask(accounts(daily, 1)[0].subscriber, new_email=VICTIM, now=now)

    send(at=now + timedelta(minutes=1))

    assert to(VICTIM) == 1


def test_spellings_of_one_mailbox_get_their_mails_one_after_the_other(daily: Newsletter) -> None:
    now = timezone.now()
    for number in range(10):
        lifecycle.subscribe(daily, email=f"vic.tim+{number}@gmail.com", circumstances=FORM)

    left = over_a_day(since=now + timedelta(minutes=1))

    assert left[:4] == [1, 1, 1, 0]
    assert sum(left) == 3
    assert Letter.objects.filter(due_at__isnull=False).count() == 7  # due later, and none is lost


def test_stranger_makes_us_send_five_mails_a_day_at_most(daily: Newsletter) -> None:
    now = timezone.now()
    weekly = factories.newsletter("weekly")
    factories.subscription(daily, VICTIM)
    eve = accounts(daily, 1)[0].subscriber

    for hour in range(24):
        at = now + hour * HOUR
        changing_address.ask(eve, new_email=VICTIM, now=at)
        for newsletter in (daily, weekly):
            lifecycle.subscribe(newsletter, email=VICTIM, circumstances=FORM)
        managing.mail_link(Subscription.objects.get(newsletter=daily, subscriber__email=VICTIM).subscriber)
        send(at=at)

    assert to(VICTIM) == 5


def test_who_never_confirmed_gets_the_mail_to_confirm_and_no_link(daily: Newsletter) -> None:
    bob = factories.subscription(daily, "bob@example.com", status="pending")

    managing.mail_link(bob.subscriber)
    managing.mail_link(bob.subscriber)

    assert Letter.objects.get().kind == Kind.CONFIRMATION


def test_sign_up_to_eight_newsletters_without_confirming_is_welcomed_by_one_mail(db: None) -> None:
    for number in range(8):
        newsletter = factories.newsletter(f"n{number}", name=f"The No. {number}", confirms_by_mail=False)
        lifecycle.subscribe(newsletter, email=VICTIM, circumstances=FORM)

    send(at=timezone.now())

    (message,) = mail.outbox
    assert all(f"The No. {number}" in message.body for number in range(8))
    assert Subscription.objects.filter(status="active").count() == 8


def test_newsletter_begun_within_the_hour_is_welcomed_after_it(db: None) -> None:
    one, other = (factories.newsletter(name, confirms_by_mail=False) for name in ("one", "other"))
    lifecycle.subscribe(one, email=VICTIM, circumstances=FORM)
    now = timezone.now()
    send(at=now)
    lifecycle.subscribe(other, email=VICTIM, circumstances=FORM)

    assert (send(at=now + timedelta(minutes=59)), send(at=now + HOUR)) == (0, 1)


def test_own_press_is_welcomed_at_once_for_each_newsletter(daily: Newsletter) -> None:
    for newsletter in (daily, factories.newsletter("weekly")):
        bob = factories.subscription(newsletter, "bob@example.com", status="pending")
        lifecycle.confirm(bob, generation=1, circumstances=LINK)

    assert send(at=timezone.now()) == 2


def test_siege_asks_everybody_to_confirm(besieged: Newsletter) -> None:
    besieged.confirms_by_mail = False
    besieged.save()

    asked = lifecycle.subscribe(besieged, email=VICTIM, circumstances=FORM)

    assert (asked.status, Letter.objects.get().kind) == ("pending", Kind.CONFIRMATION)


def test_ceiling_of_a_siege_counts_and_holds_links_to_manage(
    besieged: Newsletter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sieges, "ceiling", lambda _usual: 2)
    now = timezone.now()
    for each in accounts(besieged, 4):
        managing.mail_link(each.subscriber)

    assert (send(at=now + timedelta(seconds=1)), len(mail.outbox)) == (2, 2)
    assert sum(len(box.written) for box in Mailbox.objects.all()) == 2  # what waits counts for nothing


def test_link_that_was_asked_for_comes_though_they_leave_meanwhile(daily: Newsletter) -> None:
    ada = factories.subscription(daily, "ada@example.com")
    lifecycle.subscribe(daily, email="ada@example.com", circumstances=FORM)
    managing.mail_link(ada.subscriber)
    lifecycle.unsubscribe(ada)

    assert send(at=timezone.now()) == 1
    assert "/s/manage/" in mail.outbox[0].body


def test_leaving_and_coming_back_all_day_makes_few_goodbyes(daily: Newsletter) -> None:
    now = timezone.now()
    ada = factories.subscription(daily, "ada@example.com")
    for hour in range(24):
        lifecycle.unsubscribe(ada, circumstances=LINK)
        ada.refresh_from_db()
        letters.ask(Kind.GOODBYE, ada, now=now + hour * HOUR)
        send(at=now + hour * HOUR)
        Subscription.objects.update(status="active", unsubscribed_at=None, left_as="")
        ada.refresh_from_db()

    assert len(mail.outbox) == 5


def test_mail_that_the_mailer_refused_does_not_stand_in_its_own_way(
    daily: Newsletter, monkeypatch: pytest.MonkeyPatch
) -> None:
    lifecycle.subscribe(daily, email=VICTIM, circumstances=FORM)
    letter, now = Letter.objects.get(), timezone.now()
    with monkeypatch.context() as broken:
        broken.setattr("subscribers.letters.sending.mail", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            letters.send_due(letter.pk, now=now)

    assert letters.send_due(letter.pk, now=now + timedelta(minutes=6)) is True


def test_what_a_mailbox_was_sent_is_forgotten_after_two_days(daily: Newsletter) -> None:
    lifecycle.subscribe(daily, email=VICTIM, circumstances=FORM)
    now = timezone.now()
    send(at=now)

    letters.forget_sent(now=now + timedelta(days=1))
    kept = Mailbox.objects.count()
    letters.forget_sent(now=now + timedelta(days=2, seconds=1))

    assert (kept, Mailbox.objects.count()) == (1, 0)


@pytest.mark.django_db(transaction=True)
def test_workers_that_send_to_one_mailbox_in_the_same_moment_send_one_mail() -> None:
    now = timezone.now()
    for each in accounts(factories.newsletter(), 8):
        changing_address.ask(each.subscriber, new_email=VICTIM, now=now)
    due = list(Letter.objects.filter(kind=Kind.NEW_ADDRESS).values_list("pk", flat=True))

    told = together(*(lambda pk=pk: letters.send_due(pk, now=now) for pk in due))

    assert (len(due), sorted(told)) == (8, [False] * 7 + [True])
    assert to(VICTIM) == 1
