"""How often a mailbox is written to, whoever asks, under whatever spelling of its address, and in whoever's name.

Decided when a letter is about to leave, under a lock on the mailbox's row: what was asked for in the same moment, by
several people, leaves one after the other.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from django.db import transaction

from subscribers.models import Letter, Mailbox, address_key

if TYPE_CHECKING:
    from collections.abc import Iterable

Kind = Letter.Kind
COOL_DOWN = timedelta(hours=1)
DAY = timedelta(days=1)
KEPT = timedelta(days=2)
NEVER = datetime(1970, 1, 1, tzinfo=UTC)
CONFIRMING = (Kind.CONFIRMATION, Kind.REMINDER)
# Both carry the link to manage everything; within its life another would say nothing new.
MANAGING = (Kind.KNOWN, Kind.MANAGE)
# What asks for a yes, and what anybody can make us send by typing an address.
ASKING = (*CONFIRMING, Kind.NEW_ADDRESS)
BY_STRANGERS = (*ASKING, *MANAGING, Kind.WELCOME)
AN_HOUR_APART = (ASKING, MANAGING, (Kind.WELCOME,))
MOST_A_DAY = (
    (CONFIRMING, 3),
    ((Kind.NEW_ADDRESS,), 3),
    (BY_STRANGERS, 5),
    ((Kind.GOODBYE,), 5),
    ((Kind.OLD_ADDRESS,), 5),
)
GMAIL = frozenset({"gmail.com", "googlemail.com"})

Written = list[tuple[Kind, datetime]]


def key_of(email: str) -> str:
    """Of the mailbox behind a canonical address: ada+news@ and ada@ are one, and so are all of Gmail's dots.

    For counting alone. Who somebody is, the address says, as it was typed.
    """
    local, _, domain = email.rpartition("@")
    local = local.partition("+")[0] or local
    if domain in GMAIL:
        local, domain = local.replace(".", "") or local, "gmail.com"
    return address_key(f"{local}@{domain}")


def free_at(kind: Kind, email: str, *, now: datetime, yes: datetime | None) -> datetime:
    """When it may leave at the earliest, as things stand. `yes`: when the mailbox last pressed a button of ours."""
    box = Mailbox.objects.filter(key=key_of(email)).first()
    written = _written(box) if box else []
    return max(_cooled(kind, written, now=now), _tomorrow(kind, written, now=now, yes=yes))


def is_used_up(kind: Kind, email: str, *, now: datetime, yes: datetime | None) -> bool:
    """Whether a day's last one has left."""
    box = Mailbox.objects.filter(key=key_of(email)).first()
    return box is not None and _tomorrow(kind, _written(box), now=now, yes=yes) > now


def take(kind: Kind, email: str, *, letter_id: int, now: datetime, yes: datetime | None) -> datetime:
    """Now, and the letter is written down as leaving; or when there is room again. In a transaction.

    A letter that the mailer refused does not stand in its own way.
    """
    box = _locked(key_of(email), now=now)
    written = _written(box, without=letter_id)
    free = max(_cooled(kind, written, now=now), _tomorrow(kind, written, now=now, yes=yes))
    if free <= now:
        _write(box, [*_kept(box, letter_id, now=now), [letter_id, kind, now.isoformat()]], now=now)
    return free


def give_back(email: str, *, letter_id: int, now: datetime) -> None:
    """It did not leave after all, and is not to count."""
    with transaction.atomic():
        box = _locked(key_of(email), now=now)
        _write(box, _kept(box, letter_id, now=now), now=box.last_at)


def forget(*, now: datetime) -> int:
    return Mailbox.objects.filter(last_at__lt=now - KEPT).delete()[0]


def _cooled(kind: Kind, written: Written, *, now: datetime) -> datetime:
    groups = [kinds for kinds in AN_HOUR_APART if kind in kinds]
    return max((at + COOL_DOWN for kinds in groups for each, at in written if each in kinds), default=now)


def _tomorrow(kind: Kind, written: Written, *, now: datetime, yes: datetime | None) -> datetime:
    """A day after the first of a day's, where that was the last but for tomorrow's.

    A press of the button in one of them shows that they are welcome; whoever names somebody else's mailbox has shown
    nothing.
    """
    since = max(now - DAY, (yes if kind != Kind.NEW_ADDRESS else None) or NEVER)
    free = now
    for kinds, most in MOST_A_DAY:
        sent = sorted((at for each, at in written if each in kinds and at > since), reverse=True)
        if kind in kinds and len(sent) >= most:
            free = max(free, sent[most - 1] + DAY)
    return free


def _locked(key: str, *, now: datetime) -> Mailbox:
    while (box := Mailbox.objects.select_for_update().filter(key=key).first()) is None:
        Mailbox.objects.bulk_create([Mailbox(key=key, last_at=now)], ignore_conflicts=True)
    return box


def _written(box: Mailbox, *, without: int = 0) -> Written:
    return [(Kind(kind), datetime.fromisoformat(at)) for pk, kind, at in box.written if pk != without]


def _kept(box: Mailbox, letter_id: int, *, now: datetime) -> list[list[object]]:
    return [
        each for each in box.written if each[0] != letter_id and datetime.fromisoformat(each[2]) > now - KEPT
    ]


def _write(box: Mailbox, written: Iterable[list[object]], *, now: datetime) -> None:
    Mailbox.objects.filter(pk=box.pk).update(written=list(written), last_at=now)
