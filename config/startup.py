"""What manage.py does before a command, for the processes that it does not start: web, worker and beat.

Each refuses to run with unsafe settings, and says so in one line for each of them.
"""

from __future__ import annotations

import sys

import django
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured

CANNOT_START = 3  # gunicorn's word for it: with any other code it would start the worker again and again


def require_safe_settings() -> None:
    """Ends the process when a check of config/checks.py finds an error. Asks no database: it may come up later."""
    try:
        django.setup()
        found = [message for message in run_checks(tags=["courant"]) if not message.is_silenced()]
        lines = [f"{each.id}: {each.msg} {each.hint}" for each in found if each.is_serious()]
    except (ImproperlyConfigured, ValueError) as error:  # a setting that cannot be read
        lines = [str(error)]
    if lines:
        # Not sys.stderr: beat has put its log in there, and may be told to keep quiet.
        print("\n".join(f"Courant does not start. {line}" for line in sorted(lines)), file=sys.__stderr__)
        sys.exit(CANNOT_START)
