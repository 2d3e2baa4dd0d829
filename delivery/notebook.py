"""What a worker notes while it hands mails over one by one: its death leaves one reader in doubt, and not all.

A batch of 500 by SMTP is 500 answers, and a worker that is killed in the middle knew all but one of them. So before
each mail leaves, its reader's number goes into a page: a small file of this host, one write, no waiting for the disk. A
kill does not undo a write; only a power cut may, and so a page counts for nothing after the machine has started anew.
As long as its worker lives the page is locked; whoever can lock it knows that the worker is dead, and records it.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings

from delivery import recording
from delivery.messages import Receipt
from delivery.models import Attempt

if TYPE_CHECKING:
    from collections.abc import Iterator

logger = logging.getLogger(__name__)

FOLDER, SUFFIX = "answers", ".page"
BOOT_ID = Path(
    "/proc/sys/kernel/random/boot_id"
)  # proc(5); other systems have no such thing, and so no pages
OF_ANOTHER_START = 24 * 3600.0  # seconds after which a page that counts for nothing is thrown away
LOST = "The worker died while this reader's mail was on its way."
ACCEPTED, REFUSED, DEFERRED, TELLING = "A", "R", "D", "T"


class Page:
    """Of one hand-over. Whoever has no line here was not spoken of."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path = path
        self._descriptor = descriptor
        self._last: int | None = None

    def is_begun(self, head: str) -> bool:
        """Locked for as long as this process lives, and begun; or gone again."""
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.write(self._descriptor, head.encode()) == len(head.encode()):
                return True
        except OSError:
            pass
        self.throw_away()
        return False

    def telling(self, delivery_id: int, receipt: Receipt) -> None:
        """This reader's mail leaves now. `receipt` is what is known of those before. Raises OSError."""
        lines = f"{self._outcome(receipt)}{TELLING} {delivery_id}\n".encode()
        self._last = delivery_id
        try:
            if self._descriptor >= 0 and os.write(self._descriptor, lines) != len(lines):
                raise OSError("Only a part of it could be written.")
        except OSError:  # a full disk: a page with a gap would lie, none is only less
            logger.warning("The notes on a hand-over cannot be written any more; it goes on without.")
            self.throw_away()

    def throw_away(self) -> None:
        """The answer is in the ledger, or the page is no good. Raises OSError."""
        if self._descriptor >= 0:
            self._path.unlink(missing_ok=True)
            os.close(self._descriptor)
            self._descriptor = -1

    def _outcome(self, receipt: Receipt) -> str:
        last = self._last
        if last is None:
            return ""
        if last in receipt.accepted:
            return f"{ACCEPTED} {last} {json.dumps(receipt.accepted[last])}\n"
        if last in receipt.refused:
            return f"{REFUSED} {last} {json.dumps(receipt.refused[last])}\n"
        if last in receipt.deferred:
            return f"{DEFERRED} {last} {json.dumps(receipt.deferred[last])}\n"
        return ""


def begin(attempt: Attempt) -> Page | None:
    """A page for a hand-over that is written ahead; None where none can be kept."""
    boot = _boot()
    path = _folder() / f"{attempt.pk}-{attempt.fence}{SUFFIX}"
    if not boot:
        return None
    head = json.dumps({"attempt": attempt.pk, "fingerprint": attempt.fingerprint, "boot": boot})
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        page = Page(path, os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600))
    except OSError:
        return None
    return page if page.is_begun(f"{head}\n") else None


def bring_in() -> None:
    """Record what dead workers of this host knew; next to nothing when none has died."""
    for path in _found():
        try:
            with path.open("rb") as page:
                fcntl.flock(page, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if os.fstat(page.fileno()).st_nlink == 0:  # thrown away since we opened it
                    continue
                _record(path, page.read().decode())
        except (BlockingIOError, FileNotFoundError):  # its worker lives, or another was first
            continue


def _record(path: Path, text: str) -> None:
    head, _, lines = text.partition("\n")
    try:
        known = json.loads(head)
        receipt = _receipt(lines)
    except (ValueError, KeyError):
        known, receipt = {}, Receipt()
    if known.get("boot") != _boot():
        if time.time() - path.stat().st_mtime > OF_ANOTHER_START:
            path.unlink()
        return
    names = {"pk": known["attempt"], "fingerprint": known["fingerprint"]}
    unclear = [Attempt.Outcome.OPEN, Attempt.Outcome.UNCERTAIN]  # the sweep may have been first
    attempt = Attempt.objects.select_related("batch").filter(**names, outcome__in=unclear).first()
    if attempt is not None:
        batch = attempt.batch
        batch.fence, batch.mailer = attempt.fence, attempt.mailer  # as they were when it was spoken
        recording.record(batch, attempt, receipt, leaves_some=True)
        words = "Dispatch %s: a worker died in the middle of a hand-over; its notes leave %s of %s readers in doubt."
        logger.error(words, batch.dispatch_id, len(receipt.uncertain), attempt.readers)
    path.unlink()


def _receipt(lines: str) -> Receipt:
    """Raises ValueError when the page is not whole."""
    receipt = Receipt()
    if lines and not lines.endswith("\n"):
        raise ValueError("The last line was not finished.")
    told = {ACCEPTED: receipt.accepted, REFUSED: receipt.refused, DEFERRED: receipt.deferred}
    for line in lines.splitlines():
        kind, _, rest = line.partition(" ")
        delivery_id, _, words = rest.partition(" ")
        if kind == TELLING:
            receipt.uncertain[int(delivery_id)] = LOST
        else:
            told[kind][int(delivery_id)] = json.loads(words)
            receipt.uncertain.pop(int(delivery_id), None)
    return receipt


def _found() -> Iterator[Path]:
    try:
        names = os.listdir(_folder())
    except OSError:  # nothing was ever noted here
        return
    yield from (_folder() / name for name in sorted(names) if name.endswith(SUFFIX))


def _folder() -> Path:
    return Path(settings.DATA_DIR) / FOLDER


def _boot() -> str:
    try:
        return BOOT_ID.read_text().strip()
    except OSError:
        return ""
