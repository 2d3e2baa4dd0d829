"""The Celery application. Its settings are the CELERY_… names of config/settings.py."""

from __future__ import annotations

import os

from celery import Celery

import config.sqlite_broker  # noqa: F401 -- registers the embedded:// transport with kombu

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("courant")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
