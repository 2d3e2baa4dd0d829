"""Letters to nobody: as an editor sees them before a reader does. Their buttons lead to a page that says so."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from django.utils import timezone

from newsletter.locale import spoken_by
from subscribers import tokens
from subscribers.letters import writing
from subscribers.models import Letter, Subscriber, Subscription

if TYPE_CHECKING:
    from collections.abc import Callable

    from newsletter.models import Newsletter
    from subscribers.letters.words import Words
    from subscribers.letters.writing import Ends, Mail

Kind = Letter.Kind


def sample(kind: Kind, newsletter: Newsletter, *, said: Words, language: str) -> Mail:
    nobody = _nobody(newsletter)
    with spoken_by(newsletter, language=language):
        ends = ENDS[kind](nobody)
        if kind != Kind.WELCOME:  # whose button leads to the newsletter's own page, for everybody
            ends = replace(ends, url=writing.asks_for_a_yes(newsletter, [nobody]).url)
        return writing.put(said, newsletter, ends)


def _nobody(newsletter: Newsletter) -> Subscription:
    """Saved nowhere."""
    person = Subscriber(pk=tokens.NOBODY, email="you@example.com", address_key="0" * 64)
    return Subscription(
        pk=tokens.NOBODY,
        subscriber=person,
        newsletter=newsletter,
        unsubscribed_at=timezone.now(),
    )


ENDS: dict[Kind, Callable[[Subscription], Ends]] = {
    Kind.CONFIRMATION: lambda nobody: writing.asks_for_a_yes(nobody.newsletter, [nobody]),
    Kind.REMINDER: lambda nobody: writing.reminds(nobody.newsletter, [nobody]),
    Kind.WELCOME: writing.welcomes,
    Kind.KNOWN: writing.knows,
    Kind.GOODBYE: writing.says_goodbye,
}
