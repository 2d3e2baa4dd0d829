from __future__ import annotations

import logging

import pytest

from config.logs import WithoutKeys


@pytest.mark.parametrize(
    ("path", "written"),
    [
        ("/s/manage/12.ab~1xV5Nl~lk5Yd/of/daily/leave/", "/s/manage/***/of/daily/leave/"),
        ("/s/unsubscribe/12.~lk5Yd", "/s/unsubscribe/***"),
        ("/daily/manage/", "/daily/manage/"),
    ],
)
def test_log_names_no_key_of_a_readers_link(path: str, written: str) -> None:
    record = logging.LogRecord("django.request", logging.WARNING, "", 1, "%s: %s", ("Gone", path), None)

    kept = WithoutKeys().filter(record)

    assert (kept, record.getMessage()) == (True, f"Gone: {written}")
