"""The mails that go to one person about their subscriptions: asked for, due, sent."""

from __future__ import annotations

from subscribers.letters.asking import ask, pair
from subscribers.letters.mailboxes import COOL_DOWN
from subscribers.letters.reminding import remind_due
from subscribers.letters.sending import is_frozen, send_due
from subscribers.letters.thinning import forget_sent

__all__ = ["COOL_DOWN", "ask", "forget_sent", "is_frozen", "pair", "remind_due", "send_due"]
