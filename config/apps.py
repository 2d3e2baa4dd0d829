from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig
from django.db.backends.signals import connection_created

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper


class ConfigConfig(AppConfig):
    name = "config"
    verbose_name = "Courant"

    def ready(self) -> None:
        from config import checks  # noqa: F401, PLC0415 -- app ready

        connection_created.connect(let_go_of_locks, dispatch_uid="let go of locks")


def let_go_of_locks(sender: Any, connection: BaseDatabaseWrapper, **kwargs: Any) -> None:
    """Whoever is frozen in the middle of a transaction, or whose host has vanished, holds its rows no longer than this.

    Said once for each connection and not in its options, which connection poolers refuse.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET idle_in_transaction_session_timeout = '60s'")


class DeskConfig(AdminConfig):
    default_site = "newsletter.adminsite.Site"
