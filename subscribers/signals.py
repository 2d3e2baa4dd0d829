from __future__ import annotations

from django.dispatch import Signal

# Sent after a reader left, once per leaving. Provides `subscription` (Subscription) and `via` (str): the opaque mark of
# the link that was used, "" when there was none. Receivers must not raise: the reader's wish is already done.
unsubscribed = Signal()
