from __future__ import annotations

import os

from django.core.wsgi import get_wsgi_application

from config import startup

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
startup.require_safe_settings()

application = get_wsgi_application()
