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

        connection_created.connect(set_up_session, dispatch_uid="set up session")


# Said once for each connection and not in its options, which connection poolers refuse.
SESSION = {
    # Whoever is frozen in the middle of a transaction, or whose host has vanished, holds its rows no longer than this.
    "idle_in_transaction_session_timeout": "60s",
    # PostgreSQL reckons with a disk that turns, four times slower at looking something up than at reading on, and would
    # read every subscription there is to find the 500 of one batch.
    "random_page_cost": "1.1",
}


def set_up_session(sender: Any, connection: BaseDatabaseWrapper, **kwargs: Any) -> None:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("; ".join(f"SET {name} = '{value}'" for name, value in SESSION.items()))


class DeskConfig(AdminConfig):
    default_site = "newsletter.adminsite.Site"
