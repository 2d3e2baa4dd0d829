from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class DeliveryConfig(AppConfig):
    name = "delivery"
    verbose_name = _("Sending")

    def ready(self) -> None:
        from delivery import receivers  # noqa: F401, PLC0415 -- app ready
