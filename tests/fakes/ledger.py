"""What a fake provider took: who got how many mails, each one's way out, and whole mails for those it keeps."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

Keep = Literal["all", "sample", "none"]
FIRST_KEPT, EVERY_KEPT = 50, 1000  # a sample: the first so many, then every so manieth
NAMED = 100  # addresses named in a report; there may be many


@dataclass(frozen=True, slots=True)
class Trace:
    """What a provider knows of one mail when it tells what became of it."""

    address: str
    id: str
    sender: str = ""
    subject: str = ""
    tags: list[str] = field(default_factory=list)
    metadata: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)


class Ledger:
    """With `trail`, one Trace is kept for each mail, for the events that may be asked for later."""

    def __init__(self, *, keep: Keep, trail: bool = False) -> None:
        self._keep = keep
        self.has_trail = trail or keep == "all"
        self.follower: Callable[[Trace], None] | None = None
        self.clear()

    def clear(self) -> None:
        self.mails = 0
        self.counts: dict[str, int] = {}
        self.links: dict[str, str] = {}
        self.tally: Counter[str] = Counter()
        self.met: Counter[str] = Counter()  # faults by kind
        self._kept: dict[str, list[Callable[[], dict[str, Any]]]] = {}
        self.trail: list[Trace] = []
        self.follower = None

    def add(self, address: str, link: str, mail: Callable[[], dict[str, Any]]) -> None:
        """One mail for one address. `mail` is called only when somebody asks to see it."""
        address = address.lower()
        if self._keep == "all" or (self._keep == "sample" and self._is_sampled()):
            self._kept.setdefault(address, []).append(mail)
        self.mails += 1
        self.counts[address] = self.counts.get(address, 0) + 1
        if link:
            self.links[address] = link

    def follow(self, trace: Trace) -> None:
        self.trail.append(trace)
        if self.follower is not None:
            self.follower(trace)

    def messages(self, address: str) -> list[dict[str, Any]]:
        return [mail() for mail in self._kept.get(address.lower(), [])]

    def report(self) -> dict[str, Any]:
        twice = {address: count for address, count in self.counts.items() if count > 1}
        return {
            "mails": self.mails,
            "recipients": len(self.counts),
            "duplicates": len(twice),
            "duplicated": dict(list(twice.items())[:NAMED]),
            "links": len(set(self.links.values())),
            "without_link": len(self.counts) - len(self.links),
            "kept": list(self._kept)[:NAMED],
            **{name: self.tally[name] for name in ("calls", "repeats", "faults", "exposed", "unfilled")},
            "met": dict(self.met),
        }

    def _is_sampled(self) -> bool:
        return self.mails < FIRST_KEPT or self.mails % EVERY_KEPT == 0
