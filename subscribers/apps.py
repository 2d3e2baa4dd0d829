from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SubscribersConfig(AppConfig):
    name = "subscribers"
    verbose_name = _("Readers")

    def ready(self) -> None:
        from subscribers import receivers  # noqa: F401, PLC0415 -- app ready
