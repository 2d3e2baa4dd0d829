"""The product's Celery application in a hurry, with places where it can be told to die: `-A tests.faults.worker`."""

from __future__ import annotations

import os
from pathlib import Path

import django

from config.celery import app

django.setup()

from tests.faults import hurry, places  # noqa: E402 -- they change modules that need Django

hurry.hurry()
hurry.hurry_celery(app.conf)
places.watch(Path(os.environ["FAULTS_DIR"]))
__all__ = ["app"]
