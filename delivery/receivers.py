"""What the layers below tell: a reader left, and by a link of which issue."""

from __future__ import annotations

from typing import Any

from django.db.models import F
from django.dispatch import receiver

from delivery.models import Dispatch
from subscribers.signals import unsubscribed


@receiver(unsubscribed)
def attribute_to_issue(sender: Any, *, via: str, **kwargs: Any) -> None:
    """The mark in the link is the dispatch it came in (delivery/links.py)."""
    if via.isdigit():
        Dispatch.objects.filter(pk=int(via)).update(readers_left=F("readers_left") + 1)
