from __future__ import annotations

from django.db import models


class Mailbox(models.Model):
    """What a mailbox was sent in the last days, so that no form becomes a weapon against it.

    Known by a keyed hash (subscribers.letters.mailboxes), and nobody's: neither an erasure nor a new account nor a
    change that was called off makes room for one letter more.
    """

    key = models.CharField(max_length=64, primary_key=True)
    written = models.JSONField(default=list)  # [the letter's number, its kind, when]
    last_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.key[:8]}…"
