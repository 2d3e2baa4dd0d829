"""What passes between the layers of sending: values, no rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from django.conf import settings
from django.core.exceptions import ValidationError

from newsletter.validators import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from delivery.exceptions import SendError
    from newsletter.rendering import Stencil


# Seconds after which a hand-over of many calls begins no further one: it must end well within its lease.
LONGEST_BATCH = 30.0
WAYS_OUT = ("unsubscribe_url", "unsubscribe_mail")


def ways_out() -> tuple[str, ...]:
    """What stands in List-Unsubscribe, the best first (RFC 2369 3.2); by mail only where such mail is read."""
    return WAYS_OUT if settings.UNSUBSCRIBE_ADDRESS else WAYS_OUT[:1]


@dataclass(frozen=True, slots=True)
class IssueMail:
    """An issue as it goes out: frozen when its dispatch started, the same for every reader but for the slots."""

    subject: str
    sender: str
    reply_to: str
    html: Stencil
    text: Stencil
    headers: Mapping[str, str]  # the same in every mail
    message_domain: str
    ways_out: tuple[str, ...] = field(default_factory=ways_out)  # as every recipient's values have them

    def __post_init__(self) -> None:
        """Providers' JSON takes CR and LF in a header and passes them on (CWE-93): refuse them here, for every way."""
        try:
            for value in (self.subject, self.sender, self.reply_to, *self.headers.values()):
                one_line(value)
        except ValidationError as error:
            raise ValueError("A header of the issue holds control characters.") from error


@dataclass(frozen=True, slots=True)
class Recipient:
    delivery_id: int
    address: str
    values: Mapping[str, str]  # a value for each slot of the stencils

    @property
    def list_unsubscribe(self) -> str:
        return list_unsubscribe(self.values)


def list_unsubscribe(values: Mapping[str, str]) -> str:
    """RFC 2369 3.2, RFC 8058 3.1: one https URI of this reader's own, before any other."""
    link, mail = values["unsubscribe_url"], values.get("unsubscribe_mail")
    return f"<{link}>, <{mail}>" if mail else f"<{link}>"


@dataclass(slots=True)
class Receipt:
    """What is known after one hand-over, by delivery id. Who is in none of these was surely not handed over."""

    accepted: dict[int, str] = field(default_factory=dict)  # the provider's message id, "" if it gives none
    refused: dict[int, str] = field(default_factory=dict)  # the provider's words
    deferred: dict[int, str] = field(default_factory=dict)  # "not now", said of this reader alone
    uncertain: dict[int, str] = field(default_factory=dict)  # what was seen
    stopped_by: SendError | None = None

    @property
    def settled(self) -> int:
        """How many readers have been spoken of, in whichever way."""
        return len(self.accepted) + len(self.refused) + len(self.uncertain)


class Page(Protocol):
    """Where it is noted whose mail leaves now."""

    def telling(self, delivery_id: int, receipt: Receipt) -> None: ...


@dataclass(frozen=True, slots=True)
class HandOver:
    """One hand-over, made ready: nothing has left the house."""

    # Call once. Says reader by reader what is known and never raises for what a provider does. Touches no database, so
    # that it may run in a thread of its own.
    speak: Callable[..., Receipt]
    # sha256 (hex) of what will be said: the same mail, recipients and key give the same bytes.
    fingerprint: str
    # Whether `speak` hands readers over one by one, and takes a page to note each in before its mail leaves.
    is_one_by_one: bool = False
