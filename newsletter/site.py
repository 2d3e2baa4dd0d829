"""The only place where SITE_URL is joined: links never come from a request's Host header."""

from __future__ import annotations

from django.conf import settings


def absolute_url(path: str) -> str:
    """`path` begins with a slash."""
    return f"{settings.SITE_URL}{path}"
