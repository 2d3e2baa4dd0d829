#!/usr/bin/env python
"""Courant's commands: `python manage.py help` lists them."""

from __future__ import annotations

import os
import sys

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    try:
        _ = settings.DEBUG  # reads the environment; a wrong word in it deserves a line, not a traceback
    except (ImproperlyConfigured, ValueError) as error:
        sys.exit(str(error))
    execute_from_command_line(sys.argv)
