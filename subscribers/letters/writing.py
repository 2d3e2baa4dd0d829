"""From a letter that is due to what its reader gets: whom it names, where its button leads, what stands below it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from django.urls import reverse
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from newsletter.locale import spoken_by
from newsletter.rendering import Masthead
from newsletter.rendering.letter import Letter as Written
from newsletter.rendering.letter import Link, html_of, letter_html, letter_text
from newsletter.site import absolute_url
from subscribers import tokens
from subscribers.addresses import masked
from subscribers.letters.words import words
from subscribers.models import Letter, Subscription

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from newsletter.models import Newsletter
    from subscribers.letters.words import Words

Kind = Letter.Kind
Status = Subscription.Status


@dataclass(frozen=True, slots=True)
class Mail:
    """Ready to be handed to a mailer."""

    subject: str
    text: str
    html: str
    unsubscribe_url: str = ""  # for whom one is due a way out of more than this one mail


@dataclass(frozen=True, slots=True)
class Ends:
    """What is the reader's own in a letter."""

    url: str  # where the button leads
    asides: tuple[str, ...] = ()
    why: str = ""
    links: tuple[Link, ...] = ()
    named: tuple[Newsletter, ...] = ()
    spells_link_out: bool = False
    unsubscribe_url: str = ""


def mail(letter: Letter, *, covered: Sequence[Subscription] = ()) -> Mail | None:
    """In the reader's language and the newsletter's look. None when there is nothing to say any more.

    `covered`: what it is about, of `Letter.covers`, as it is now.
    """
    with spoken_by(letter.newsletter, language=letter.subscriber.language):
        ends = ENDS[Kind(letter.kind)](letter, covered)
        return (
            None
            if ends is None
            else put(words(Kind(letter.kind), letter.newsletter), letter.newsletter, ends)
        )


def put(said: Words, newsletter: Newsletter, ends: Ends) -> Mail:
    """The words and a reader's own ends put together, in the language that is active."""
    masthead = _masthead(newsletter)
    several = tuple(each.name for each in ends.named) if len(ends.named) > 1 else ()
    written = Written(
        subject=said.subject,
        preheader=said.preheader,
        heading=said.heading,
        body=html_of(said.body),
        button=Link(said.button, ends.url),
        lead=_("It is about these newsletters:"),
        names=several,
        asides=ends.asides,
        spells_link_out=ends.spells_link_out,
        why=ends.why,
        links=ends.links,
    )
    text, html = letter_text(written, masthead), letter_html(written, masthead)
    return Mail(" ".join(said.subject.split()), text, html, ends.unsubscribe_url)


def _masthead(newsletter: Newsletter) -> Masthead:
    """Without the claim of readers, which no letter makes."""
    url = absolute_url(newsletter.get_absolute_url())
    return Masthead(
        name=newsletter.name,
        tagline=newsletter.tagline,
        url=url,
        subscribe_url=f"{url}subscribe/",
        postal_address=newsletter.postal_address,
        accent=newsletter.accent,
        language=get_language() or newsletter.language,
        readers_claim="",
    )


def _confirmation(letter: Letter, covered: Sequence[Subscription]) -> Ends | None:
    return asks_for_a_yes(letter.newsletter, covered) if covered else None


def asks_for_a_yes(newsletter: Newsletter, covered: Sequence[Subscription]) -> Ends:
    hours = tokens.CONFIRM_LIFE // timedelta(hours=1)
    lasts = ngettext(
        "The button works for %(hours)s hour.", "The button works for %(hours)s hours.", hours
    ) % {"hours": hours}
    nothing = _("If you did not ask for this, do nothing: without your yes, no newsletter comes.")
    return Ends(
        url=_url("confirm", tokens.confirm_token(*covered)),
        asides=(lasts, nothing),
        why=_entered_at(newsletter),
        named=tuple(each.newsletter for each in covered),
        spells_link_out=True,
    )


def _reminder(letter: Letter, covered: Sequence[Subscription]) -> Ends | None:
    return reminds(letter.newsletter, covered) if covered else None


def reminds(newsletter: Newsletter, covered: Sequence[Subscription]) -> Ends:
    asks = asks_for_a_yes(newsletter, covered)
    days = newsletter.forgets_unconfirmed_after
    only = ngettext(
        "This is the only reminder. Without your yes nothing comes, and %(days)s day after you asked we forget"
        " this address.",
        "This is the only reminder. Without your yes nothing comes, and %(days)s days after you asked we forget"
        " this address.",
        days,
    ) % {"days": days}
    return Ends(asks.url, (asks.asides[0], only), asks.why, named=asks.named, spells_link_out=True)


def _welcome(letter: Letter, covered: Sequence[Subscription]) -> Ends | None:
    subscription = letter.subscription
    if subscription is None or subscription.status != Status.ACTIVE:
        return None
    return welcomes(subscription, [each for each in covered if each.status == Status.ACTIVE])


def welcomes(subscription: Subscription, covered: Sequence[Subscription] = ()) -> Ends:
    newsletter = subscription.newsletter
    leave = _url("unsubscribe", tokens.unsubscribe_token(subscription.pk))
    manage = Link(_("Manage my subscription"), _of(newsletter, "ask_manage"))
    why = _("You get this mail because you subscribed to %(newsletter)s.") % {"newsletter": newsletter.name}
    return Ends(
        url=absolute_url(newsletter.get_absolute_url()),
        why=why,
        named=tuple(each.newsletter for each in covered),
        links=(Link(_("Unsubscribe"), leave), manage),
        unsubscribe_url=leave,
    )


def _known(letter: Letter, covered: Sequence[Subscription]) -> Ends | None:
    subscription = letter.subscription
    if subscription is None or not subscription.is_reading:
        return None
    return knows(subscription, covered)


def knows(subscription: Subscription, covered: Sequence[Subscription] = ()) -> Ends:
    newsletter, until = subscription.newsletter, subscription.paused_until
    paused = _("At present it rests: you paused it until %(day)s.")
    rest = (paused % {"day": date_format(localtime(until))},) if until else ()
    nothing = _("If you did not ask for this, do nothing. Nothing has changed.")
    return Ends(
        url=_url("manage", tokens.manage_token(subscription.subscriber)),
        named=tuple(each.newsletter for each in covered),
        asides=(*rest, _an_hour(), nothing),
        why=_entered_at(newsletter),
        links=(
            Link(_("Read the latest issues"), absolute_url(newsletter.get_absolute_url())),
            Link(_("Unsubscribe"), _url("unsubscribe", tokens.unsubscribe_token(subscription.pk))),
        ),
    )


def _manage(letter: Letter, _covered: Sequence[Subscription]) -> Ends:
    nothing = _("If you did not ask for this, do nothing. Nothing has changed.")
    return Ends(
        url=_url("manage", tokens.manage_token(letter.subscriber)),
        asides=(_an_hour(), nothing),
        why=_("You get this one mail because somebody asked for a link for this address."),
        spells_link_out=True,
    )


def _goodbye(letter: Letter, _covered: Sequence[Subscription]) -> Ends | None:
    subscription = letter.subscription
    # What they were before tells that the leaving can be taken back.
    if subscription is None or not subscription.left_as or not letter.newsletter.says_goodbye:
        return None
    return says_goodbye(subscription)


def says_goodbye(subscription: Subscription) -> Ends:
    newsletter = subscription.newsletter
    days = tokens.BACK_BY_MAIL.days
    lasts = ngettext("The button works for %(days)s day.", "The button works for %(days)s days.", days)
    why = _("You get this one mail because this address was taken off the list of %(newsletter)s.")
    return Ends(
        url=_url("back", tokens.back_token(subscription, life=tokens.BACK_BY_MAIL)),
        asides=(lasts % {"days": days}, _("If all is as you wish it, there is nothing to do.")),
        why=why % {"newsletter": newsletter.name},
    )


def _new_address(letter: Letter, _covered: Sequence[Subscription]) -> Ends | None:
    return _changes(letter, end="new")


def _old_address(letter: Letter, _covered: Sequence[Subscription]) -> Ends | None:
    return _changes(letter, end="old")


def _changes(letter: Letter, *, end: str) -> Ends | None:
    change = letter.change
    if change is None or change.ended_at or not change.new_email:
        return None
    old = letter.subscriber.email
    to = {"old": masked(old), "new": masked(change.new_email)}
    is_to = _("From %(old)s to %(new)s. Both addresses are asked.") % to
    nothing = _("If that was not you, do nothing: nothing changes.")
    return Ends(
        url=_url("change_address", tokens.change_token(change.pk, end=end)),
        asides=(is_to, _("The button works for a day."), nothing),
        why=_("You get this one mail because somebody asked for a change of address."),
        spells_link_out=True,
    )


def _an_hour() -> str:
    return _("The button works for one hour, and it is for you alone: please do not forward this mail.")


def _entered_at(newsletter: Newsletter) -> str:
    why = _("You get this one mail because this address was entered on the page of %(newsletter)s.")
    return why % {"newsletter": newsletter.name}


def _url(page: str, token: str) -> str:
    return absolute_url(reverse(f"subscribers:{page}", args=[token]))


def _of(newsletter: Newsletter, page: str) -> str:
    return absolute_url(reverse(f"subscribers:{page}", args=[newsletter.slug]))


ENDS: dict[Kind, Callable[[Letter, Sequence[Subscription]], Ends | None]] = {
    Kind.CONFIRMATION: _confirmation,
    Kind.REMINDER: _reminder,
    Kind.WELCOME: _welcome,
    Kind.KNOWN: _known,
    Kind.MANAGE: _manage,
    Kind.GOODBYE: _goodbye,
    Kind.NEW_ADDRESS: _new_address,
    Kind.OLD_ADDRESS: _old_address,
}
