from __future__ import annotations

from typing import Any, NoReturn

from django.db import models
from django.utils.translation import gettext_lazy as _

from newsletter.models import Newsletter
from subscribers.models.people import Subscriber


class Wording(models.Model):
    """What a newsletter's sign-up forms said, word for word. A new text or language is a new version."""

    newsletter = models.ForeignKey(Newsletter, on_delete=models.CASCADE, related_name="wordings")
    version = models.PositiveIntegerField()  # 1, 2, 3 … within the newsletter
    language = models.CharField(max_length=12)
    text = models.TextField()
    digest = models.CharField(max_length=64)  # SHA-256 of the text
    first_shown_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["newsletter", "version"], name="one_wording_per_version"),
            models.UniqueConstraint(fields=["newsletter", "language", "digest"], name="each_wording_once"),
        ]

    def __str__(self) -> str:
        return f"{self.newsletter_id} v{self.version}"


class AppendOnly(TypeError):
    """Proof is written once. What must go (erasure, retention) goes by subscribers.forgetting."""


class ConsentEventQuerySet(models.QuerySet["ConsentEvent"]):
    """To add to and to read."""

    def of(self, newsletter_ids: list[int] | None) -> ConsentEventQuerySet:
        """What happened in these newsletters (None: in all), and what is the person's own."""
        own = models.Q(newsletter=None)
        return self if newsletter_ids is None else self.filter(own | models.Q(newsletter__in=newsletter_ids))

    def update(self, **kwargs: Any) -> NoReturn:
        raise AppendOnly

    def bulk_update(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise AppendOnly

    def delete(self) -> NoReturn:
        raise AppendOnly


class ConsentEvent(models.Model):
    """One thing that happened to a reader's consent: what, when, from where, how. Written once, never changed."""

    class Kind(models.TextChoices):
        ASKED = "asked", _("asked for it")
        CONFIRMED = "confirmed", _("confirmed")
        SINGLE = "single", _("signed up, without a mail to confirm")
        IMPORTED = "imported", _("imported")
        LEFT = "left", _("left")
        REASON = "reason", _("said why")
        CAME_BACK = "came_back", _("took the leaving back")
        BROUGHT_BACK = "brought_back", _("the leaving was a machine’s, and taken back by the publisher")
        PAUSED = "paused", _("paused")
        RESUMED = "resumed", _("goes on")
        FREQUENCY = "frequency", _("chose how often")
        MOVED = "moved", _("changed the address")
        LANGUAGE = "language", _("chose a language")
        LAPSED = "lapsed", _("did not confirm in time")

    class Method(models.TextChoices):
        FORM = "form", _("a sign-up form")
        LINK = "link", _("the button behind the link in a mail")
        ONE_CLICK = "one_click", _("the mail program’s unsubscribe button")
        MAIL = "mail", _("a mail to the unsubscribe address")
        MANAGE = "manage", _("the page to manage subscriptions")
        EDITOR = "editor", _("by hand, at the desk")
        FILE = "file", _("a file")
        CLOCK = "clock", _("by itself, at its time")
        PROVIDER = "provider", _("a report of the mail provider")

    kind = models.CharField(_("what"), max_length=12, choices=Kind)
    method = models.CharField(_("how"), max_length=10, choices=Method)
    subscriber = models.ForeignKey(  # found by the index below
        Subscriber, on_delete=models.CASCADE, related_name="consent_events", db_index=False
    )
    newsletter = models.ForeignKey(Newsletter, null=True, on_delete=models.CASCADE, related_name="+")
    happened_at = models.DateTimeField(_("when"))
    network = models.CharField(_("network"), max_length=45, blank=True, default="")
    agent = models.CharField(_("program"), max_length=300, blank=True, default="")
    wording = models.ForeignKey(Wording, null=True, on_delete=models.RESTRICT, related_name="+")
    language = models.CharField(max_length=12, blank=True, default="")
    # The rest, where there is any: "page", "reason", "until", "seconds" since the mail, "dispatch", "by", "file".
    details = models.JSONField(default=dict)

    objects = ConsentEventQuerySet.as_manager()
    unguarded: models.Manager[ConsentEvent] = models.Manager()  # for subscribers.forgetting alone

    class Meta:
        # As they were written, each in the transaction that held its row: of two clocks, one may be late.
        ordering = ["pk"]
        indexes = [
            models.Index(fields=["subscriber", "happened_at"], name="consent_of_a_reader"),
            models.Index(fields=["kind", "newsletter", "happened_at"], name="consent_by_kind"),
            # Whose network is still to be forgotten: found without the many where it is.
            models.Index(
                fields=["newsletter", "happened_at"],
                condition=~models.Q(network="", agent=""),
                name="consent_with_a_network",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} ({self.happened_at:%Y-%m-%d})"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise AppendOnly
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise AppendOnly
