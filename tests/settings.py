"""The test suite's settings: config.settings in a known environment, whatever the developer's own is."""

from __future__ import annotations

import os
import tempfile

# Set before config.settings reads them, and before a developer's .env could name a real provider.
os.environ |= {
    "DEBUG": "1",
    "MAILER_URL": "outbox://",
    "TRANSACTIONAL_MAILER_URL": "",
    "SITE_URL": "http://testserver",
    "LINK_CHECKS": "0",
    "ALLOWED_HOSTS": "testserver,localhost,127.0.0.1",
    "DATA_DIR": tempfile.mkdtemp(prefix="courant-test-"),
    "SECRET_KEY": "tests-only",
    "LINK_KEYS": "tests-link-key",
    "SUPPRESSION_KEY": "tests-suppression-key",
}
os.environ.setdefault("DATABASE_URL", "")
os.environ.setdefault("REDIS_URL", "")
if not os.environ["DATABASE_URL"]:
    os.environ["DATABASE_URL"] = f"sqlite:///{os.environ['DATA_DIR']}/test.sqlite3"

from config.settings import *  # noqa: F403 -- the environment comes first

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":  # noqa: F405 -- of the settings above
    # A file, as it is shipped: threads would share one in memory, without WAL and without waiting for each other.
    DATABASES["default"]["TEST"] = {"NAME": str(DATA_DIR / "suite.sqlite3")}  # noqa: F405 -- of the settings above
