"""What a fake provider took: who got how many mails, each one's way out, and whole mails for those it keeps."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

Keep = Literal["all", "sample", "none"]
FIRST_KEPT, EVERY_KEPT = 50, 1000  # a sample: the first so many, then every so manieth
NAMED = 100  # addresses named in a report; there may be many


class Ledger:
    def __init__(self, *, keep: Keep) -> None:
        self._keep = keep
        self.clear()

    def clear(self) -> None:
        self.mails = 0
        self.counts: dict[str, int] = {}
        self.links: dict[str, str] = {}
        self.tally: Counter[str] = Counter()
        self._kept: dict[str, list[Callable[[], dict[str, Any]]]] = {}

    def add(self, address: str, link: str, mail: Callable[[], dict[str, Any]]) -> None:
        """One mail for one address. `mail` is called only when somebody asks to see it."""
        address = address.lower()
        if self._keep == "all" or (self._keep == "sample" and self._is_sampled()):
            self._kept.setdefault(address, []).append(mail)
        self.mails += 1
        self.counts[address] = self.counts.get(address, 0) + 1
        if link:
            self.links[address] = link

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
            **{name: self.tally[name] for name in ("calls", "faults", "exposed", "unfilled")},
        }

    def _is_sampled(self) -> bool:
        return self.mails < FIRST_KEPT or self.mails % EVERY_KEPT == 0
