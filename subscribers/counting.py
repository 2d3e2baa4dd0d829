"""The kept count of readers. Pages show it; nothing counts the audience while somebody waits."""

from __future__ import annotations

from newsletter.models import Newsletter
from subscribers.models import Subscription

# Counting so many at the moment somebody asks costs about 0.1 s; above it, the kept count must do.
BOUND = 200_000


def readers(newsletter: Newsletter) -> int:
    """How many mailable readers there are now, up to BOUND exactly; beyond it, as last counted."""
    now = Subscription.objects.mailable(newsletter)[: BOUND + 1].count()
    return now if now <= BOUND else newsletter.active_readers


def refresh() -> None:
    """Count each newsletter's mailable readers anew (0.1 s for 114,000)."""
    for newsletter in Newsletter.objects.only("pk"):
        readers = Subscription.objects.mailable(newsletter).count()
        Newsletter.objects.filter(pk=newsletter.pk).exclude(active_readers=readers).update(
            active_readers=readers
        )
