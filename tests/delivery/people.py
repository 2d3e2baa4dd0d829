"""Who sits at the desk, logged in."""

from __future__ import annotations

from django.contrib.auth.models import Permission, User
from django.core.cache import cache
from django.test import Client


def editor(name: str = "ada") -> Client:
    """May do everything."""
    User.objects.create_superuser(name, password="courant")
    return _browser(name)


def helper(*permissions: str, name: str = "bob") -> Client:
    """May do what is named, and no more."""
    user = User.objects.create_user(name, password="courant", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return _browser(name)


def _browser(name: str) -> Client:
    cache.clear()  # figures are kept for two seconds, by the dispatch's number
    browser = Client()
    browser.login(username=name, password="courant")
    return browser
