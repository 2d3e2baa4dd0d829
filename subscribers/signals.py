from __future__ import annotations

from django.dispatch import Signal

# Sent after a reader left, once per leaving. Provides `subscription` (Subscription) and `via` (str): the opaque mark of
# the link that was used, "" when there was none. Receivers must not raise: the reader's wish is already done.
unsubscribed = Signal()

# Asked before a leaving is written down: when did the mail go out whose link was used? Provides `subscription_id` (int)
# and `via` (str), the mark of that link. A receiver answers with an aware datetime, or None where it does not know.
when_mailed = Signal()

# Sent when all that is held of a person is put together for them (subscribers.proof.export). Provides `subscriber`. A
# receiver answers with what its layer holds: a dict of lists of plain values, under keys of its own.
collecting = Signal()

# Sent in the transaction in which people are deleted, just before. Provides `subscribers`. A receiver takes out what no
# foreign key leads to: words that may hold their addresses.
erasing = Signal()

# Asked before a letter is sent: may this database send at all? A receiver answers with the reason why not, or "".
letters_leave = Signal()
