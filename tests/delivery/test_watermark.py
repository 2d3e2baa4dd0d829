"""How far sending has come, outside the database: cheap, and never in the way."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from delivery import watermark
from delivery.models import Attempt, Installation
from delivery.watermark import Mark
from newsletter.models import Issue
from tests.delivery.conftest import lose_marks
from tests.delivery.engine import READERS, prepared, send
from tests.fakes.client import Fake


@pytest.fixture(autouse=True)
def own_folder(settings: Any, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path


@pytest.mark.parametrize("lost", ["all", "damaged"])
def test_lost_marks_freeze_nothing_and_are_written_anew(
    draft: Issue, mailgun: Fake, settings, tmp_path: Path, lost: str
) -> None:
    dispatch = prepared(draft)
    mailgun.faults(throttle_every=2, retry_after=60)
    send(dispatch)
    mailgun.faults()
    if lost == "all":  # another host, and FLUSHALL
        lose_marks(tmp_path, settings.REDIS_URL)
    else:
        (tmp_path / watermark.FILE).write_bytes(b"courant\0\0\xff")

    assert send(dispatch).accepted == READERS

    ours = Installation.objects.get()
    last = Mark(ours.uuid, 1, Attempt.objects.latest("pk").pk)
    assert [place.read() for place in watermark.places()] == [last] * len(watermark.places())


def test_folder_that_cannot_be_written_stops_nobody_and_is_said_once(
    draft: Issue, mailgun: Fake, settings, caplog
) -> None:
    settings.DATA_DIR = Path("/dev/null/marks")
    dispatch = prepared(draft)

    assert send(dispatch, rounds=2).accepted == READERS

    said = [record.getMessage() for record in caplog.records if record.name == "delivery.watermark"]
    assert len(said) == 1
    assert said[0].startswith(
        "How far sending has come cannot be noted in the file /dev/null/marks/watermark on"
    )


def test_redis_that_is_away_stops_nobody(draft: Issue, mailgun: Fake, settings, caplog) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    dispatch = prepared(draft)

    assert send(dispatch, rounds=2).accepted == READERS

    said = [record.getMessage() for record in caplog.records if record.name == "delivery.watermark"]
    assert [words.partition(":")[0] for words in said] == [
        "Redis does not keep how far sending has come, for now"
    ]


def test_late_note_hides_no_higher_one(settings) -> None:
    ours = Mark(uuid4(), 1, 100)
    for place in watermark.places():
        place.write(ours)
        for attempt in (300, 299, 236, 172):
            place.note(Mark(ours.installation, 1, attempt))
        place.note(Mark(ours.installation, 0, 999))

    highest = [place.read() for place in watermark.places()]

    assert highest == [Mark(ours.installation, 1, 299)] + [Mark(ours.installation, 1, 300)] * (
        len(highest) - 1
    )
