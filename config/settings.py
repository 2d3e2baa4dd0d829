"""Courant's settings: one file, every value that differs between installations from the environment.

Wrong combinations are found by config/checks.py (`manage.py check`), each with an id and a hint.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import dj_database_url
from django.core.exceptions import ImproperlyConfigured
from django.utils.csp import CSP

from config import beat, logs, mailers
from config.env import BASE_DIR, env
from newsletter import editing

DEBUG = env.bool("DEBUG", False)
SECRET_KEY = env.str("SECRET_KEY", "not-secret:only-for-development" if DEBUG else "")
# Readers' links have a key ring of their own, newest first, so that a new SECRET_KEY kills no link in an old mail.
LINK_KEYS = env.words("LINK_KEYS", ["not-secret:links"] if DEBUG else [])
# Addresses that must not be mailed are kept as hashes under this key. It is never rotated.
SUPPRESSION_KEY = env.str("SUPPRESSION_KEY", "not-secret:suppression" if DEBUG else "")
SITE_URL = env.str("SITE_URL", "http://localhost:8000").rstrip("/")
SITE_HOST = urlsplit(SITE_URL).hostname or ""
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"] if DEBUG else [SITE_HOST])
DATA_DIR = Path(env.str("DATA_DIR", str(BASE_DIR / "data")))
REDIS_URL = env.str("REDIS_URL", "")
if not (REDIS_URL and env.str("DATABASE_URL", "")):  # SQLite and the embedded broker keep their files here
    try:
        DATA_DIR.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ImproperlyConfigured(f"DATA_DIR {str(DATA_DIR)!r} cannot be made: {error.strerror}.") from error
# How many proxies of ours stand before the web process; 0 trusts no X-Forwarded-… header.
TRUSTED_PROXIES = env.int("TRUSTED_PROXIES", 0)

INSTALLED_APPS = [
    "config.apps.ConfigConfig",
    "desk.apps.DeskPagesConfig",
    "delivery",
    "subscribers",
    "newsletter",
    "outbox",
    "django_prose_editor",
    "js_asset",
    "config.apps.DeskConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_htmx",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.csp",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]

# --- Facts: PostgreSQL, or one SQLite file ---------------------------------------------------------
DATABASES = {
    "default": dj_database_url.parse(
        env.str("DATABASE_URL", f"sqlite:///{DATA_DIR / 'courant.sqlite3'}"),
        conn_max_age=env.int("DATABASE_CONN_MAX_AGE", 60),
        conn_health_checks=True,
    )
}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # IMMEDIATE: readers that become writers would fail at once instead of waiting. FULL: a hand-over is written down
    # before its first byte leaves, and that must survive a power cut.
    DATABASES["default"]["OPTIONS"] = {
        "timeout": 20,
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-20000;"
        " PRAGMA temp_store=MEMORY;",
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
# Who may do what in which newsletter: Django's own permissions, and the roles of its team.
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend", "newsletter.team.TeamBackend"]
LOGIN_URL = "admin:login"

# --- Hints: this process's memory, which no outage of Redis takes away ------------------------------
_MEMORY = "django.core.cache.backends.locmem.LocMemCache"
# Counts against machines (subscribers/guard): for all processes together in Redis, else each its own; and what each
# counts while Redis is away. The oldest of 50,000 go first, about 20 MB.
_COUNTS = {"BACKEND": _MEMORY, "OPTIONS": {"MAX_ENTRIES": 50_000}}
CACHES = {
    "default": {"BACKEND": _MEMORY},
    "limits_here": {**_COUNTS, "LOCATION": "limits"},
    "limits": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "courant-limits",
        "OPTIONS": {"socket_timeout": 0.25, "socket_connect_timeout": 0.25},
    }
    if REDIS_URL
    else {**_COUNTS, "LOCATION": "limits"},
}

# --- Mail ------------------------------------------------------------------------------------------
_bulk = mailers.parse(env.str("MAILER_URL", "outbox://"), name="MAILER_URL")
_transactional = mailers.parse(
    env.str("TRANSACTIONAL_MAILER_URL", "") or env.str("MAILER_URL", "outbox://"),
    name="TRANSACTIONAL_MAILER_URL",
)
MAILERS = {"default": _transactional.as_setting(), "bulk": _bulk.as_setting()}
# How issues are handed over to a mailer (delivery/gateway); MAILERS itself takes no keys of ours.
HAND_OVER = {"bulk": {"scheme": _bulk.scheme, **_bulk.hand_over}}
if _second_url := env.str("FALLBACK_MAILER_URL", ""):  # takes over while the first does not work
    _second = mailers.parse(_second_url, name="FALLBACK_MAILER_URL")
    MAILERS["fallback"] = _second.as_setting()
    HAND_OVER["fallback"] = {"scheme": _second.scheme, **_second.hand_over}
# What each provider's webhook proves itself with: its signing key, or user:password.
WEBHOOK_SECRETS = {
    "bulk": env.str("WEBHOOK_SECRET", ""),
    "fallback": env.str("FALLBACK_WEBHOOK_SECRET", ""),
}
# List-Unsubscribe also as mailto, for mail programs that know no other way: an address whose mail the provider of
# MAILER_URL posts to /webhooks/inbound/. It proves itself as for its events, unless that has a secret of its own.
UNSUBSCRIBE_ADDRESS = env.str("UNSUBSCRIBE_ADDRESS", "")
INBOUND_SECRET = env.str("INBOUND_SECRET", "") or WEBHOOK_SECRETS["bulk"]
USES_OUTBOX = "outbox" in {_bulk.scheme, _transactional.scheme}
OUTBOX_PATH = (
    DATA_DIR / "outbox.sqlite3" if USES_OUTBOX and DEBUG else None
)  # it shows every mail to everybody

# --- When somebody must be told --------------------------------------------------------------------
# A schedule that was missed by more than this does not fire late by itself: yesterday's news at three in the morning.
SEND_GRACE = timedelta(hours=env.float("SEND_GRACE_HOURS", 6))
# So long "send now" waits before anything leaves, and can be undone.
SEND_UNDO = timedelta(seconds=env.float("SEND_UNDO_SECONDS", 60))
STALL_AFTER = timedelta(minutes=env.float("STALL_MINUTES", 5))  # without progress

# --- The desk --------------------------------------------------------------------------------------
# Whether the links of an issue are followed before it goes out; 0 where the server may not reach the internet.
LINK_CHECKS = env.bool("LINK_CHECKS", True)

# --- Celery: every setting has its reason in docs/architecture.md ----------------------------------
CELERY_BROKER_URL = REDIS_URL or f"embedded://localhost/{DATA_DIR / 'broker.sqlite3'}"
CELERY_BROKER_TRANSPORT_OPTIONS = (
    {
        "visibility_timeout": 600,
        "socket_keepalive": True,
        "health_check_interval": 25,
        "max_retries": 0,
        "socket_connect_timeout": 1,
        "socket_timeout": 1,
    }
    if REDIS_URL
    else {"polling_interval": 0.1}
)
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SOFT_TIME_LIMIT = 180
CELERY_TASK_TIME_LIMIT = 240
CELERY_TASK_PUBLISH_RETRY = False
CELERY_TASK_ROUTES = {
    "delivery.tasks.send_batches": {"queue": "send"},
    "delivery.tasks.send_proof": {"queue": "mail"},  # somebody waits for it, as for a confirmation
    # These take their time.
    "subscribers.tasks.forget": {"queue": "housekeeping"},
    "subscribers.tasks.forget_sent_letters": {"queue": "housekeeping"},
    "subscribers.tasks.remind": {"queue": "housekeeping"},
    "subscribers.tasks.*": {"queue": "mail"},
    "newsletter.tasks.send_password_links": {"queue": "mail"},
}
CELERY_TASK_DEFAULT_QUEUE = "housekeeping"
CELERY_TASK_CREATE_MISSING_QUEUES = True
CELERY_TASK_QUEUES = {
    name: {"exchange": name, "routing_key": name} for name in ("mail", "housekeeping", "send")
}
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_ENABLE_REMOTE_CONTROL = bool(REDIS_URL)
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_REDIRECT_STDOUTS = False  # our log is written to stderr: caught there, beat's would be lost
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 45.0
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE = beat.SCHEDULE
CELERY_BEAT_SCHEDULE_FILENAME = str(DATA_DIR / "beat-schedule")

# --- Pages -----------------------------------------------------------------------------------------
LANGUAGE_CODE = "en"
# What readers can choose: pages and mails are complete in these (locale/, scripts/translations.py).
READER_LANGUAGES = [
    ("en", "English"),
    ("de", "Deutsch"),
    ("fr", "Français"),
    ("es", "Español"),
    ("ko", "한국어"),
    ("ar", "العربية"),
]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
FORMAT_MODULE_PATH = ["config.formats"]
USE_TZ = True
TIME_ZONE = "UTC"
STATIC_URL = "/static/"
STATIC_ROOT = env.str("STATIC_ROOT", str(BASE_DIR / "staticfiles"))
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = DEBUG
WHITENOISE_AUTOREFRESH = DEBUG
# The editor (Tiptap, inside django-prose-editor 0.28) injects one style element; this is its hash.
EDITOR_STYLE_HASH = "'sha256-PlumsSlvJ7vvWzjqibGAYKq92O3y/4JTxWWsWJvyUYA='"
DJANGO_PROSE_EDITOR_EXTENSIONS = editing.EXTENSION_GROUPS
SECURE_CSP = {
    "default-src": [CSP.SELF],
    "script-src": [CSP.SELF, CSP.NONCE],
    "style-src": [CSP.SELF, CSP.NONCE, EDITOR_STYLE_HASH],
    "img-src": [CSP.SELF, "https:", "data:"],
    "object-src": [CSP.NONE],
    "base-uri": [CSP.SELF],
    "form-action": [CSP.SELF],
    "frame-ancestors": [CSP.NONE],
}
# An issue of 2 MB (newsletter/bodies.py) is three times as long on its way, and too long a one is told so at its field.
DATA_UPLOAD_MAX_MEMORY_SIZE = 16 * 1024 * 1024
SECURE_REFERRER_POLICY = "same-origin"

# --- TLS -------------------------------------------------------------------------------------------
IS_HTTPS = SITE_URL.startswith("https://")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = IS_HTTPS
CSRF_TRUSTED_ORIGINS = [SITE_URL]
CSRF_FAILURE_VIEW = "newsletter.views.refusals.untrusted"
SECURE_SSL_REDIRECT = IS_HTTPS
# RFC 8058 3.1: a one-click POST must not be redirected; nor are webhooks and health probes.
SECURE_REDIRECT_EXEMPT = [r"^s/unsubscribe/", r"^webhooks/", r"^healthz$", r"^readyz$"]
SECURE_HSTS_SECONDS = env.int("HSTS_SECONDS", 30 * 24 * 3600) if IS_HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = env.bool("HSTS_SUBDOMAINS", False)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXIES else None
SILENCED_SYSTEM_CHECKS = [
    "security.W005",  # whether subdomains are HTTPS too is not ours to know: HSTS_SUBDOMAINS=1 says so
    "security.W021",  # nor whether the whole domain may be preloaded
]

# --- Logs ------------------------------------------------------------------------------------------
LOGGING = logs.setting(level=env.str("LOG_LEVEL", "INFO"))
