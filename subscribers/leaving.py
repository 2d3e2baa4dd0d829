"""Leaving by a link, and what is kept of it: how, from where, and how long after the mail."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from enum import StrEnum
from itertools import islice
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils import timezone

from subscribers import letters, lifecycle, signals, tokens
from subscribers.consent import Method
from subscribers.models import Letter, Subscriber, Subscription, unloaded_subscription

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from subscribers.consent import Circumstances

MOST_TRIED = 20  # tokens in one mail; ours has one


def leave(subscription: Subscription, *, via: str, circumstances: Circumstances) -> bool:
    """As lifecycle.unsubscribe, with the seconds since the mail; and a goodbye mail to whoever left by the page, if the
    newsletter says goodbye.

    Only then: who leaves by their mail program, or by a mail, has shown that it is their own mailbox. Somebody else may
    have pressed the button in a forwarded mail. The caller wakes a worker. A goodbye that is lost between the two
    transactions costs nothing but itself.
    """
    was = subscription.status
    if was == Subscription.Status.UNSUBSCRIBED and not subscription.left_as:
        return False
    now = timezone.now()
    circumstances = _with_seconds(circumstances, subscription.pk, via=via, now=now)
    has_left = lifecycle.unsubscribe(subscription, via=via, circumstances=circumstances)
    # Who had never confirmed, or had left before, is not written to.
    if has_left and circumstances.method == Method.LINK and was in Subscription.READING:
        _say_goodbye(subscription, now=now)
    return has_left


def _say_goodbye(subscription: Subscription, *, now: datetime) -> None:
    """Unless they were deleted since they left: then there is nobody to write to."""
    if not subscription.newsletter.says_goodbye:
        return
    person = Subscriber.objects.filter(pk=subscription.subscriber_id)
    with transaction.atomic():
        if person.select_for_update(no_key=True).first():
            letters.ask(Letter.Kind.GOODBYE, subscription, now=now)


def leave_at_once(claim: tokens.UnsubscribeClaim, *, circumstances: Circumstances) -> bool:
    """The same for a mail program's one click, which no goodbye follows. Hundreds come in a second when an issue is
    out: nothing is loaded that is not written down."""
    subscription = unloaded_subscription(claim.subscription_id)
    circumstances = _with_seconds(circumstances, subscription.pk, via=claim.mark, now=timezone.now())
    return lifecycle.unsubscribe(subscription, via=claim.mark, circumstances=circumstances)


class ByMail(StrEnum):
    """What became of a mail to the unsubscribe address."""

    LEFT = "left"
    HAD_LEFT = "had left before"
    NOBODY = "of nobody we hold"
    NO_LINK = "without a link of ours"


def by_mail(texts: Iterable[str], *, circumstances: Circumstances) -> ByMail:
    """Whoever writes: the token in the mail is the key, as it is in the link. `texts`: its subject, then its bodies.

    An address alone opens nothing, since anybody can write any address into a From.
    """
    claim = next(filter(None, map(_claim, texts)), None)
    if claim is None:
        return ByMail.NO_LINK
    subscription = Subscription.objects.with_both().filter(pk=claim.subscription_id).first()
    if subscription is None:
        return ByMail.NOBODY
    has_left = leave(subscription, via=claim.mark, circumstances=circumstances)
    return ByMail.LEFT if has_left else ByMail.HAD_LEFT


def _claim(text: str) -> tokens.UnsubscribeClaim | None:
    """The first that is ours: a mail may quote others."""
    for found in islice(tokens.IN_TEXT.finditer(text), MOST_TRIED):
        with suppress(tokens.InvalidToken):
            return tokens.read_unsubscribe(found[0])
    return None


def _with_seconds(
    circumstances: Circumstances, subscription_id: int, *, via: str, now: datetime
) -> Circumstances:
    """Since the mail whose link was used, where anybody knows when it went out."""
    if not via:
        return circumstances
    answers = signals.when_mailed.send(Subscription, subscription_id=subscription_id, via=via)
    mailed_at: Any = next((answer for _, answer in answers if answer is not None), None)
    if mailed_at is None:
        return circumstances
    seconds = max(0, int((now - mailed_at).total_seconds()))
    return replace(circumstances, details={**circumstances.details, "seconds": seconds})
