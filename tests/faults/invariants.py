"""What must hold whatever happens: the ledger against the providers' own count. Each check returns what is wrong.

I1 nobody has it twice                            I6 no more doubts than the faults explain
I2 who is accepted has it                         I7 who had left before their mail was built does not have it
I3 the states add up to the audience, always      I8 everybody got the same words
I4 who has it is accepted or uncertain            I9 once it is calm, everybody is settled soon
I5 a provider with keys leaves no doubt           I10 the workers do not grow
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.faults.actions import DOUBTFUL
from tests.faults.ledger import SETTLED, STATES, UNREACHABLE

if TYPE_CHECKING:
    from tests.faults.actions import Scene
    from tests.faults.ledger import Row

KEYED = frozenset({"resend", "brevo"})
MOST_MEMORY = 150 * 1024**2
LOOKS = 10
LOOKED_AT = 12  # readers whose whole mail is compared


@dataclass
class Figures:
    readers: int
    missing: int
    doubled: int
    uncertain: int
    in_doubt: int  # hand-overs that these uncertain readers were in
    explained: int  # hand-overs that the faults may have left in doubt


def copies(scene: Scene) -> Counter[str]:
    """How often each reader of this issue got it, from whichever provider."""
    ours = set(scene.readers)
    found: Counter[str] = Counter()
    for fake in scene.courant.fakes:
        found.update({address: count for address, count in fake.counts().items() if address in ours})
    return found


def at_any_moment(scene: Scene) -> list[str]:
    """I1, I2, I3, while it goes on. The ledger is read first: it may be behind the provider, never ahead of it."""
    try:
        counts = scene.courant.ledger.of(scene.dispatch)
        readers = scene.courant.ledger.readers(scene.dispatch)
    except UNREACHABLE:
        return []
    has = copies(scene)
    wrong = _adds_up(counts) + _doubled(has)
    if ahead := [
        address for address, row in readers.items() if row["state"] == "accepted" and not has[address]
    ]:
        wrong.append(f"I2: {len(ahead)} are accepted and do not have it: {ahead[:5]}")
    return wrong


def at_the_end(scene: Scene) -> tuple[Figures, list[str]]:
    courant = scene.courant
    counts, readers = courant.ledger.of(scene.dispatch), courant.ledger.readers(scene.dispatch)
    has = copies(scene)
    explained = scene.doubts + sum(
        count for fake in courant.fakes for kind, count in fake.seen()["met"].items() if kind in DOUBTFUL
    )
    wrong = at_any_moment(scene)
    wrong += unsettled(counts) + _has_it(readers, has) + _doubts(scene, readers, explained)
    wrong += _gone(scene, readers) + _words(scene, has) + _says_why(readers) + _shown(scene)
    if courant.highest_memory > MOST_MEMORY:
        wrong.append(f"I10: a worker's process took {courant.highest_memory / 1024**2:.0f} MB")
    missing = [
        address
        for address, row in readers.items()
        if row["state"] not in SETTLED or (row["state"] == "accepted" and not has[address])
    ]
    doubled = [address for address, count in has.items() if count > 1]
    uncertain = [row["attempt_id"] for row in readers.values() if row["state"] == "uncertain"]
    numbers = len(readers), len(missing), len(doubled), len(uncertain), len(set(uncertain)), explained
    return Figures(*numbers), wrong


def _adds_up(counts: Row) -> list[str]:
    if counts["dispatch"] == "preparing":
        return []
    total = sum(counts[state] for state in STATES)
    return [] if total == counts["audience"] else [f"I3: {total} of {counts['audience']} readers: {counts}"]


def _doubled(has: Counter[str]) -> list[str]:
    twice = {address: count for address, count in has.items() if count > 1}
    return [f"I1: {len(twice)} have it more than once: {dict(list(twice.items())[:5])}"] if twice else []


def unsettled(counts: Row) -> list[str]:
    if counts["dispatch"] in {"sent", "stopped"} and not counts["pending"] and not counts["in_flight"]:
        return []
    return [f"I9: not settled in time: {counts}"]


def _has_it(readers: dict[str, Row], has: Counter[str]) -> list[str]:
    strange = [address for address in has if address not in readers]
    denied = {
        address: readers[address]["state"]
        for address in has
        if address in readers and readers[address]["state"] not in {"accepted", "uncertain"}
    }
    wrong = [f"I4: {len(strange)} have it and are not in the audience: {strange[:5]}"] if strange else []
    return wrong + ([f"I4: {len(denied)} have it: {dict(list(denied.items())[:5])}"] if denied else [])


def _doubts(scene: Scene, readers: dict[str, Row], explained: int) -> list[str]:
    uncertain = [row for row in readers.values() if row["state"] == "uncertain"]
    attempts = Counter(row["attempt_id"] for row in uncertain)
    if not uncertain:
        return []
    if all(fake.name in KEYED for fake in scene.courant.fakes) and not scene.is_stopped:
        return [f"I5: {len(uncertain)} are uncertain, though the provider has keys: {dict(attempts)}"]
    if len(attempts) > explained:
        return [f"I6: {len(attempts)} hand-overs are in doubt, and the faults explain {explained}"]
    return []


def _gone(scene: Scene, readers: dict[str, Row]) -> list[str]:
    late = {
        address: str(row["started_at"])
        for address, when in scene.left.items()
        if (row := readers.get(address)) and row["attempt_id"] and str(row["started_at"])[:26] > when[:26]
    }
    return [f"I7: handed over after they had left: {late}"] if late else []


def _words(scene: Scene, has: Counter[str]) -> list[str]:
    seen: Counter[str] = Counter()
    chosen = scene.chance.sample(sorted(has), min(LOOKED_AT, len(has)))
    for fake in scene.courant.fakes:
        for address in chosen:
            link = fake.links().get(address, "")
            seen.update(_without(mail, link) for mail in fake.messages(address))
    return [f"I8: {len(seen)} kinds of mail went out"] if len(seen) > len(scene.courant.fakes) else []


def _without(mail: dict[str, Any], link: str) -> str:
    """The words of a mail, without the reader's own link."""
    parts = [str(value) for name, value in sorted(mail.items()) if name.lower() in WORDS]
    return "".join(parts).replace(link, "LINK") if link else "".join(parts)


WORDS = frozenset({"subject", "html", "text", "htmlbody", "textbody", "from"})


def _says_why(readers: dict[str, Row]) -> list[str]:
    silent = [
        address
        for address, row in readers.items()
        if (row["state"] in {"failed", "skipped", "uncertain"} and not (row["reason"] and row["settled_at"]))
        or (row["state"] == "uncertain" and not row["attempt_id"])
    ]
    return [f"{len(silent)} are unsent and nobody says why: {silent[:5]}"] if silent else []


def _shown(scene: Scene) -> list[str]:
    """What `dispatch_status` shows is what is in the rows. A late answer may come between the two, so look again."""
    for _ in range(LOOKS):
        before = scene.courant.ledger.of(scene.dispatch)
        shown = scene.courant.ask("status", scene.dispatch)
        differing = {
            state: (shown[state], before[state]) for state in STATES if shown[state] != before[state]
        }
        if not differing or before == scene.courant.ledger.of(scene.dispatch):
            break
    return [f"dispatch_status shows otherwise: {differing}"] if differing else []
