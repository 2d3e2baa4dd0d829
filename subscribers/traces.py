"""Where a person's address may stand though no foreign key of theirs leads there. It is taken out when they go."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from django.contrib.admin.models import LogEntry
from django.db.models import Q
from django.utils import timezone

from subscribers.models import AddressChange

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from subscribers.models import Subscriber

DELETED = "(deleted)"
AT_ONCE = 2000
AN_ADDRESS = re.compile(r"([^\s@]+)@([\w.-]*\w)")
WHERE_IT_MAY_BEGIN = re.compile(
    r"(?<![\w.+-])(?=[\w.+-])"
)  # ra@example.com does not stand in nora@example.com


def take_out(subscribers: Collection[Subscriber]) -> None:
    """Call it in the transaction in which they are deleted, once for all of them: it reads the whole journal of the
    desk. That something was done there, and by whom, stays."""
    emails = {subscriber.email for subscriber in subscribers}
    if not emails:
        return
    some = next(iter(emails)) if len(emails) == 1 else "@"
    here = Q(object_repr__icontains=some) | Q(change_message__icontains=some)
    entries = LogEntry.objects.filter(here).values_list("pk", "object_repr", "change_message")
    found = [
        pk
        for pk, *texts in entries.iterator(AT_ONCE)
        if any(not emails.isdisjoint(_addresses(text)) for text in texts)
    ]
    for start in range(0, len(found), AT_ONCE):
        those = LogEntry.objects.filter(pk__in=found[start : start + AT_ONCE])
        those.update(object_repr=DELETED, change_message="")
    # Somebody else wanted to be mailed at this address: from now on it is nobody's that we know.
    AddressChange.objects.filter(new_email__in=emails, ended_at__isnull=True).update(
        ended_at=timezone.now(), new_email=""
    )


def _addresses(text: str) -> Iterator[str]:
    """All that a text may mean: of (ada@example.com the one without the bracket, too."""
    for name, domain in AN_ADDRESS.findall(text.lower()):
        yield f"{name}@{domain}"
        for begin in WHERE_IT_MAY_BEGIN.finditer(name):
            yield f"{name[begin.start() :]}@{domain}"
