"""Whether this database may send: not when it is a backup that was restored, a clone, or a copy for trying things out.

Such a database does not know what was sent after it was made, and would send it again. What shows it: a mark outside
the database (delivery.watermark) is ahead of it, or SITE_URL is another one. Then sending is frozen, until a person on
the server has looked and typed `manage.py epoch --accept`.
"""

from __future__ import annotations

import logging
import uuid
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction
from django.db.models import Subquery
from django.db.models.functions import Coalesce, Now

from delivery import watermark
from delivery.models import Attempt, Digest, Dispatch, Installation, Plan
from delivery.models.installation import ONLY
from delivery.watermark import Mark
from newsletter import publishing
from newsletter.models import Issue

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from delivery.watermark import Place

logger = logging.getLogger(__name__)

LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})
DOUBT = "Whoever still waits here may have the issue already."
ACCEPTED = (
    "The database was restored or moved while this was on its way. "
    f"{DOUBT} Look at the provider's log before you go on."
)

_sending_as: Mark | None = None  # this process's, as it last looked


def may_send() -> bool:
    """Look before beginning to send, once per wake-up. One query; what is found wrong freezes all sending.

    Also after a database was away: what comes back may be a standby that lacks the last hand-overs.
    """
    global _sending_as
    # Marks first: a hand-over is committed before it is marked, so the database, asked later, knows what they know.
    leaves = _mail_leaves()
    marks = {place: place.read() for place in watermark.places()} if leaves else {}
    ours = _ours() if leaves else _found()  # trying things out must not settle which site this is
    if ours and ours.frozen_since:
        _pause_open(ours.frozen_reason)
        return False
    if ours is None or not leaves:
        return True
    known = Mark(ours.uuid, ours.epoch, _highest(ours))
    reason = _why_not(ours, known, marks)
    if reason:
        freeze(reason)
    _follow(ours, marks)
    if reason:
        return False
    for place, mark in marks.items():
        if mark is None or not _is_of(mark, known):  # lost, or from before
            place.write(known)
    _sending_as = known
    return True


def note(attempt_id: int) -> None:
    """This hand-over is written ahead and committed; nothing has left yet."""
    if _sending_as is not None and _mail_leaves():
        mark = Mark(_sending_as.installation, _sending_as.epoch, attempt_id)
        for place in watermark.places():
            place.note(mark)


def frozen() -> str:
    """Why nothing goes out, in plain words; "" when it does. One query."""
    rows = Installation.objects.filter(pk=ONLY).exclude(frozen_since=None)
    return rows.values_list("frozen_reason", flat=True).first() or ""


def freeze(reason: str) -> None:
    """Nothing goes out any more, until somebody accepts."""
    _ours()
    if Installation.objects.filter(pk=ONLY, frozen_since=None).update(
        frozen_since=Now(), frozen_reason=reason
    ):
        logger.error("Sending is frozen: %s", reason)
    _pause_open(reason)


def accept() -> None:
    """A person has looked: this database is the one to go on with. Nothing goes on by itself.

    Open dispatches wait for somebody to resume each; schedules are drafts again, for they may have been sent since. For
    the same reason a weekly digest that is due now is left out.
    """
    with transaction.atomic():
        ours = Installation.objects.select_for_update().get(pk=ONLY)
        if _host(ours.site_url) != _host(settings.SITE_URL):
            # A branch of its own, whatever becomes of the other.
            ours.predecessors.append(str(ours.uuid))
            ours.uuid = uuid.uuid4()
        ours.epoch += 1
        ours.site_url, ours.frozen_since, ours.frozen_reason = settings.SITE_URL, None, ""
        ours.save(
            update_fields=["uuid", "epoch", "site_url", "predecessors", "frozen_since", "frozen_reason"]
        )
        open_states = [Dispatch.State.SENDING, Dispatch.State.PAUSED]
        Dispatch.objects.filter(state__in=open_states).update(state=Dispatch.State.PAUSED, reason=ACCEPTED)
        for issue in Issue.objects.filter(status=Issue.Status.SCHEDULED):
            publishing.unschedule(issue)
        Digest.objects.open().delete()  # this week's may have gone out; the next one is planned from now on
        Plan.objects.exclude(approved_at=None).end(because=ACCEPTED)
    highest = Attempt.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    for place in watermark.places():
        place.write(Mark(ours.uuid, ours.epoch, highest))
    logger.warning(
        "Sending from this database was accepted for %s; epoch %s begins.", ours.site_url, ours.epoch
    )


def report() -> Iterator[str]:
    """All of this in lines for a person."""
    ours = _found()
    if ours is None:
        yield "Nothing has been sent from this database yet."
        return
    yield f"Installation {ours.uuid}, epoch {ours.epoch}, of {ours.site_url}."
    yield f"The last hand-over in the database: number {_highest(ours)}."
    for place in watermark.places():
        mark = place.read()
        which = f"number {mark.attempt}, epoch {mark.epoch}" if mark else "none is noted"
        other = f", of installation {mark.installation}" if mark and mark.installation != ours.uuid else ""
        yield f"The last one made, says {place.name}: {which}{other}."
    yield f"Sending is frozen: {ours.frozen_reason}" if ours.frozen_since else "Sending is not frozen."


def _mail_leaves() -> bool:
    return any(given["scheme"] != "outbox" for given in settings.HAND_OVER.values())


def _found() -> Installation | None:
    """With `highest`, the last hand-over that this database knows."""
    last = Attempt.objects.order_by("-pk").values("pk")[:1]
    return Installation.objects.annotate(highest=Coalesce(Subquery(last), 0)).filter(pk=ONLY).first()


def _ours() -> Installation:
    if (found := _found()) is None:
        Installation.objects.get_or_create(pk=ONLY, defaults={"site_url": settings.SITE_URL})
        found = _found()
    assert found is not None  # noqa: S101 -- just made, and never deleted
    return found


def _highest(ours: Installation) -> int:
    return int(ours.highest)  # type: ignore[attr-defined]  # annotated


def _is_of(mark: Mark, known: Mark) -> bool:
    return (mark.installation, mark.epoch) == (known.installation, known.epoch)


def _why_not(ours: Installation, known: Mark, marks: Mapping[Place, Mark | None]) -> str:
    if _host(ours.site_url) != _host(settings.SITE_URL):
        return f"The database belongs to {ours.site_url}, but SITE_URL is {settings.SITE_URL} here."
    for place, mark in marks.items():
        if mark is not None and (reason := _ahead(mark, known, predecessors=ours.predecessors)):
            return f"{reason} So says {place.name}."
    return ""


def _ahead(mark: Mark, known: Mark, *, predecessors: list[str]) -> str:
    if _is_of(mark, known):
        if mark.attempt > known.attempt:
            return (
                f"The database went back in time: its last hand-over is number {known.attempt}, and number"
                f" {mark.attempt} was made. A backup was restored, or a standby took over that lacks the last ones."
            )
    elif mark.installation == known.installation:
        if mark.epoch > known.epoch:
            return f"The database is from epoch {known.epoch}, and epoch {mark.epoch} had begun."
    elif str(mark.installation) not in predecessors and (known.attempt or _has_plans()):
        # An empty one has nothing to repeat: a new database may take an old one's place.
        return "The last to send from here was another installation than this database's."
    return ""


def _has_plans() -> bool:
    return Dispatch.objects.exists() or Issue.objects.filter(status=Issue.Status.SCHEDULED).exists()


def _follow(ours: Installation, marks: Mapping[Place, Mark | None]) -> None:
    """Remember whose marks were found: once this installation sends, they say nothing about it, on no host."""
    found = {str(mark.installation) for mark in marks.values() if mark}
    if new := found - {str(ours.uuid), *ours.predecessors}:
        Installation.objects.filter(pk=ONLY).update(predecessors=[*ours.predecessors, *sorted(new)])


def _pause_open(reason: str) -> None:
    Dispatch.objects.filter(state=Dispatch.State.SENDING).update(
        state=Dispatch.State.PAUSED, reason=f"Sending is frozen. {reason} {DOUBT}"
    )


def _host(url: str) -> str:
    """What must be the same. On one's own machine any port is."""
    parts = urlsplit(url)
    return str(parts.hostname) if parts.hostname in LOCAL else parts.netloc.lower()
