from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connection, models
from django.db.models import Exists, OuterRef, Q
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _

from newsletter.models import Newsletter
from newsletter.validators import one_line

if TYPE_CHECKING:
    from datetime import datetime

# Written out: what the ORM needs to put this statement together costs more than the statement.
LEAVE = """
UPDATE subscribers_subscription
   SET status = 'unsubscribed', unsubscribed_at = %s, left_as = CASE WHEN %s THEN status ELSE '' END
 WHERE id = %s AND status <> 'unsubscribed'
RETURNING subscriber_id, newsletter_id, left_as
"""


def unloaded_subscription(pk: int) -> Subscription:
    """Known by its number alone, and perhaps not there any more; what else is asked of it is loaded then."""
    return Subscription.from_db(DEFAULT_DB_ALIAS, ["id"], [pk])


def mark_as_left(pk: int, *, at: datetime, can_come_back: bool) -> tuple[int, int, str] | None:
    """Ask nothing before: whose it was (subscriber, newsletter), and its `left_as`; None where it had been left.

    `can_come_back`: what they were is kept in `left_as`.
    """
    with connection.cursor() as cursor:
        moment = connection.ops.adapt_datetimefield_value(at)
        cursor.execute(LEAVE, [moment, can_come_back, pk])
        found: tuple[int, int, str] | None = cursor.fetchone()
    return found


def address_key(email: str) -> str:
    """The keyed hash by which an address is known even after everything else about it is deleted.

    `email` is a canonical address (subscribers.addresses.canonical). 64 hexadecimal digits.
    """
    return salted_hmac(
        "courant.address", email, secret=settings.SUPPRESSION_KEY, algorithm="sha256"
    ).hexdigest()


class Subscriber(models.Model):
    """One person, one address."""

    email = models.EmailField(_("address"), unique=True)
    address_key = models.CharField(max_length=64, unique=True, editable=False)
    first_name = models.CharField(_("first name"), max_length=100, blank=True, validators=[one_line])
    # One of settings.READER_LANGUAGES, when the reader chose it; else each newsletter speaks its own.
    language = models.CharField(_("language"), max_length=12, blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(address_key=""), name="subscriber_has_an_address_key")
        ]

    def __str__(self) -> str:
        return self.email


class SubscriptionQuerySet(models.QuerySet["Subscription"]):
    def with_both(self) -> SubscriptionQuerySet:
        """With the subscriber and the newsletter of each, in one query."""
        return self.select_related("subscriber", "newsletter")

    def reading(self) -> SubscriptionQuerySet:
        return self.filter(status__in=Subscription.READING)

    def active(self, newsletter: Newsletter) -> SubscriptionQuerySet:
        return self.filter(newsletter=newsletter, status=Subscription.Status.ACTIVE)

    def mailable(self, newsletter: Newsletter) -> SubscriptionQuerySet:
        """Active and not suppressed: who an issue goes to, and who the public count counts."""
        found = Suppression.objects.filter(address_key=OuterRef("subscriber__address_key"))
        return self.active(newsletter).exclude(Exists(found))


class Subscription(models.Model):
    """A subscriber's relation to one newsletter."""

    class Status(models.TextChoices):
        PENDING = "pending", _("to be confirmed")
        ACTIVE = "active", _("active")
        PAUSED = "paused", _("paused")
        UNSUBSCRIBED = "unsubscribed", _("unsubscribed")

    # Of a newsletter that mails them, or will again by itself.
    READING = (Status.ACTIVE, Status.PAUSED)

    class Origin(models.TextChoices):
        WEB = "web", _("signed up on the web")
        IMPORT = "import", _("imported")
        ADMIN = "admin", _("added by hand")

    class Frequency(models.TextChoices):
        EVERY = "every", _("every issue")
        WEEKDAYS = "weekdays", _("issues of Monday to Friday")
        WEEKLY = "weekly", _("one mail a week with all issues")

    subscriber = models.ForeignKey(Subscriber, on_delete=models.CASCADE, related_name="subscriptions")
    newsletter = models.ForeignKey(Newsletter, on_delete=models.PROTECT, related_name="subscriptions")
    status = models.CharField(_("status"), max_length=12, choices=Status, default=Status.PENDING)
    origin = models.CharField(_("came by"), max_length=10, choices=Origin, default=Origin.WEB, editable=False)
    frequency = models.CharField(
        _("gets"), max_length=8, choices=Frequency, default=Frequency.EVERY, editable=False
    )
    # Where they found the newsletter: "page", "referrer", "utm_source" and the like, "ref" (whose link it was).
    source = models.JSONField(default=dict, blank=True, editable=False)
    # What the newsletter's own fields (ReaderField) say of this reader, by name.
    fields = models.JSONField(default=dict, blank=True, editable=False)
    # Raised by every new sign-up after leaving, so that an old confirm link cannot bring a reader back.
    generation = models.PositiveIntegerField(default=1, editable=False)
    requested_at = models.DateTimeField(_("signed up"), null=True, blank=True, editable=False)
    confirmed_at = models.DateTimeField(_("confirmed"), null=True, blank=True, editable=False)
    unsubscribed_at = models.DateTimeField(_("unsubscribed"), null=True, blank=True, editable=False)
    # Empty of one from before pauses had an end: it rests until its reader says so.
    paused_until = models.DateTimeField(_("paused until"), null=True, blank=True, editable=False)
    # What they were before they left, for whoever takes the leaving back; "" when it cannot be. It stays while a
    # sign-up waits for their yes (it may be a stranger's), and no longer.
    left_as = models.CharField(max_length=12, blank=True, default="", editable=False)

    objects = SubscriptionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["subscriber", "newsletter"], name="one_subscription_per_newsletter"
            ),
            models.CheckConstraint(
                condition=~Q(status="active") | Q(confirmed_at__isnull=False),
                name="active_subscription_was_confirmed",
            ),
            models.CheckConstraint(
                condition=~Q(status="unsubscribed") | Q(unsubscribed_at__isnull=False),
                name="unsubscribed_subscription_has_a_time",
            ),
            models.CheckConstraint(
                condition=Q(paused_until__isnull=True) | Q(status__in=["paused", "unsubscribed", "pending"]),
                name="only_a_pause_has_an_end",
            ),
            models.CheckConstraint(
                condition=Q(left_as="")
                | Q(status__in=["unsubscribed", "pending"], unsubscribed_at__isnull=False)
                & (Q(left_as="pending") | Q(left_as__in=["active", "paused"], confirmed_at__isnull=False)),
                name="only_who_left_left_as_something",
            ),
            models.CheckConstraint(
                condition=Q(frequency__in=["every", "weekdays", "weekly"]),
                name="subscription_frequency_is_known",
            ),
        ]
        indexes = [
            models.Index(fields=["newsletter", "status"], name="subscriptions_by_status"),
            models.Index(fields=["newsletter", "confirmed_at"], name="subscriptions_by_joining"),
            models.Index(
                fields=["newsletter", "unsubscribed_at"],
                condition=Q(unsubscribed_at__isnull=False),
                name="subscriptions_by_leaving",
            ),
            models.Index(fields=["paused_until"], condition=Q(status="paused"), name="pauses_by_their_end"),
        ]

    def __str__(self) -> str:
        """In words where both are loaded; a name must not cost queries."""
        if Subscription.subscriber.is_cached(self) and Subscription.newsletter.is_cached(self):
            return f"{self.subscriber} – {self.newsletter}"
        return _("subscription %(number)s") % {"number": self.pk}

    @property
    def is_reading(self) -> bool:
        return self.status in self.READING


class Suppression(models.Model):
    """An address that must not be mailed, as a keyed hash: it outlives the subscriber's deletion and every import."""

    class Reason(models.TextChoices):
        HARD_BOUNCE = "hard_bounce", _("the address does not exist")
        COMPLAINT = "complaint", _("reported as spam")
        REQUEST = "request", _("asked not to be mailed")

    # Who complained to their mail provider must be asked by a person before they are mailed again.
    LIFTED_BY_CONFIRMING = (Reason.HARD_BOUNCE, Reason.REQUEST)

    address_key = models.CharField(max_length=64, unique=True)
    reason = models.CharField(_("reason"), max_length=12, choices=Reason)
    suppressed_at = models.DateTimeField(_("since"), auto_now_add=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(address_key=""), name="suppression_has_an_address_key")
        ]

    def __str__(self) -> str:
        return f"{self.get_reason_display()} ({self.address_key[:8]}…)"
