"""A database in another place than its own, and another database in its place."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import call_command

from delivery import control, epoch, tasks, watermark
from delivery.models import Installation
from delivery.watermark import Mark
from newsletter.models import Issue
from tests.delivery.engine import READERS, prepared, send
from tests.fakes.client import Fake


@pytest.fixture(autouse=True)
def own_folder(settings: Any, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path


@pytest.mark.parametrize(
    ("before", "here", "may"),
    [
        ("https://news.example.com", "https://staging.example.com", False),
        ("https://news.example.com", "https://news.example.com:8443", False),
        ("http://news.example.com", "https://News.example.com", True),
        ("http://localhost:8000", "http://localhost:8001", True),
    ],
)
def test_copy_with_another_address_does_not_send(
    draft: Issue, mailgun: Fake, settings, before: str, here: str, may: bool
) -> None:
    settings.SITE_URL = before
    dispatch = prepared(draft)
    tasks.sweep()
    settings.SITE_URL = here

    balance = send(dispatch)

    assert (balance.accepted, mailgun.seen()["mails"]) == ((READERS, READERS) if may else (0, 0))
    assert epoch.frozen() == (
        "" if may else f"The database belongs to {before}, but SITE_URL is {here} here."
    )


def test_moved_site_sends_when_accepted_and_is_an_installation_of_its_own(
    draft: Issue, mailgun: Fake, settings
) -> None:
    dispatch = prepared(draft)
    tasks.sweep()
    before = Installation.objects.get()
    settings.SITE_URL, settings.SITE_HOST = "https://moved.example", "moved.example"
    tasks.sweep()

    call_command("epoch", accept="moved.example")
    control.resume(dispatch.pk)

    now = Installation.objects.get()
    assert (now.site_url, now.epoch, now.predecessors) == ("https://moved.example", 2, [str(before.uuid)])
    assert send(dispatch).accepted == READERS


def test_copy_that_only_fills_the_outbox_is_free_to(draft: Issue, settings) -> None:
    settings.SITE_URL = "http://localhost:9000"
    dispatch = prepared(draft)
    watermark.places()[0].write(Mark(uuid4(), 3, 10**6))

    assert send(dispatch).accepted == READERS
    assert (epoch.frozen(), Installation.objects.exists()) == ("", False)


def test_new_database_takes_an_old_ones_place(draft: Issue, mailgun: Fake, tmp_path: Path) -> None:
    old = Mark(uuid4(), 3, 10**6)
    for place in watermark.places():
        place.write(old)
    tasks.sweep()
    dispatch = prepared(draft)

    assert send(dispatch).accepted == READERS

    ours = Installation.objects.get()
    assert ours.predecessors == [str(old.installation)]
    watermark.places()[0].write(old)  # the old one's mark is still on another host
    assert epoch.may_send()


def test_database_that_has_sent_does_not_send_where_another_one_did(draft: Issue, mailgun: Fake) -> None:
    dispatch = prepared(draft)
    mailgun.faults(throttle_every=2, retry_after=60)
    send(dispatch)
    stranger = Mark(uuid4(), 1, 1)
    watermark.places()[0].write(stranger)
    sent = mailgun.seen()["mails"]

    send(dispatch)
    reason = epoch.frozen()
    call_command("epoch", accept="testserver")
    watermark.places()[0].write(stranger)

    assert mailgun.seen()["mails"] == sent
    assert reason.startswith("The last to send from here was another installation than this database's.")
    assert epoch.may_send()
