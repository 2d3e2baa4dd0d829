"""Whether a post at a sign-up form is taken as a person's."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum, auto

from django.utils import timezone

from subscribers import networks
from subscribers.guard import floods, riddles, shown, sieges, tallies
from subscribers.guard.riddles import Outcome, Riddle

TYPED_WITHIN = timedelta(seconds=2)  # nobody does

# A stretch of ten minutes, for one network. Offices and mobile carriers share theirs between thousands of people, so
# nobody is turned away for what others did: they are asked a riddle. Only where as many were solved as no crowd solves
# is there an end.
STRETCH = timedelta(minutes=10)
FREE = 10  # posts, then each needs a riddle
FLOOD = 120  # posts, then the riddle is handed out at the gate, and only who has solved it is looked at
SOLVED = 1200  # riddles, then nobody more
WAITED = 5  # riddles that were waited for instead of solved
ALL_TOGETHER = 20  # times as many, where one network is all that can be told of everybody

# Then each needs a riddle, too.
OF_AN_ADDRESS = 5  # sign-ups to one newsletter, or wishes for a link, within an hour
HOUR = timedelta(hours=1)
LINKS = 100  # wishes for a link, of everybody within a stretch

# Zero bits of each piece. 15 are half a million tries together: one or two seconds of a phone, and a fraction of one of
# a machine made for it, which is why all the other limits stand beside it.
BITS, MOST_BITS = 15, 18
BITS_IN_A_SIEGE = 17
# Riddles, for one network within a stretch: one bit more, so twice the work, beyond each.
HARDER_AFTER = (20, 100, 500)


class Verdict(Enum):
    PASS = auto()
    RIDDLE = auto()
    LATER = auto()  # answered as if all were fine, and nothing is written
    TOO_MANY = auto()


@dataclass(frozen=True, slots=True)
class Post:
    """What was posted, in plain values. `email` is canonical; `network` as subscribers.networks tells it."""

    email: str
    network: str
    newsletter_ids: tuple[int, ...]
    honeypot: str = ""
    shown: str = ""  # the form's token of when it was shown; "" where it had none
    riddle: str = ""
    answer: str = ""


def judge(post: Post, *, now: datetime | None = None) -> Verdict:
    """Counts the post, so ask once for each."""
    now = now or timezone.now()
    if not post.riddle:
        return _first_seen(post, now=now)
    verdict = _answered(post, now=now)
    if verdict == Verdict.PASS:
        tallies.count_all(_of_the_address(post), now=now)
    return verdict


def riddle(post: Post, *, now: datetime | None = None) -> Riddle:
    """What a post with the verdict RIDDLE is asked: the same one again, where only the time was not up yet."""
    now = now or timezone.now()
    asked = riddles.make(post.email, bits=_bits(post, now=now), now=now)
    if not post.riddle or post.answer:
        return asked
    found = riddles.read(post.riddle, email=post.email, now=now)
    if found is None:
        return asked
    was_early = riddles.look(post.riddle, "", email=post.email, now=now) == Outcome.EARLY
    return found[0] if was_early else replace(asked, is_crowded=True)


def _first_seen(post: Post, *, now: datetime) -> Verdict:
    age = shown.age(post.shown, now=now)
    is_too_quick = age is not None and age < TYPED_WITHIN
    # Some browsers fill in the hidden field for a person: that, too, is asked about.
    if _is_busy(post.network, now=now) or is_too_quick or post.honeypot:
        return Verdict.RIDDLE
    # No more than that: it may be its owner, after somebody else has typed the address on and on.
    return Verdict.RIDDLE if _is_unusual(post, now=now) else Verdict.PASS


def _is_unusual(post: Post, *, now: datetime) -> bool:
    """Counted in one trip, and all of it: not only up to the first newsletter that has a siege."""
    wanted = sorted(set(post.newsletter_ids))
    everybodys = [sieges.counter(newsletter_id) for newsletter_id in wanted] or [("links", STRETCH)]
    counts = tallies.count_all([*everybodys, *_of_the_address(post)], now=now)
    of_everybody, of_the_address = counts[: len(everybodys)], counts[len(everybodys) :]
    if wanted:
        besieged = [
            sieges.is_besieged(newsletter_id, sign_ups=sign_ups, now=now)
            for newsletter_id, sign_ups in zip(wanted, of_everybody, strict=True)
        ]
    else:
        besieged = [of_everybody[0] > LINKS]
    return any(besieged) or max(of_the_address) > OF_AN_ADDRESS


def _of_the_address(post: Post) -> list[tuple[str, timedelta]]:
    """Each newsletter's count is its own, and that of wishes for a link another: none uses up the other's room."""
    mark = tallies.mark(post.email)
    kinds = [f"address:{newsletter_id}" for newsletter_id in set(post.newsletter_ids)] or ["links"]
    return [(f"{kind}:{mark}", HOUR) for kind in kinds]


def _is_busy(network: str, *, now: datetime) -> bool:
    if networks.is_anybodys(network):
        return False
    posts = _counted(f"network:{network}", STRETCH, now)
    if posts > FLOOD:
        floods.note(network, seconds=tallies.left(STRETCH, now=now))
    return posts > FREE


def _answered(post: Post, *, now: datetime) -> Verdict:
    match riddles.look(post.riddle, post.answer, email=post.email, now=now):
        case Outcome.SOLVED:
            key, most, refusal = f"solved:{post.network}", SOLVED, Verdict.TOO_MANY
        case Outcome.WAITED:
            key, most, refusal = f"waited:{post.network}", WAITED, Verdict.RIDDLE
        case _:
            _is_busy(post.network, now=now)
            return Verdict.RIDDLE
    if riddles.is_spent(post.riddle):
        return Verdict.LATER  # pressed twice, or sent again by a browser: it was taken the first time
    times = ALL_TOGETHER if networks.is_anybodys(post.network) else 1
    # Counted before it is decided: of many at the same moment, only as many come in as there is room for.
    if _counted(key, STRETCH, now) > most * times:
        return refusal  # and the riddle is good still, should there be room again
    return Verdict.PASS if riddles.spend(post.riddle) else Verdict.LATER


def _bits(post: Post, *, now: datetime) -> int:
    """Harder in a siege, and for a network that goes on."""
    bits = BITS_IN_A_SIEGE if any(sieges.is_on(pk, now=now) for pk in post.newsletter_ids) else BITS
    if networks.is_anybodys(post.network):
        return bits
    asked = _counted(f"asked:{post.network}", STRETCH, now)
    return min(MOST_BITS, bits + sum(asked > many for many in HARDER_AFTER))


def _counted(key: str, within: timedelta, now: datetime) -> int:
    return tallies.count(key, within=within, now=now)
