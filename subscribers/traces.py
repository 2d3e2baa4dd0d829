"""Where a person's address may stand though no foreign key of theirs leads there. It is taken out when they go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.admin.models import LogEntry
from django.db.models import Q
from django.utils import timezone

from subscribers.models import AddressChange

if TYPE_CHECKING:
    from subscribers.models import Subscriber

DELETED = "(deleted)"


def take_out(subscriber: Subscriber) -> None:
    """Call it in the transaction in which they are deleted. That something was done at the desk, and by whom, stays."""
    here = Q(object_repr__icontains=subscriber.email) | Q(change_message__icontains=subscriber.email)
    LogEntry.objects.filter(here).update(object_repr=DELETED, change_message="")
    # Somebody else wanted to be mailed at this address: from now on it is nobody's that we know.
    AddressChange.objects.filter(new_email=subscriber.email, ended_at__isnull=True).update(
        ended_at=timezone.now(), new_email=""
    )
