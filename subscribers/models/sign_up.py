from __future__ import annotations

from django.db import models


class SignUp(models.Model):
    """What somebody posted at a form, before a worker has looked whether the address is known.

    The page writes this one row whoever it is, so neither its answer nor its time tells who is a reader. It is deleted
    in the transaction that makes subscriptions of it.
    """

    email = models.CharField(max_length=254)  # canonical
    first_name = models.CharField(max_length=100, blank=True, default="")
    # By the newsletter's number, as text: the wording's number that was shown there, or null.
    newsletters = models.JSONField(default=dict)
    fields = models.JSONField(default=dict)  # by name, as Subscription.fields
    source = models.JSONField(default=dict)  # as Subscription.source
    language = models.CharField(max_length=12, blank=True, default="")
    network = models.CharField(max_length=45, blank=True, default="")
    agent = models.CharField(max_length=300, blank=True, default="")
    posted_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"sign-up {self.pk}"
