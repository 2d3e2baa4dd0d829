"""A provider's answer when the database is away for long: kept as a file of this host, recorded when it is back.

Without it these readers would be uncertain although we know better. One answer is one file in DATA_DIR/answers, on the
disk before it has its name, so that a file with that name is whole. A worker of this host takes it by renaming it:
the file system decides who of many. Recording is harmless when done twice, so a taker's death costs only time.
"""

from __future__ import annotations

import json
import logging
import os
import secrets
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import DatabaseError, InterfaceError, InternalError, OperationalError

from delivery import recording
from delivery.exceptions import AccountRefused, CallRefused, SendError, Transient, Uncertain
from delivery.messages import Receipt
from delivery.models import Attempt, Batch

if TYPE_CHECKING:
    from collections.abc import Iterator

logger = logging.getLogger(__name__)

FOLDER = "answers"
KEPT, BEGUN, TAKEN, DAMAGED = ".json", ".part", ".taken", ".damaged"
# Seconds after which whoever wrote or took a file has died over it.
LONGEST_TAKE = 600.0
# The database cannot be used now; the same statement may do well later. InternalError: a standby that only reads.
AWAY = (OperationalError, InterfaceError, InternalError)
OUTCOMES = ("accepted", "refused", "deferred", "uncertain")
ERRORS: dict[str, type[SendError]] = {
    kind.__name__: kind for kind in (Transient, CallRefused, AccountRefused, Uncertain)
}


class Damaged(Exception):
    """The file is no answer that this database could record."""


def keep(batch: Batch, attempt: Attempt, receipt: Receipt, *, leaves_some: bool) -> None:
    """Never raises: when even this cannot be written, the log has all of it."""
    text = json.dumps(_written(batch, attempt, receipt, leaves_some=leaves_some))
    path = _folder() / f"{attempt.pk}-{secrets.token_hex(4)}{KEPT}"
    try:
        _write(path, text.encode())
    except OSError as error:
        words = "Dispatch %s: the database is away, and its provider's answer cannot be kept in %s (%s). It is: %s"
        logger.error(words, batch.dispatch_id, path.parent, error.strerror, text)
    else:
        words = "Dispatch %s: the database is away; its provider's answer is kept in %s until it is back."
        logger.error(words, batch.dispatch_id, path)


def bring_in() -> None:
    """Record what is kept on this host; next to nothing when there is nothing."""
    for path in sorted(_due()):
        _take(path)


def _folder() -> Path:
    return Path(settings.DATA_DIR) / FOLDER


def _written(batch: Batch, attempt: Attempt, receipt: Receipt, *, leaves_some: bool) -> dict[str, Any]:
    error = receipt.stopped_by
    return {
        "attempt": attempt.pk,
        "batch": batch.pk,
        "fence": batch.fence,
        "fingerprint": attempt.fingerprint,
        "leaves_some": leaves_some,
        **{name: getattr(receipt, name) for name in OUTCOMES},
        "stopped_by": error and [type(error).__name__, str(error), getattr(error, "retry_after", None)],
    }


def _write(path: Path, content: bytes) -> None:
    """For its owner alone: a provider's words may hold an address."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    begun = path.with_suffix(BEGUN)
    with open(os.open(begun, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    begun.rename(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # the name, too
    finally:
        os.close(folder)


def _due() -> Iterator[Path]:
    try:
        found = list(os.scandir(_folder()))
    except OSError:  # nothing was ever kept here
        return
    for entry in found:
        if entry.name.endswith(KEPT) or (entry.name.endswith((BEGUN, TAKEN)) and _is_left(entry)):
            yield Path(entry.path)


def _is_left(entry: os.DirEntry[str]) -> bool:
    try:
        return time.time() - entry.stat().st_mtime > LONGEST_TAKE
    except FileNotFoundError:
        return False


def _take(path: Path) -> None:
    taken = path.with_name(f"{path.name.partition('.')[0]}.{secrets.token_hex(4)}{TAKEN}")
    try:
        os.utime(path)  # from now on; before it has the name that others look at
        path.rename(taken)
    except FileNotFoundError:  # another worker was first
        return
    try:
        _record(taken)
    except AWAY:
        taken.rename(path.with_suffix(KEPT))
        raise
    except (Damaged, DatabaseError) as error:
        aside = taken.with_suffix(DAMAGED)
        taken.rename(aside)
        logger.error("A kept answer cannot be recorded (%s). It is set aside as %s.", error, aside)
    else:
        taken.unlink()


def _record(path: Path) -> None:
    try:
        kept = json.loads(path.read_bytes())
        receipt = _receipt(kept)
        names = {"pk": kept["attempt"], "batch_id": kept["batch"], "fingerprint": kept["fingerprint"]}
        fence, leaves_some = int(kept["fence"]), bool(kept["leaves_some"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Damaged(f"it is not whole: {error}") from error
    # The fingerprint is of the mails themselves: a number alone may mean another hand-over in a restored database.
    attempt = Attempt.objects.select_related("batch").filter(**names).first()
    if attempt is None:
        raise Damaged(f"this database knows no such hand-over: {kept['attempt']}")
    batch = attempt.batch
    batch.fence, batch.mailer = fence, attempt.mailer  # as they were when it was spoken
    recording.record(batch, attempt, receipt, leaves_some=leaves_some)
    logger.warning("Dispatch %s: a kept answer is recorded now.", batch.dispatch_id)


def _receipt(kept: dict[str, Any]) -> Receipt:
    error = None
    if kept["stopped_by"]:
        kind, words, retry_after = kept["stopped_by"]
        error = (
            Transient(words, retry_after=retry_after)
            if kind == Transient.__name__
            else ERRORS.get(kind, SendError)(words)
        )
    readers = {name: {int(pk): str(words) for pk, words in kept[name].items()} for name in OUTCOMES}
    return Receipt(**readers, stopped_by=error)
