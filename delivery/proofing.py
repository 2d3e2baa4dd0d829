"""Test mails: an issue as it stands, sent to a few addresses to be looked at, by the way that all readers' mails go.

Nothing of them is in the ledger, for nobody of them is a reader. Each goes out once: whoever claims it speaks, and if
no answer was heard it may have gone out, and is not repeated by itself.
"""

from __future__ import annotations

import time
import uuid
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Case, When
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext as _

from delivery import circuit, epoch, freezing, gateway, links, personal, preparation, throttle
from delivery.exceptions import SendError, Transient
from delivery.messages import Recipient
from delivery.models import MailerState, Proof
from delivery.veiling import storable, veiled
from newsletter import faces, presence, rendering
from newsletter.rendering import Stencil, StencilError
from subscribers.models import Suppression, address_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.contrib.auth.models import User

    from delivery.messages import HandOver, Receipt
    from newsletter.models import Issue
    from subscribers.models import Subscription

MOST_ADDRESSES = 10
MOST_AN_HOUR = (
    30  # addresses, for each person: a newsroom needs no more, and whoever stole a password gets no more
)
# Longer than any hand-over: whoever speaks of a test for longer is dead.
LOST_AFTER = timedelta(minutes=3)
# A test that comes a quarter of an hour late is of a text that nobody is looking at any more.
LONGEST_WAIT = timedelta(minutes=15)
KEPT = timedelta(days=90)
State = Proof.State
OPEN = (State.WAITING, State.SPEAKING)  # nobody knows yet what becomes of it


class CannotTest(Exception):
    """Nothing was sent. The message says why, and what to do."""


def ask(issue: Issue, *, addresses: Sequence[str], by: User, reader: Subscription | None = None) -> Proof:
    """Note that a test is wanted; a worker sends it. The second of two clicks gets the first one's.

    `addresses` are canonical; `reader` is whose name and fields it shows. Raises CannotTest.
    """
    if reason := epoch.frozen():
        raise CannotTest(_("Nothing goes out from here at present. %(reason)s") % {"reason": reason})
    _refuse_suppressed(addresses)
    content_hash = faces.fingerprint(issue)
    with transaction.atomic():
        presence.hold(by)  # two tabs must not count at the same time
        for other in Proof.objects.filter(
            issue=issue, asked_by=by, reader=reader, content_hash=content_hash, state__in=OPEN
        ):
            if other.addresses == list(addresses):
                return other
        _refuse_too_many(len(addresses), by=by)
        return Proof.objects.create(
            issue=issue, content_hash=content_hash, addresses=list(addresses), reader=reader, asked_by=by
        )


def _refuse_suppressed(addresses: Sequence[str]) -> None:
    keys = {address_key(address): address for address in addresses}
    found = Suppression.objects.filter(address_key__in=keys).values_list("address_key", flat=True)
    if refused := sorted(keys[key] for key in found):
        words = _("%(addresses)s must not be mailed: it bounced, or its owner asked for it. Leave it out.")
        raise CannotTest(words % {"addresses": ", ".join(refused)})


def _refuse_too_many(wanted: int, *, by: User) -> None:
    an_hour_ago = timezone.now() - timedelta(hours=1)
    asked = Proof.objects.filter(asked_by=by, asked_at__gt=an_hour_ago).values_list("addresses", flat=True)
    left = MOST_AN_HOUR - sum(map(len, asked))
    if wanted > left:
        raise CannotTest(
            _(
                "Each person can send tests to %(most)s addresses an hour, and you have %(left)s left. Wait a little,"
                " or leave some out."
            )
            % {"most": MOST_AN_HOUR, "left": max(left, 0)}
        )


def last_used(user: User, issue: Issue) -> list[str]:
    """Where this person sent the last test of this issue: whoever looked at another has not asked for this one."""
    found = Proof.objects.filter(asked_by=user, issue=issue)
    addresses = found.values_list("addresses", flat=True).first() or []
    return [address for address in addresses if address != Proof.DELETED]


def latest(issue: Issue) -> Proof | None:
    """The last test that went out; rather one of the text as it stands now than a later one of another."""
    is_another = Case(When(content_hash=faces.fingerprint(issue), then=0), default=1)
    return issue.proofs.filter(state=State.SENT).order_by(is_another, "-asked_at", "-pk").first()


def is_stale(proof: Proof, issue: Issue) -> bool:
    """Whether a reader would see something else now than the test showed."""
    return proof.content_hash != faces.fingerprint(issue)


def send(proof_id: int) -> None:
    """Send a test that waits; nothing when it does not wait any more. Safe to run twice."""
    waiting = Proof.objects.select_related("issue__newsletter", "reader__subscriber")
    proof = waiting.filter(pk=proof_id, state=State.WAITING).first()
    if proof is None:
        return
    if not epoch.may_send():
        _leave(proof.pk, epoch.frozen())
        return
    if proof.issue is None:
        _leave(proof.pk, _("The issue was deleted before its test went out."))
        return
    if not (wanted := len(_numbered(proof))):
        _leave(proof.pk, _("Whoever it was to go to was deleted before it went out."))
        return
    alias = circuit.in_use(preparation.MAILER)
    if words := _must_wait(alias, addresses=wanted):
        Proof.objects.filter(pk=proof.pk, state=State.WAITING).update(detail=words)
        return
    try:
        hand_over, content_hash = _ready(proof, proof.issue, alias=alias)
    except (SendError, StencilError) as error:  # nothing has left
        _leave(proof.pk, _why(error, sender=proof.issue.newsletter.sender_email))
        return
    if _claim(proof, content_hash=content_hash):
        _note(proof, hand_over.speak())


def _why(error: Exception, *, sender: str) -> str:
    if isinstance(error, Transient):
        words = _(
            "The mail provider cannot be reached, so nothing went out. Try again in a moment. (%(why)s)"
        )
    else:
        words = _("Nothing went out: %(why)s")
    return words % {"why": veiled(str(error), keep=sender)}


def _must_wait(alias: str, *, addresses: int) -> str:
    """Why it cannot go at this moment; "" when it is its turn."""
    asked = MailerState.objects.filter(alias=alias, not_before__gt=Now())
    if state := asked.first():
        return state.waiting_for or _("The mail provider asked us to wait.")
    room = throttle.room(alias, domain="")
    if isinstance(room, throttle.Full):
        return room.words
    turn = throttle.book(alias, readers=addresses)
    if turn is None:
        return _("The mailer is busy with an issue.")
    time.sleep(turn)
    return ""


def _ready(proof: Proof, issue: Issue, *, alias: str) -> tuple[HandOver, str]:
    """All that can fail without harm, and the fingerprint of what it will show."""
    issue = freezing.as_if_now(issue, now=timezone.now())
    parts = freezing.frozen(issue)
    mail = freezing.mail(issue, parts, subject=_("[Test] %s") % (issue.subject.strip() or _("(no subject)")))
    said = links.nobodys(slots=[*mail.html.slots, *mail.text.slots]) | values(issue, proof.reader)
    recipients = [Recipient(number, address, said) for number, address in _numbered(proof).items()]
    key = str(uuid.uuid4()) if gateway.profile(alias).key_life else ""
    return gateway.ready(mail, recipients, alias=alias, key=key), parts.content_hash


def values(issue: Issue, reader: Subscription | None) -> dict[str, str]:
    """For every slot of the mail: what it says of this reader, or of somebody who is not known; and nobody's links, so
    that no test and no preview holds a reader's own."""
    facts = {} if reader is None else personal.facts(reader)
    return personal.values(rendering.merges(issue.body), facts, links.nobodys())


def filled(stencil: str, *, issue: Issue, reader: Subscription | None) -> str:
    """One face of the mail with those values, for looking at it."""
    said = values(issue, reader)
    return Stencil.parse(stencil, allowed=said).fill(said)


def _numbered(proof: Proof) -> dict[int, str]:
    """Numbers that no delivery has, so that a provider's events about a test concern nobody; and new ones each time,
    since mailboxes drop a mail whose Message-ID they know."""
    return {
        -(proof.pk * 100 + place): address
        for place, address in enumerate(proof.addresses)
        if address != Proof.DELETED
    }


def _claim(proof: Proof, *, content_hash: str) -> bool:
    """From here on it may have gone out. The row count decides which of two workers speaks."""
    waiting = Proof.objects.filter(pk=proof.pk, state=State.WAITING)
    return waiting.update(state=State.SPEAKING, spoken_at=Now(), content_hash=content_hash, detail="") == 1


def _note(proof: Proof, receipt: Receipt) -> None:
    """What became of it, in words for whoever asked."""
    sender = proof.issue.newsletter.sender_email if proof.issue else ""
    receipt = storable(receipt, sender=lambda: sender)
    stopped = str(receipt.stopped_by or _("The provider did not take it."))
    trouble = {**receipt.deferred, **receipt.refused, **receipt.uncertain}
    state = State.SENT if receipt.accepted else State.FAILED
    with transaction.atomic():
        # An answer that comes late still counts: only who claimed it can have one.
        ours = Proof.objects.filter(pk=proof.pk, state__in=[State.SPEAKING, State.UNCERTAIN])
        row = ours.select_for_update(of=["self"]).first()
        if row is None:
            return
        known = _numbered(row)  # who was deleted since it left has no place in the words
        lines = [
            f"{known.get(number, Proof.DELETED)}: {trouble.get(number, stopped)}"
            for number in _numbered(proof)
            if number not in receipt.accepted
        ]
        ours.update(
            state=State.UNCERTAIN if receipt.uncertain else state, detail="\n".join(lines), settled_at=Now()
        )


def _leave(proof_id: int, words: str) -> None:
    """Nothing of it has left, and nothing will."""
    Proof.objects.filter(pk=proof_id, state=State.WAITING).update(
        state=State.FAILED, detail=words, settled_at=Now()
    )


def recover() -> list[int]:
    """For the sweep: say what is not known any more, forget what is old, and name what waits."""
    Proof.objects.filter(state=State.SPEAKING, spoken_at__lt=Now() - LOST_AFTER).update(
        state=State.UNCERTAIN,
        detail=_(
            "The worker stopped before it heard an answer, so the test may have gone out. Look into the mailbox before"
            " you send another."
        ),
        settled_at=Now(),
    )
    late = Proof.objects.filter(state=State.WAITING, asked_at__lt=Now() - LONGEST_WAIT)
    for proof in late:
        words = _("It could not go out within a quarter of an hour, so it was left. %(why)s")
        _leave(proof.pk, (words % {"why": proof.detail}).strip())
    Proof.objects.filter(asked_at__lt=Now() - KEPT).delete()
    return [*Proof.objects.filter(state=State.WAITING).order_by("asked_at").values_list("pk", flat=True)]
