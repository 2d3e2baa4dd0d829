from __future__ import annotations

from django.conf import settings


def test_no_wake_up_piles_up_while_nobody_works() -> None:
    """What the clock asks for is asked for again: a message that waited for longer than that is worth nothing."""
    lasting = [name for name, entry in settings.CELERY_BEAT_SCHEDULE.items() if not _expires(entry)]

    assert lasting == []


def _expires(entry: dict[str, object]) -> bool:
    options = entry.get("options", {})
    assert isinstance(options, dict)
    return 0 < options.get("expires", 0) <= 3600
