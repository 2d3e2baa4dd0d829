from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.db import connection
from django.db.models.functions import Now

from config import mailers
from delivery import alarms, control, troubles
from delivery.models import Alarm, Batch, Dispatch
from newsletter import publishing
from newsletter.models import Issue
from tests import factories
from tests.delivery.engine import prepared

BEGAN = datetime(2026, 11, 20, 7, 0, tzinfo=UTC)


@pytest.fixture
def standing(draft: Issue) -> Dispatch:
    """Goes out since long, and no worker has come."""
    return stood_still(prepared(draft))


def stood_still(dispatch: Dispatch) -> Dispatch:
    Dispatch.objects.filter(pk=dispatch.pk).update(state_since=BEGAN, started_at=BEGAN)
    dispatch.refresh_from_db()
    return dispatch


@pytest.fixture
def boss(db: None) -> User:
    return User.objects.create_superuser("boss", "boss@daily.example")


def due_again() -> None:
    """The minutes after a failed mail are over."""
    Alarm.objects.update(mail_due_at=Now())


def said(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    return [
        (record.levelname, record.message) for record in caplog.records if record.name == "delivery.alarms"
    ]


STALLED = """\
Hello,

this is Courant, about “The tide keeps its own clock” of The Daily.

Nothing has gone out since 20 November 2026, 07:00 (UTC), though it could.

Where it stood when this mail was written:
audience 30 = 0 accepted + 0 failed + 0 skipped + 0 uncertain + 30 pending

What to look at: does a worker run, and is the broker (Redis) there? Their logs say what is wrong, and
http://testserver/readyz
says what the site sees. As soon as they are back, it goes on where it stood, and nobody gets it twice.
Whoever was in flight when a worker died may become uncertain: its page will say so.

http://testserver/admin/delivery/watch/{dispatch}/

You get this once, as an owner of The Daily.
"""


def test_standstill_is_logged_and_mailed_once_to_the_owners(standing: Dispatch, boss: User, caplog) -> None:
    owners = [
        User.objects.create_user(name, f"{name}@daily.example", is_staff=True) for name in ("ada", "bob")
    ]
    standing.issue.newsletter.owners.set(owners)

    for _ in range(3):
        alarms.watch()
        due_again()

    (message,) = mail.outbox
    assert message.to == ["ada@daily.example", "bob@daily.example"]
    assert message.from_email == "The Daily <editors@daily.example>"
    assert message.subject == "The Daily: “The tide keeps its own clock” stands still"
    assert message.body.strip() == STALLED.format(dispatch=standing.pk).strip()
    assert said(caplog) == [
        (
            "ERROR",
            "Alarm: daily/tides: Nothing has gone out since 20 November 2026, 07:00 (UTC), though it could.",
        )
    ]


def test_without_owners_every_superuser_with_an_address_is_told(standing: Dispatch, boss: User) -> None:
    User.objects.create_superuser("mute")
    User.objects.create_superuser("left", "left@daily.example", is_active=False)
    gone = User.objects.create_user("gone", "gone@daily.example", is_staff=True, is_active=False)
    standing.issue.newsletter.owners.set([gone])

    alarms.watch()

    assert [message.to for message in mail.outbox] == [["boss@daily.example"]]


def test_without_anybody_to_tell_the_log_says_so_and_a_later_owner_is_told(
    standing: Dispatch, caplog
) -> None:
    alarms.watch()
    User.objects.create_superuser("boss", "boss@daily.example")
    alarms.watch()
    at_once = len(mail.outbox)
    due_again()
    alarms.watch()

    assert (at_once, [message.to for message in mail.outbox]) == (0, [["boss@daily.example"]])
    assert "nobody can be told by mail" in said(caplog)[1][1]


def test_times_are_by_the_newsletters_clock(standing: Dispatch, boss: User) -> None:
    newsletter = standing.issue.newsletter
    newsletter.time_zone = "Asia/Kathmandu"
    newsletter.save(update_fields=["time_zone"])

    alarms.watch()

    assert Alarm.objects.get().text == (
        "Nothing has gone out since 20 November 2026, 12:45 (Asia/Kathmandu), though it could."
    )


def test_alarm_is_cleared_when_it_is_over_and_raised_anew_the_next_time(
    standing: Dispatch, boss: User, caplog
) -> None:
    alarms.watch()
    control.pause(standing.pk)
    alarms.watch()
    cleared = list(Alarm.objects.open())
    control.resume(standing.pk)
    stood_still(standing)
    alarms.watch()

    text = "Nothing has gone out since 20 November 2026, 07:00 (UTC), though it could."
    assert (cleared, Alarm.objects.open().count(), len(mail.outbox)) == ([], 1, 2)
    assert said(caplog) == [
        ("ERROR", f"Alarm: daily/tides: {text}"),
        ("WARNING", f"Alarm over: daily/tides: it is no longer true that: {text}"),
        ("ERROR", f"Alarm: daily/tides: {text}"),
    ]


def test_trouble_that_was_over_before_its_mail_went_out_is_not_mailed(standing: Dispatch, boss: User) -> None:
    (trouble,) = troubles.found()
    alarms.sound(trouble)
    control.stop(standing.pk)

    alarms.watch()

    assert (mail.outbox, Alarm.objects.open().count()) == ([], 0)


def test_mail_that_fails_is_tried_again_after_some_minutes(
    standing: Dispatch, boss: User, settings, caplog
) -> None:
    works = settings.MAILERS
    with socket.socket() as taken:  # bound, and does not listen: whoever connects is refused
        taken.bind(("127.0.0.1", 0))
        broken = mailers.parse(f"smtp://127.0.0.1:{taken.getsockname()[1]}", name="MAILER_URL")
        settings.MAILERS = works | {"default": broken.as_setting()}
        alarms.watch()
        settings.MAILERS = works
    alarms.watch()
    at_once = len(mail.outbox)
    due = Alarm.objects.get().mail_due_at
    due_again()
    alarms.watch()
    alarm = Alarm.objects.get()

    assert (at_once, len(mail.outbox)) == (0, 1)
    assert due - alarm.raised_at > alarms.AGAIN_AFTER - timedelta(seconds=5)
    assert alarm.mailed_at is not None
    assert "the mail did not go out, and is tried again" in said(caplog)[1][1]


def test_no_readers_address_leaves_in_mail_or_log(standing: Dispatch, boss: User, caplog) -> None:
    words = "550 <ada@example.com>: not from editors@daily.example; ask (bob.o@example.org)."
    Dispatch.objects.update(state="paused", reason=words)

    alarms.watch()

    text = "550 <a…@e….com>: not from editors@daily.example; ask (bo…@e….org)."
    (message,) = mail.outbox
    assert Alarm.objects.get().text == f"It has paused by itself since 20 November 2026, 07:00 (UTC): {text}"
    assert "@example" not in message.body + caplog.text


def test_each_kind_says_what_it_is_and_leads_to_the_desk(draft: Issue, boss: User) -> None:
    publishing.schedule(draft, at=BEGAN)
    missed = factories.issue(draft.newsletter, "missed")
    refused = factories.issue(draft.newsletter, "refused")
    doubtful = prepared(factories.issue(draft.newsletter, "doubtful"))
    Batch.objects.update(state=Batch.State.DONE)
    found = [
        troubles.Trouble(Alarm.Kind.NOT_STARTED, draft, BEGAN),
        troubles.Trouble(Alarm.Kind.MISSED, missed, BEGAN),
        troubles.Trouble(Alarm.Kind.REFUSED, refused, BEGAN, words="The issue is empty."),
        troubles.Trouble(Alarm.Kind.UNCERTAIN, doubtful.issue, BEGAN, doubtful, readers=1200),
    ]

    raised = [alarms.sound(trouble) for trouble in found + found]
    texts = dict(Alarm.objects.values_list("kind", "text"))
    alarms.watch()
    paths = [
        line.removeprefix("http://testserver/admin/")
        for message in mail.outbox
        for line in message.body.splitlines()
        if "/admin/" in line
    ]

    assert raised == [True] * 4 + [False] * 4
    assert texts == {
        "not_started": "It was due at 20 November 2026, 07:00 (UTC) and has not started.",
        "missed": "It was due at 20 November 2026, 07:00 (UTC), and could not be started within 6 h of that. "
        "It is a draft again.",
        "refused": "It was due at 20 November 2026, 07:00 (UTC) and cannot be sent; it is a draft again: "
        "The issue is empty.",
        "uncertain": "1,200 readers are uncertain since 20 November 2026, 07:00 (UTC): handed over, "
        "and no answer came.",
    }
    assert paths == [f"newsletter/issue/{issue.pk}/change/" for issue in (draft, missed, refused)]


@pytest.mark.django_db(transaction=True)
def test_many_who_look_at_once_raise_one_alarm_and_send_one_mail(caplog) -> None:
    User.objects.create_superuser("boss", "boss@daily.example")
    stood_still(prepared(factories.issue(factories.newsletter())))

    with ThreadPoolExecutor(6) as watchers:
        for done in [watchers.submit(watch_in_a_thread) for _ in range(12)]:
            done.result()

    assert Alarm.objects.get().mailed_at is not None
    assert len(mail.outbox) == 1
    assert [level for level, _message in said(caplog)] == ["ERROR"]


def watch_in_a_thread() -> None:
    try:
        alarms.watch()
    finally:
        connection.close()


def test_deleting_the_draft_takes_its_alarm_along(draft: Issue) -> None:
    alarms.sound(troubles.Trouble(Alarm.Kind.MISSED, draft, BEGAN))

    draft.delete()

    assert Alarm.objects.count() == 0
