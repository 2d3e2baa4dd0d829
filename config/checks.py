"""Wrong combinations of settings, each with an id and what to do.

`manage.py check` and every start run them: of a command by Django, of the other processes by config/startup.py.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import Error, Tags, Warning, register
from django.core.exceptions import ImproperlyConfigured
from django.core.mail import InvalidMailer, mailers
from django.db import connection

from delivery import events, inbound, postal

if TYPE_CHECKING:
    from django.core.checks import CheckMessage

SHORTEST_KEY = 32  # characters: 128 bits even when written in hexadecimal
SHORTEST_GRACE, LONGEST_GRACE = 0.25, 72.0  # hours
SHORTEST_STALL, LONGEST_STALL = 4.0, 60.0  # minutes
PLAIN_ADDRESS = re.compile(
    r"[A-Za-z0-9._-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+"
)  # nothing that a URI writes otherwise
MAKE_A_KEY = 'Make one: python3 -c "import secrets; print(secrets.token_urlsafe(48))"'


@register("courant", Tags.security)
def keys_are_set(**kwargs: Any) -> list[CheckMessage]:
    if settings.DEBUG:
        return []
    values = {
        "SECRET_KEY": _secret_key(),
        "LINK_KEYS": min(settings.LINK_KEYS, key=len, default=""),
        "SUPPRESSION_KEY": settings.SUPPRESSION_KEY,
    }
    return [
        Error(
            f"{name} is not set, or shorter than {SHORTEST_KEY} characters.",
            hint=f"{MAKE_A_KEY} and set it as {name}, or put it into a file named by {name}_FILE.",
            id=f"courant.E00{number}",
        )
        for number, (name, value) in enumerate(values.items(), start=1)
        if len(value) < SHORTEST_KEY
    ]


def _secret_key() -> str:
    try:
        return str(settings.SECRET_KEY)
    except ImproperlyConfigured:  # Django's own word for an empty one, without a hint
        return ""


@register("courant", Tags.security)
def keys_differ(**kwargs: Any) -> list[CheckMessage]:
    keys = [key for key in (_secret_key(), *settings.LINK_KEYS, settings.SUPPRESSION_KEY) if key]
    if settings.DEBUG or len(set(keys)) == len(keys):
        return []
    return [
        Error(
            "SECRET_KEY, LINK_KEYS and SUPPRESSION_KEY share a value.",
            hint="Each protects something else and is changed at another time. Give each a key of its own.",
            id="courant.E004",
        )
    ]


@register("courant")
def outbox_is_for_development(**kwargs: Any) -> list[CheckMessage]:
    if settings.DEBUG or not settings.USES_OUTBOX:
        return []
    return [
        Error(
            "The mailer is the local outbox, which sends nothing and shows every mail to everybody, but DEBUG is off.",
            hint="Set MAILER_URL to your provider (docs/install.md has a line for each), or DEBUG=1 to try it out.",
            id="courant.E005",
        )
    ]


@register("courant")
def site_url_is_whole(**kwargs: Any) -> list[CheckMessage]:
    parts = urlsplit(settings.SITE_URL)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path or parts.query:
        return [
            Error(
                f"SITE_URL is {settings.SITE_URL!r}, which is not the address of a site.",
                hint="Write scheme and host, like https://news.example.com: every link in every mail begins with it.",
                id="courant.E006",
            )
        ]
    return []


@register("courant")
def site_url_is_reachable_by_readers(**kwargs: Any) -> list[CheckMessage]:
    parts = urlsplit(settings.SITE_URL)
    problems: list[CheckMessage] = []
    if not settings.DEBUG and parts.scheme != "https":
        problems.append(
            Error(
                "SITE_URL is not https://, but DEBUG is off.",
                hint="Mail providers ask for https in List-Unsubscribe (RFC 8058). Use the shipped Caddy or a proxy.",
                id="courant.E007",
            )
        )
    if parts.hostname not in settings.ALLOWED_HOSTS and "*" not in settings.ALLOWED_HOSTS:
        problems.append(
            Error(
                f"SITE_URL's host, {parts.hostname}, is not among ALLOWED_HOSTS: the site would refuse its own links.",
                hint=f"Add {parts.hostname} to ALLOWED_HOSTS, or leave ALLOWED_HOSTS out: it follows SITE_URL.",
                id="courant.E008",
            )
        )
    if "*" in settings.ALLOWED_HOSTS and not settings.DEBUG:
        problems.append(
            Error(
                "ALLOWED_HOSTS has '*'.",
                hint="Name the hosts. With any host allowed, a stranger chooses what the site thinks it is called.",
                id="courant.E009",
            )
        )
    return problems


@register("courant")
def mailers_can_be_made(**kwargs: Any) -> list[CheckMessage]:
    problems: list[CheckMessage] = []
    for alias, name in (("bulk", "MAILER_URL"), ("default", "TRANSACTIONAL_MAILER_URL (or MAILER_URL)")):
        try:
            mailers[alias]
        except InvalidMailer as error:
            problems.append(
                Error(
                    f"{name} cannot be used: {error}",
                    hint="docs/install.md lists every provider's URL and its options.",
                    id="courant.E010",
                )
            )
    return problems


@register("courant")
def waits_are_sensible(**kwargs: Any) -> list[CheckMessage]:
    hours, minutes = (settings.SEND_GRACE / timedelta(hours=1), settings.STALL_AFTER / timedelta(minutes=1))
    problems: list[CheckMessage] = []
    if not SHORTEST_GRACE <= hours <= LONGEST_GRACE:
        problems.append(
            Error(
                f"SEND_GRACE_HOURS is {hours:g}.",
                hint=f"Write {SHORTEST_GRACE:g} to {LONGEST_GRACE:g}: how late a scheduled issue may still go out by"
                " itself. With less, a short outage would cancel it; with more, old news would go out.",
                id="courant.E012",
            )
        )
    if not SHORTEST_STALL <= minutes <= LONGEST_STALL:
        problems.append(
            Error(
                f"STALL_MINUTES is {minutes:g}.",
                hint=f"Write {SHORTEST_STALL:g} to {LONGEST_STALL:g}. One hand-over may take three minutes, and when"
                " nothing moves for longer than an hour somebody should know.",
                id="courant.E013",
            )
        )
    return problems


@register("courant")
def providers_are_heard(**kwargs: Any) -> list[CheckMessage]:
    """Without their events nobody learns of bounces and complaints, and an uncertain reader stays uncertain."""
    problems: list[CheckMessage] = []
    for mailer, name in (("bulk", "WEBHOOK_SECRET"), ("fallback", "FALLBACK_WEBHOOK_SECRET")):
        source, secret = events.source(mailer), events.secret(mailer)
        user, _, password = secret.partition(":")
        if source and not secret:
            problems.append(
                Warning(
                    f"{name} is not set, so the provider cannot tell of bounces and complaints, nor clear up doubts.",
                    hint="docs/install.md says for each provider what to set here, and what there.",
                    id="courant.W003",
                )
            )
        elif source and not source.signs and not (user and len(password) >= SHORTEST_KEY):
            problems.append(
                Error(
                    f"{name} is not user:password with a password of {SHORTEST_KEY} characters or more.",
                    hint=f"This provider does not sign what it tells, so the password is all there is. {MAKE_A_KEY}",
                    id="courant.E014",
                )
            )
    return problems


@register("courant")
def unsubscribe_address_is_read(**kwargs: Any) -> list[CheckMessage]:
    """Whoever writes to it must be heard: it stands in every issue."""
    if not settings.UNSUBSCRIBE_ADDRESS:
        return []
    problems: list[CheckMessage] = []
    if not _inbound_mail_is_proven():
        problems.append(
            Error(
                "UNSUBSCRIBE_ADDRESS is set, but the mail to it would not be read.",
                hint="The provider of MAILER_URL must post it to /webhooks/inbound/, and prove itself: docs/install.md"
                " says who can, and what INBOUND_SECRET is. Or leave UNSUBSCRIBE_ADDRESS out.",
                id="courant.E016",
            )
        )
    if not PLAIN_ADDRESS.fullmatch(settings.UNSUBSCRIBE_ADDRESS):
        problems.append(
            Error(
                f"UNSUBSCRIBE_ADDRESS is {settings.UNSUBSCRIBE_ADDRESS!r}, which is not a plain address.",
                hint="Write it like leave@in.example.org: it stands behind mailto: in a header of every issue.",
                id="courant.E017",
            )
        )
    return problems


def _inbound_mail_is_proven() -> bool:
    source, secret = inbound.source(), settings.INBOUND_SECRET
    if not (source and secret):
        return False
    if inbound.scheme() == "postal":
        return postal.is_key(secret)
    user, _, password = secret.partition(":")
    return source.signs or (bool(user) and len(password) >= SHORTEST_KEY)


@register(Tags.database)
def hand_overs_survive_a_crash(**kwargs: Any) -> list[CheckMessage]:
    """A hand-over is written down before its first byte leaves; a database that forgets it would send twice."""
    if not kwargs.get("databases") or connection.vendor != "postgresql":
        return []
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('fsync'), current_setting('synchronous_commit')")
        fsync, synchronous = cursor.fetchone()
    if fsync == "off" or synchronous == "off":
        return [
            Error(
                f"PostgreSQL runs with fsync={fsync}, synchronous_commit={synchronous}.",
                hint="Turn both on. After a crash Courant would not know who already has the issue.",
                id="courant.E011",
            )
        ]
    return []


@register("courant")
def sqlite_has_its_limit(**kwargs: Any) -> list[CheckMessage]:
    is_sqlite = settings.DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3"
    if is_sqlite and settings.REDIS_URL:
        return [
            Warning(
                "REDIS_URL is set, but the facts are in SQLite.",
                hint="Several machines cannot share a SQLite file. Set DATABASE_URL too, or leave REDIS_URL out.",
                id="courant.W001",
            )
        ]
    return []


@register(deploy=True)
def proxies_are_counted(**kwargs: Any) -> list[CheckMessage]:
    if settings.IS_HTTPS and not settings.TRUSTED_PROXIES:
        return [
            Warning(
                "SITE_URL is https://, but TRUSTED_PROXIES is 0: behind a proxy every page would redirect to itself.",
                hint="Set TRUSTED_PROXIES=1 when one proxy ends TLS before Courant (docker-compose.yml does).",
                id="courant.W002",
            )
        ]
    return []
