from __future__ import annotations

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class ConfigConfig(AppConfig):
    name = "config"
    verbose_name = "Courant"

    def ready(self) -> None:
        from config import checks  # noqa: F401, PLC0415 -- app ready


class DeskConfig(AdminConfig):
    default_site = "newsletter.adminsite.Site"
