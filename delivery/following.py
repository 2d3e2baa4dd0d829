"""After a stop: the mended issue to those who did not get it, and a correction to those who did.

Each is a dispatch of its own, after the one whose readers it is for. Together they reach nobody twice: the rest takes
whom the stop has skipped and whom the stopped dispatch had failed to reach, a correction whom the issue reached, or may
have reached. Every verb holds the row of the dispatch before first, as delivery.control does, so that nobody gets it
once more as it was and the correction beside.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from delivery import preflight, preparation
from delivery.exceptions import AlreadyDispatched, CannotStart
from delivery.models import Batch, Delivery, Dispatch
from newsletter import faces

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.contrib.auth.models import User

Audience, State = Dispatch.Audience, Delivery.State
ENDED = (Dispatch.State.STOPPED, Dispatch.State.SENT)
SUBJECT = Dispatch._meta.get_field("subject").max_length or 200


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody asks for: to whom, and what they saw when they pressed the button."""

    audience: Dispatch.Audience
    approved: str  # the issue's fingerprint
    expected: int  # readers
    subject: str = ""  # of a correction; the issue's own when empty
    note: str = ""


def start_rest(
    before: Dispatch, *, approved: str, expected: int, by: User, subject: str = "", note: str = ""
) -> Dispatch:
    """The issue as it stands now, to those whom the stop of `before` has skipped.

    The rest of a correction is a correction still: with the given subject and note, or with those it had; always with
    those where two have to agree to the words. Raises AlreadyDispatched for the second who presses, and CannotStart
    with what to mend.
    """
    with held(before) as ours:
        if asks_for_two(ours):
            subject, note = "", ""
        if corrects(ours):
            subject, note = subject or ours.subject, note or ours.note
        return begin(ours, Wanted(Audience.REST, approved, expected, subject, note), by=by)


def start_correction(
    before: Dispatch, *, approved: str, expected: int, by: User, subject: str, note: str
) -> Dispatch:
    """The issue as it stands now once more, to those whom `before` has reached or may have reached.

    In one's own words; where two have to agree to them, that is delivery.wording's.
    """
    with held(before) as ours:
        if asks_for_two(ours):
            raise CannotStart(
                _(
                    "The newsletter asks for a second person: write the words down, and somebody else sends them."
                )
            )
        return begin(ours, Wanted(Audience.CORRECTION, approved, expected, subject, note), by=by)


@contextmanager
def held(before: Dispatch) -> Iterator[Dispatch]:
    """Read anew, and ours until the end: whoever tries its failed again was first, or waits and finds what we did."""
    rows = Dispatch.objects.select_for_update(of=("self",), no_key=True).select_related("issue__newsletter")
    with transaction.atomic():
        yield rows.defer("html", "text").get(pk=before.pk)


def asks_for_two(dispatch: Dispatch) -> bool:
    return dispatch.issue.newsletter.needs_second_person


def corrects(dispatch: Dispatch) -> bool:
    """Whether it is a correction, or what was left of one."""
    while dispatch.after and dispatch.audience == Audience.REST:
        dispatch = dispatch.after
    return dispatch.audience == Audience.CORRECTION


def follower(before: Dispatch, *, to: str) -> Dispatch | None:
    return before.followers.filter(audience=to).defer("html", "text").first()


def readers(before: Dispatch) -> dict[str, int]:
    """Whom each would be for, by one look at the ledger; whoever has left since is among them, and is skipped."""
    tally = before.deliveries.all().tally()
    failed = sum(count for (state, _reason), count in tally.items() if state == State.FAILED)
    was_stopped = before.state == Dispatch.State.STOPPED
    return {
        Audience.REST.value: tally.get((State.SKIPPED, Delivery.Reason.STOPPED), 0) + failed * was_stopped,
        Audience.CORRECTION.value: sum(
            count for (state, _reason), count in tally.items() if state in {State.ACCEPTED, State.UNCERTAIN}
        ),
    }


def problems(before: Dispatch, *, by: User) -> list[str]:
    """Why neither can be sent now, in words; what is asked at the press of the button is asked here as well."""
    issue = before.issue
    found = [] if _is_settled(before) else [_unsettled(before)]
    found += [each.words for each in preflight.report(issue).in_the_way]
    if asks_for_two(before) and issue.edited_by_id == by.pk:
        found.append(
            _(
                "Somebody else than who wrote the last word must send it: the newsletter asks for a second person."
            )
        )
    return found


def _is_settled(before: Dispatch) -> bool:
    return before.state in ENDED and not Batch.objects.open().filter(dispatch=before).exists()


def _unsettled(before: Dispatch) -> str:
    if before.state in ENDED:
        return _("The last of it is still being settled. Look again in a moment.")
    return _("It has not ended. Stop it first, or wait until it has gone out.")


def begin(ours: Dispatch, wanted: Wanted, *, by: User) -> Dispatch:
    """What is asked here cannot change before the end of the transaction, for the dispatch before is `held`."""
    if found := follower(ours, to=wanted.audience):
        raise AlreadyDispatched(found.pk)
    if wanted.approved != faces.fingerprint(ours.issue):
        raise CannotStart(_("The issue has been changed since this page was opened. Look at it once more."))
    if in_the_way := problems(ours, by=by):
        raise CannotStart(" ".join(in_the_way))
    _refuse_unless_seen(ours, wanted)
    return _frozen(ours, wanted, by=by)


def _refuse_unless_seen(before: Dispatch, wanted: Wanted) -> None:
    now = readers(before)[wanted.audience]
    if not now:
        raise CannotStart(_("There is nobody whom it would be for."))
    if now != wanted.expected:
        words = ngettext(
            "It is now %(now)s reader, not %(seen)s. Look again; nothing was sent.",
            "It is now %(now)s readers, not %(seen)s. Look again; nothing was sent.",
            now,
        )
        raise CannotStart(words % {"now": f"{now:,}", "seen": f"{wanted.expected:,}"})


def _frozen(before: Dispatch, wanted: Wanted, *, by: User) -> Dispatch:
    own = {"subject": wanted.subject.strip()[:SUBJECT]} if wanted.subject.strip() else {}
    return preparation.frozen(
        before.issue,
        started_by=by,
        note=wanted.note.strip(),
        audience=wanted.audience,
        after=before,
        not_before=timezone.now() + settings.SEND_UNDO,
        reason=_("Nothing has left yet; until then it can be taken back."),
        **own,
    )
