"""A mail for four readers, handed over by SMTP; what is known then, and what the server counts."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from delivery import gateway
from delivery.messages import HandOver, IssueMail, Receipt, Recipient
from newsletter.rendering import Stencil
from newsletter.rendering.stencil import slot
from tests.fakes.smtp_answers import Odd

if TYPE_CHECKING:
    from tests.fakes.client import Fake

LINK = "https://news.example/s/unsubscribe/{}"
MAIL = IssueMail(
    subject="Tides",
    sender="The Daily <editors@daily.example>",
    reply_to="",
    html=Stencil.parse(f"<a href='{slot('unsubscribe_url')}'>x</a>"),
    text=Stencil.parse(slot("unsubscribe_url")),
    headers={},
    message_domain="news.example",
)


def readers(*numbers: int) -> list[Recipient]:
    return [Recipient(n, f"reader{n}@example.com", {"unsubscribe_url": LINK.format(n)}) for n in numbers]


def ready(*numbers: int) -> HandOver:
    return gateway.ready(MAIL, readers(*numbers or (1, 2, 3, 4)), alias="bulk")


def speak(*numbers: int) -> Receipt:
    return ready(*numbers).speak()


def answers(fake: Fake, *odd: Odd) -> None:
    fake._asked("/_answers", [asdict(one) for one in odd])


def got(fake: Fake) -> list[int]:
    """Who got a mail, as the server counts; nobody twice."""
    counts = fake.counts()
    assert set(counts.values()) <= {1}
    return sorted(int(address[len("reader") : -len("@example.com")]) for address in counts)


def known(receipt: Receipt) -> dict[str, list[int]]:
    found = {
        name: sorted(getattr(receipt, name)) for name in ("accepted", "refused", "deferred", "uncertain")
    }
    return {name: numbers for name, numbers in found.items() if numbers}


def says(step: Any, say: str, then: Any = "go on", nth: int = 2) -> Odd:
    return Odd(step, nth, f"{say}\r\n" if say else "", then)
