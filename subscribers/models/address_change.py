from __future__ import annotations

from django.db import models

from subscribers.models.people import Subscriber


class AddressChange(models.Model):
    """A reader wants to be mailed elsewhere. It takes effect once both mailboxes have said yes."""

    subscriber = models.ForeignKey(Subscriber, on_delete=models.CASCADE, related_name="address_changes")
    new_email = models.CharField(max_length=254)  # canonical
    asked_at = models.DateTimeField()
    old_agreed_at = models.DateTimeField(null=True)
    new_agreed_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)  # carried out, or replaced by another wish

    def __str__(self) -> str:
        return f"change {self.pk}"
