"""What readers arrange for themselves, once a link in their own mailbox has shown that it is they."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from newsletter.models import Newsletter
from subscribers import consent, letters, lifecycle, resting
from subscribers.models import Letter, SignUp, Subscriber, Subscription, Suppression

if TYPE_CHECKING:
    from datetime import datetime

    from subscribers.consent import Circumstances

Status = Subscription.Status
Kind = consent.Kind
# Whose newsletter writes, where a person has several: one they get speaks to them before one they left.
STANDING = [Status.UNSUBSCRIBED, Status.PENDING, Status.PAUSED, Status.ACTIVE]


def note_wish(email: str, *, newsletter: Newsletter | None, circumstances: Circumstances) -> SignUp:
    """Somebody typed this address to be mailed its link. One row whoever it is, known or not; a worker looks.

    A sign-up for no newsletter is such a wish (`sign_ups.take_in`). `email` is canonical; `newsletter`: at whose page.
    """
    return SignUp.objects.create(
        email=email,
        newsletters={},
        source={"newsletter": newsletter.pk} if newsletter else {},
        language=circumstances.language,
        network=circumstances.network,
        agent=circumstances.agent,
        posted_at=timezone.now(),
    )


def grant(wish: SignUp) -> None:
    """A mail with the link is due, if we know the address. Who is not known hears nothing: it would be a weapon."""
    subscriber = Subscriber.objects.filter(email=wish.email).first()
    if subscriber:
        mail_link(subscriber, newsletter_id=wish.source.get("newsletter"))


def mail_link(subscriber: Subscriber, *, newsletter_id: int | None = None) -> None:
    """Or the mail to confirm, for whom nothing was ever confirmed: it says all there is, and is limited.

    At once, or when the address's cool-down is over. The caller calls `tasks.wake` then."""
    if speaker := speaks_to(subscriber, newsletter_id=newsletter_id):
        ask_for_link(speaker)


def ask_for_link(speaker: Subscription) -> None:
    theirs = Subscription.objects.filter(subscriber=speaker.subscriber_id)
    is_proved = theirs.exclude(status=Status.PENDING, confirmed_at=None).exists()
    kind = Letter.Kind.MANAGE if is_proved else Letter.Kind.CONFIRMATION
    letters.ask(kind, speaker, now=timezone.now())


def speaks_to(subscriber: Subscriber, *, newsletter_id: int | None = None) -> Subscription | None:
    """In whose name a person is written to about all they have; `newsletter_id`: this one, if they have it."""
    theirs = Subscription.objects.with_both().filter(subscriber=subscriber)
    return max(
        theirs,
        key=lambda each: (
            each.newsletter_id == newsletter_id,
            STANDING.index(Status(each.status)),
            -each.pk,
        ),
        default=None,
    )


def not_had_by(subscriber: Subscriber) -> list[Newsletter]:
    had = Subscription.objects.filter(subscriber=subscriber, newsletter=OuterRef("pk"))
    others = Newsletter.objects.exclude(Exists(had)).prefetch_related("usual_times")
    return list(others.order_by("name", "pk"))


def as_begun_here(newsletter: Newsletter) -> Newsletter:
    """To ask for its words (wordings): the mailed link has proved the address, so it begins without another mail."""
    asked_here = copy(newsletter)
    asked_here.confirms_by_mail = False
    return asked_here


def suppression_of(subscriber: Subscriber) -> Suppression | None:
    return Suppression.objects.filter(address_key=subscriber.address_key).first()


def begin(
    subscriber: Subscriber,
    newsletter: Newsletter,
    *,
    wording_id: int | None,
    circumstances: Circumstances,
) -> Subscription | None:
    """From now on they get it: for the first time, again, or confirmed here. Pressed twice, it is done once.

    The mailed link has proved the address, so nothing is left to confirm. None for whom a complaint keeps out: only a
    person may lift that.
    """
    with transaction.atomic():
        # The lock makes two presses take turns; the address is the one they have now.
        subscriber = Subscriber.objects.select_for_update(no_key=True).get(pk=subscriber.pk)
        found = suppression_of(subscriber)
        if found and found.reason not in Suppression.LIFTED_BY_CONFIRMING:
            return None
        subscription = Subscription.objects.filter(subscriber=subscriber, newsletter=newsletter).first()
        status = subscription.status if subscription else Status.UNSUBSCRIBED
        is_asked_anew = status == Status.UNSUBSCRIBED or (found is not None and status != Status.PENDING)
        if subscription is None or is_asked_anew:
            wish = lifecycle.Wish(wording_id=wording_id)
            subscription = lifecycle.subscribe(
                newsletter, email=subscriber.email, wish=wish, circumstances=circumstances
            )
        elif status == Status.PENDING:  # asked at a form, agreed to here: these are the words that count
            consent.note(Kind.ASKED, subscription, circumstances, at=timezone.now(), wording_id=wording_id)
        lifecycle.confirm(subscription, generation=subscription.generation, circumstances=circumstances)
    return subscription


def arrange(
    subscription: Subscription,
    *,
    frequency: Subscription.Frequency | None,
    until: datetime | None,
    circumstances: Circumstances,
) -> None:
    """So often, or nothing until then (aware). What is so already is not written down again."""
    if until:
        if subscription.paused_until != until:
            resting.pause(subscription, until=until, circumstances=circumstances)
    elif frequency and (subscription.status, subscription.frequency) != (Status.ACTIVE, frequency):
        resting.choose(subscription, frequency, circumstances=circumstances)


def introduce(
    subscriber: Subscriber, *, first_name: str, language: str, circumstances: Circumstances
) -> None:
    """Their name, and what we speak to them; `language` is "" where each newsletter shall speak its own."""
    with transaction.atomic():
        row = Subscriber.objects.filter(pk=subscriber.pk)
        row.update(first_name=first_name)
        if row.exclude(language=language).update(language=language):
            details = {"chosen": language}
            consent.note(Kind.LANGUAGE, subscriber, circumstances, at=timezone.now(), details=details)
    subscriber.refresh_from_db()
