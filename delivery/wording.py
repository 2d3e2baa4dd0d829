"""The words over a correction, where a newsletter asks for a second person: one writes them down, another sends them.

Nobody but who sends them reads them before all the readers do. So what is sent is what was written down, by somebody
who wrote neither these words nor the last word of the issue.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from django.utils import timezone
from django.utils.translation import gettext as _

from delivery import following
from delivery.exceptions import AlreadyDispatched, CannotStart
from delivery.models import Dispatch, Wording
from newsletter import faces

if TYPE_CHECKING:
    from django.contrib.auth.models import User

CORRECTION = Dispatch.Audience.CORRECTION


def of(before: Dispatch) -> Wording | None:
    return Wording.objects.filter(after=before).select_related("by").first()


def write(before: Dispatch, *, subject: str, note: str, by: User, instead_of: str = "") -> Wording:
    """Write the words down, or others in their place; whoever did so last is whose words they are.

    `instead_of` is the `version` that was seen. Raises CannotStart, and AlreadyDispatched.
    """
    with following.held(before) as ours:
        if sent := following.follower(ours, to=CORRECTION):
            raise AlreadyDispatched(sent.pk)
        if not following.asks_for_two(ours):
            raise CannotStart(_("The newsletter asks for no second person any more. Look at it once more."))
        if version(of(ours)) != instead_of:
            raise CannotStart(_("Somebody has written other words in the meantime. Look at them first."))
        words = {"subject": subject.strip(), "note": note.strip(), "by": by, "saved_at": timezone.now()}
        return Wording.objects.update_or_create(after=ours, defaults=words)[0]


def send(before: Dispatch, *, seen: str, by: User) -> Dispatch:
    """The correction in these words. `seen` is the `seal` of the page on which somebody pressed: exactly that is sent.

    Raises CannotStart, and AlreadyDispatched.
    """
    with following.held(before) as ours:
        if sent := following.follower(ours, to=CORRECTION):
            raise AlreadyDispatched(sent.pk)
        words, readers = of(ours), following.readers(ours)[CORRECTION]
        if words is None or seal(words, ours, readers=readers) != seen:
            raise CannotStart(
                _(
                    "The words, the issue or the number of readers have changed since this page was opened. Look at it"
                    " once more; nothing was sent."
                )
            )
        if reason := objection(words, by):
            raise CannotStart(reason)
        approved = faces.fingerprint(ours.issue)
        wanted = following.Wanted(CORRECTION, approved, readers, words.subject, words.note)
        return following.begin(ours, wanted, by=by)


def objection(words: Wording, by: User) -> str:
    """Why this person cannot send them, in words; "" when they can. What else is in the way: following.problems."""
    return _("You wrote these words, so somebody else sends them.") if words.by_id == by.pk else ""


def version(words: Wording | None) -> str:
    return words.saved_at.isoformat() if words else ""


def seal(words: Wording, before: Dispatch, *, readers: int) -> str:
    """Of all that is agreed to: these words, this text, so many readers."""
    agreed = [words.subject, words.note, faces.fingerprint(before.issue), readers]
    return hashlib.sha256(json.dumps(agreed).encode()).hexdigest()
