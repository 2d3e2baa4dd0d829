"""What must be true of an issue and of a reader before a provider hears of them.

Providers take CR and LF in JSON and pass them on, read a comma as the end of an address, and drop what they were given
for a reader when they write the address in another way than we did. Whoever is not sound is refused here, alone, and
the others go their way.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import idna

if TYPE_CHECKING:
    from collections.abc import Sequence

    from delivery.messages import IssueMail, Recipient

# Nothing in it means anything to JSON, to a form or to a list of addresses, so it is written as it is everywhere.
ADDRESS = re.compile(r"[A-Za-z0-9.!#$&'*+/=?^_`{|}~%-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
HEADER_NAME = re.compile(r"[!-9;-~]+")  # RFC 5322 3.6.8
LINK = re.compile(r"https?://[!-;=?-~]+")  # printable ASCII without < and >, which end it in a header
BREAKING = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\x85\u2028\u2029]|\ufffe|\uffff")
NOT_AN_ADDRESS = "This is not an address that a mail provider takes."
NOT_A_LINK = "The unsubscribe link is not a link."
NOT_TEXT = "What would stand in this reader's mail holds control characters."


def check(mail: IssueMail) -> None:
    """IssueMail itself looks at the values; a name can end a header as well. Raises ValueError."""
    if not all(map(HEADER_NAME.fullmatch, mail.headers)):
        raise ValueError("A header of the issue has a name that is none.")


def sound(recipients: Sequence[Recipient]) -> tuple[list[Recipient], dict[int, str]]:
    """Who can be handed over, each with the domain as A-label, and why the others cannot, by delivery id."""
    good: list[Recipient] = []
    refused: dict[int, str] = {}
    for recipient in recipients:
        if not recipient.address.isascii():
            recipient = replace(recipient, address=_as_ascii(recipient.address))
        values = recipient.values
        if ADDRESS.fullmatch(recipient.address) is None:
            refused[recipient.delivery_id] = NOT_AN_ADDRESS
        elif LINK.fullmatch(values.get("unsubscribe_url", "")) is None:
            refused[recipient.delivery_id] = NOT_A_LINK
        elif len(values) > 1 and any(map(BREAKING.search, values.values())):
            refused[recipient.delivery_id] = NOT_TEXT
        else:
            good.append(recipient)
    return good, refused


def _as_ascii(address: str) -> str:
    """Unchanged, and so refused, when there is no such form."""
    local, _, domain = address.rpartition("@")
    try:
        return f"{local}@{idna.encode(domain, uts46=True).decode()}"
    except idna.IDNAError:
        return address
