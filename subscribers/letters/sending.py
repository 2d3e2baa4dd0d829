"""Sending one letter that is due, through the `default` (transactional) mailer."""

from __future__ import annotations

from datetime import datetime, timedelta
from email.utils import make_msgid
from typing import TYPE_CHECKING

from django.core.mail import EmailMultiAlternatives
from django.db import transaction

from newsletter.site import mail_domain
from subscribers import signals
from subscribers.guard import sieges
from subscribers.letters import mailboxes
from subscribers.letters.asking import (
    MOST_NAMED,
    TELLING,
    ask,
    hold,
    is_pressed,
    known,
    last_yes,
    pair,
    pending,
)
from subscribers.letters.mailboxes import CONFIRMING
from subscribers.letters.writing import mail
from subscribers.models import Letter, Suppression, address_key

if TYPE_CHECKING:
    from newsletter.models import Newsletter
    from subscribers.letters.writing import Mail
    from subscribers.models import Subscription

Kind = Letter.Kind
# A sender that died is followed by another after this; a letter that cannot be sent is given up after a day.
LEASE = timedelta(minutes=5)
GIVE_UP_AFTER = timedelta(hours=24)
HELD_BACK = timedelta(minutes=20)  # at least, while a siege's ceiling is reached
# RFC 3834 5, and the header that keeps Exchange from answering with "out of office".
BY_A_MACHINE = {"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "OOF, AutoReply"}


def send_due(letter_id: int, *, now: datetime) -> bool:
    """Send this letter. False when it is not due, or another sender has it, or it has nothing to say any more, or
    nothing may leave at present.

    A sender that dies between the provider's yes and our note of it makes the letter go out once more after LEASE: a
    second confirmation mail is a nuisance, none at all is a lost reader. Raises what the mailer raises; the letter
    stays due.
    """
    if is_frozen():
        return False
    letter, covered = _claimed(letter_id, now=now)
    if letter is None or _is_held_back(letter, now=now):
        return False
    is_late = now - letter.asked_at >= GIVE_UP_AFTER
    words = None if is_late or _is_unwelcome(letter) else mail(letter, covered=covered)
    if words:
        compose(words, newsletter=letter.newsletter, to=_address(letter)).send(using="default")
    _finish(letter, now=now, is_sent=words is not None)
    return words is not None


def is_frozen() -> bool:
    """Whether a layer above says that this database may not send: a restored backup would send once more."""
    return any(reason for _receiver, reason in signals.letters_leave.send(Letter))


def compose(words: Mail, *, newsletter: Newsletter, to: str) -> EmailMultiAlternatives:
    headers = BY_A_MACHINE | {
        "Message-ID": make_msgid(domain=mail_domain())
    }  # Django's own would name this machine
    if words.unsubscribe_url:
        headers["List-Unsubscribe"] = f"<{words.unsubscribe_url}>"
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message = EmailMultiAlternatives(
        subject=words.subject,
        body=words.text,
        from_email=newsletter.sender,
        to=[to],
        reply_to=[newsletter.reply_to] if newsletter.reply_to else None,
        headers=headers,
    )
    message.attach_alternative(words.html, "text/html")
    return message


def _claimed(letter_id: int, *, now: datetime) -> tuple[Letter | None, list[Subscription]]:
    """Ours to send until the lease is over; with what it is to name written down, so that who asks for something else
    meanwhile is not forgotten (`_finish`)."""
    due = Letter.objects.filter(pk=letter_id, due_at__lte=now)
    found = due.select_related("subscriber", "subscription", "change").first()
    if found is None:
        return None, []
    subscriber_id, asked_at, kind = found.subscriber_id, found.asked_at, found.kind
    # A mailer that refuses is asked less and less often: after 5 minutes, and in the end after hours.
    changes: dict[str, object] = {"due_at": now + max(LEASE, (now - asked_at) / 2)}
    with transaction.atomic():
        hold(subscriber_id)
        covers = due.values_list("covers", flat=True).first() or []  # others may have joined it
        covered = known(covers) if kind in TELLING else []
        if kind in CONFIRMING:
            covered = list(pending(subscriber_id)[:MOST_NAMED])
            changes["covers"] = [pair(each) for each in covered]
        free = _free_at(found, now=now)
        is_ours = due.update(**(changes if free <= now else {"due_at": free, "asked_at": free}))
        if not is_ours or free > now:
            return None, []
    letter = (
        Letter.objects.filter(pk=letter_id)
        .select_related(
            "subscriber", "newsletter", "subscription__newsletter", "subscription__subscriber", "change"
        )
        .first()
    )
    if letter is None:  # its person was erased in this moment, or the wish called off
        return None, []
    # The newsletter that writes stands first.
    return letter, sorted(covered, key=lambda each: each.newsletter_id != letter.newsletter_id)


def _free_at(letter: Letter, *, now: datetime) -> datetime:
    """Now, where its mailbox may have it; written down as leaving."""
    to = _address(letter)
    is_free = letter.kind == Kind.WELCOME and letter.subscription and is_pressed(letter.subscription)
    if is_free or not to:
        return now
    yes = last_yes(letter.subscriber_id)
    return mailboxes.take(Kind(letter.kind), to, letter_id=letter.pk, now=now, yes=yes)


def _is_held_back(letter: Letter, *, now: datetime) -> bool:
    """A flood of sign-ups makes letters wait, not vanish: the mailer is not what refuses, so nothing is given up."""
    if letter.kind not in sieges.HELD_BACK or sieges.may_send(letter.newsletter_id, now=now):
        return False
    _give_back(letter, now=now)
    later = now + HELD_BACK + timedelta(seconds=letter.pk % 1800)
    Letter.objects.filter(pk=letter.pk, due_at__isnull=False).update(due_at=later, asked_at=later)
    return True


def _is_unwelcome(letter: Letter) -> bool:
    """Who reported us as spam is never written to; to an address that bounced, or wanted nothing any more, only what
    it may confirm, and the link to its own rights."""
    is_elsewhere = letter.kind == Kind.NEW_ADDRESS and letter.change
    key = address_key(_address(letter)) if is_elsewhere else letter.subscriber.address_key
    found = Suppression.objects.filter(address_key=key)
    if letter.kind in {*CONFIRMING, Kind.MANAGE, Kind.NEW_ADDRESS, Kind.OLD_ADDRESS}:
        found = found.exclude(reason__in=Suppression.LIFTED_BY_CONFIRMING)
    return found.exists()


def _address(letter: Letter) -> str:
    is_elsewhere = letter.kind == Kind.NEW_ADDRESS and letter.change
    return letter.change.new_email if is_elsewhere and letter.change else letter.subscriber.email


def _give_back(letter: Letter, *, now: datetime) -> None:
    if to := _address(letter):
        mailboxes.give_back(to, letter_id=letter.pk, now=now)


def _finish(letter: Letter, *, now: datetime, is_sent: bool) -> None:
    with transaction.atomic():
        hold(letter.subscriber_id)
        if not is_sent:
            _give_back(letter, now=now)
        sent = {"sent_at": now} if is_sent else {}
        Letter.objects.filter(pk=letter.pk).update(due_at=None, **sent)
        if letter.kind in CONFIRMING:
            missed = (each for each in pending(letter.subscriber_id) if pair(each) not in letter.covers)
            if (first := next(missed, None)) is not None:  # asked for while this one was on its way
                ask(Kind.CONFIRMATION, first, now=now)
