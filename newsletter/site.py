"""The only place where SITE_URL is joined: links never come from a request's Host header."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.conf import settings


def absolute_url(path: str) -> str:
    """`path` begins with a slash."""
    return f"{settings.SITE_URL}{path}"


def mail_domain() -> str:
    """The site's host, in message and list ids."""
    return urlsplit(settings.SITE_URL).hostname or "localhost"
