"""The Celery application. Its settings are the CELERY_… names of config/settings.py."""

from __future__ import annotations

import os
from typing import Any

from celery import Celery
from celery.signals import beat_init, worker_init, worker_ready

import config.sqlite_broker  # noqa: F401 -- registers the embedded:// transport with kombu
from config import startup

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("courant")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@beat_init.connect
@worker_init.connect
def refuse_unsafe_settings(sender: Any, **kwargs: Any) -> None:
    if sender.app.main == app.main:  # the signals tell of every Celery application in the process
        startup.require_safe_settings()


@beat_init.connect
def begin_to_watch(sender: Any, **kwargs: Any) -> None:
    """Somebody must speak up even when no worker runs, and when the broker is gone."""
    if sender.app.main == app.main:
        from config import watch  # noqa: PLC0415 -- app ready

        watch.start()


@worker_ready.connect
def look_for_work(**kwargs: Any) -> None:
    """After a deploy or a crash the first sweep need not wait for beat."""
    app.send_task("delivery.tasks.sweep")
