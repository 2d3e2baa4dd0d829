"""What content itself does when it changed: its links are followed anew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.dispatch import receiver

from newsletter import tasks
from newsletter.signals import content_changed

if TYPE_CHECKING:
    from newsletter.models import Issue


@receiver(content_changed)
def follow_links(sender: Any, *, issue: Issue, **kwargs: Any) -> None:
    tasks.wake(issue.pk)
