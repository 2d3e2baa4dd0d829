"""What each letter says: our words, and over them those that an editor wrote (LetterText)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from subscribers.models import Letter, LetterText

if TYPE_CHECKING:
    from collections.abc import Callable

    from newsletter.models import Newsletter

Kind = Letter.Kind
OWN = ("subject", "heading", "body", "button")  # what an editor may write


@dataclass(frozen=True, slots=True)
class Words:
    subject: str
    preheader: str
    heading: str
    body: str  # as it is typed (newsletter.rendering.letter.html_of)
    button: str


def words(kind: Kind, newsletter: Newsletter) -> Words:
    """In the language that is active: the editor's own words where there are any, ours for the rest."""
    found = LetterText.objects.filter(newsletter=newsletter, kind=kind, language=get_language() or "")
    own = found.first() if kind in LetterText.KINDS else None
    return over(ours(kind, newsletter), own) if own else ours(kind, newsletter)


def over(common: Words, own: LetterText) -> Words:
    written = {name: getattr(own, name) for name in OWN}
    return replace(common, **{name: text for name, text in written.items() if text})


def ours(kind: Kind, newsletter: Newsletter) -> Words:
    return OURS[kind](newsletter.name, newsletter.sender_email)


def _body(*paragraphs: str) -> str:
    return "\n\n".join(paragraphs)


def _confirmation(name: str, _sender: str) -> Words:
    asked = _("Somebody, most likely you, asked us to send %(newsletter)s to this address.")
    return Words(
        subject=_("Please confirm: %(newsletter)s") % {"newsletter": name},
        preheader=_("One press of a button, and you are in."),
        heading=_("Is this you?"),
        body=_body(asked % {"newsletter": name}, _("Press the button to say yes.")),
        button=_("Yes, send it to me"),
    )


def _reminder(name: str, _sender: str) -> Words:
    asked = _(
        "Somebody, most likely you, asked us to send %(newsletter)s to this address, and has not said yes."
    )
    return Words(
        subject=_("Still waiting for your yes: %(newsletter)s") % {"newsletter": name},
        preheader=_("One press of a button is missing."),
        heading=_("Shall it come to you?"),
        body=_body(
            asked % {"newsletter": name}, _("If it was you, one press of the button is all it takes.")
        ),
        button=_("Yes, send it to me"),
    )


def _welcome(name: str, sender: str) -> Words:
    coming = _("You are subscribed. The next issue of %(newsletter)s comes to you the moment it is out.")
    contact = _("Add %(sender)s to your contacts, so that no issue lands in the spam folder.")
    return Words(
        subject=_("Welcome to %(newsletter)s") % {"newsletter": name},
        preheader=_("You are on the list. Until the next issue, here are the latest ones."),
        heading=_("Welcome aboard"),
        body=_body(
            coming % {"newsletter": name},
            contact % {"sender": sender},
            _("Until then, here is what went out lately:"),
        ),
        button=_("Read the latest issues"),
    )


def _known(name: str, _sender: str) -> Words:
    asked = _("Somebody, most likely you, asked us to send %(newsletter)s to this address.")
    return Words(
        subject=_("You already get %(newsletter)s") % {"newsletter": name},
        preheader=_("Nothing to do: it already comes to you."),
        heading=_("You are already on the list"),
        body=_body(
            f"{asked % {'newsletter': name}} {_('It already comes to you, so there is nothing to do.')}",
            _("If you have not seen it for a while, look in your spam folder."),
            _("How often it comes, a pause, your name or another address: the button leads to all of it."),
        ),
        button=_("Manage my subscription"),
    )


def _manage(_name: str, _sender: str) -> Words:
    return Words(
        subject=_("Your link to manage your subscriptions"),
        preheader=_("It works for one hour."),
        heading=_("Here is your link"),
        body=_body(
            _("Somebody, most likely you, asked for a link to manage what comes to this address."),
            _("It opens a page with your newsletters, how often they come, your name, and all that we hold."),
        ),
        button=_("Manage my subscriptions"),
    )


def _goodbye(name: str, _sender: str) -> Words:
    return Words(
        subject=_("You have left %(newsletter)s") % {"newsletter": name},
        preheader=_("Nothing more comes. Should it have been a slip, one press takes you back."),
        heading=_("Goodbye, and thank you for reading"),
        body=_body(
            _("You have left %(newsletter)s: no more issues come to this address.") % {"newsletter": name},
            _("Was it a slip, or did somebody else press the button in a mail that you forwarded?"),
        ),
        button=_("Take me back"),
    )


def _new_address(name: str, _sender: str) -> Words:
    asked = _(
        "Somebody, most likely you, wants what %(newsletter)s sends to them to go to this address from now on."
    )
    return Words(
        subject=_("Please confirm your new address"),
        preheader=_("One press of a button, and your mails come here."),
        heading=_("Is this your new address?"),
        body=_body(asked % {"newsletter": name}, _("Press the button to say yes.")),
        button=_("Yes, this is my address"),
    )


def _old_address(name: str, _sender: str) -> Words:
    asked = _("Somebody, most likely you, wants what %(newsletter)s sends to you to go to another address.")
    return Words(
        subject=_("Do you want to get your mails elsewhere?"),
        preheader=_("Nothing changes without your yes."),
        heading=_("Shall we change your address?"),
        body=_body(asked % {"newsletter": name}, _("Press the button to see it and to say yes.")),
        button=_("See the change"),
    )


OURS: dict[Kind, Callable[[str, str], Words]] = {
    Kind.CONFIRMATION: _confirmation,
    Kind.REMINDER: _reminder,
    Kind.WELCOME: _welcome,
    Kind.KNOWN: _known,
    Kind.MANAGE: _manage,
    Kind.GOODBYE: _goodbye,
    Kind.NEW_ADDRESS: _new_address,
    Kind.OLD_ADDRESS: _old_address,
}
