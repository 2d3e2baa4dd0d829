"""Whoever sits before the screen: a process that does what people do with the product's own verbs.

One JSON list ["verb", argument, …] a line in, one JSON answer a line out: {"is": …} or {"error": …}.
"""

# ruff: noqa: E402 -- Django is set up first
from __future__ import annotations

import json
import os
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.db import Error, close_old_connections
from django.db.models.functions import Now
from django.utils import timezone
from kombu.exceptions import OperationalError

from config.celery import app
from delivery import control, preparation, progress, tasks
from delivery.models import Dispatch, MailerState
from newsletter.models import Issue, Newsletter
from subscribers import lifecycle
from subscribers.models import Subscriber, Subscription, address_key
from tests import factories
from tests.faults import hurry, places

hurry.hurry()
places.watch(Path(os.environ["FAULTS_DIR"]), whose="desk-")


def write(slug: str, readers: int) -> None:
    """A newsletter with an issue and so many readers."""
    daily = factories.newsletter(slug, name=slug)
    factories.issue(daily, "tides")
    now = timezone.now()
    emails = [f"reader{number}@{slug}.example.com" for number in range(readers)]
    people = [Subscriber(email=email, address_key=address_key(email)) for email in emails]
    Subscriber.objects.bulk_create(people)
    Subscription.objects.bulk_create(
        Subscription(subscriber=person, newsletter=daily, status="active", requested_at=now, confirmed_at=now)
        for person in people
    )


def send(slug: str) -> int:
    dispatch = preparation.start(Issue.objects.get(newsletter__slug=slug))
    tasks.wake(dispatch.pk)
    return dispatch.pk


def schedule(slug: str) -> None:
    Issue.objects.filter(newsletter__slug=slug).update(status="scheduled", scheduled_at=timezone.now())


def leave(email: str) -> list[Any]:
    """Whether it was news, and the database's time when it was surely done."""
    subscription = Subscription.objects.select_related("subscriber").get(subscriber__email=email)
    is_news = lifecycle.unsubscribe(subscription)
    return [is_news, str(Newsletter.objects.values_list(Now(), flat=True)[0])]


def publish(task: str, args: list[Any], times: int) -> None:
    for _ in range(times):
        app.send_task(task, args=args)


def resume_all() -> list[str]:
    """Every dispatch that paused goes on. Returns why they had paused."""
    paused = dict(Dispatch.objects.filter(state="paused").values_list("pk", "reason"))
    for dispatch_id in paused:
        control.resume(dispatch_id)
    return list(paused.values())


def wait_no_longer() -> None:
    MailerState.objects.update(not_before=None, next_trial=Now() - timedelta(seconds=1))


def status(dispatch_id: int) -> dict[str, Any]:
    return progress.as_json(Dispatch.objects.get(pk=dispatch_id))


VERBS = {
    "write": write,
    "send": send,
    "schedule": schedule,
    "leave": leave,
    "publish": publish,
    "resume_all": resume_all,
    "wait_no_longer": wait_no_longer,
    "status": status,
    "pause": control.pause,
    "resume": control.resume,
    "stop": control.stop,
    "retry_failed": control.retry_failed,
}


def answer(line: str) -> dict[str, Any]:
    verb, *arguments = json.loads(line)
    try:
        return {"is": VERBS[verb](*arguments)}
    except (
        Error,
        OperationalError,
        preparation.CannotStart,
    ) as error:  # what a person would see and try again
        return {"error": f"{type(error).__name__}: {error}"}
    finally:
        close_old_connections()


def main() -> None:
    for line in sys.stdin:
        print(json.dumps(answer(line)), flush=True)


if __name__ == "__main__":
    main()
