"""Addresses that nobody can be a reader with. It is about domains alone, so saying it tells nothing about a person."""

from __future__ import annotations

from disposable_email_domains import blocklist
from django.utils.translation import gettext as _

from subscribers.guard import mailboxes


def objection(email: str) -> str:
    """For the reader, beside the field; "" where there is none. `email` is canonical. Looks nothing up."""
    domain = email.rpartition("@")[2]
    if is_throwaway(domain):
        return _(
            "This address is one of those that stop working after a short time. Please use one that you keep: you can "
            "leave with one press whenever you like."
        )
    if mailboxes.is_known_to_refuse(domain):
        return _("“%(domain)s” takes no mail. Please check the part after the @ for typos.") % {
            "domain": domain
        }
    return ""


def is_throwaway(domain: str) -> bool:
    """Their owners never read an issue, and the next owner reports it as spam. Parts of a listed domain count, too."""
    labels = domain.split(".")
    return any(".".join(labels[start:]) in blocklist for start in range(len(labels) - 1))
