"""The mails that go to one reader about their subscription, through the `default` (transactional) mailer."""

from __future__ import annotations

from datetime import datetime, timedelta
from email.utils import make_msgid
from typing import TYPE_CHECKING

from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.urls import reverse

from newsletter.locale import spoken_by
from newsletter.site import absolute_url, mail_domain
from subscribers import tokens
from subscribers.models import Subscription, Suppression

if TYPE_CHECKING:
    from newsletter.models import Newsletter

# A sender that died is followed by another after this; a mail that cannot be sent is given up after a day.
LEASE = timedelta(minutes=5)
GIVE_UP_AFTER = timedelta(hours=24)


def send_due(subscription_id: int, *, now: datetime) -> bool:
    """Send the one mail that is due to this subscription. False when none is due, or another sender has it.

    A sender that dies between the provider's yes and our note of it makes the mail go out once more after LEASE: a
    second confirmation mail is a nuisance, none at all is a lost reader. Raises what the mailer raises; the mail
    stays due.
    """
    due = Subscription.objects.filter(pk=subscription_id)
    asked = due.values_list("mail_asked_at", flat=True).first() or now
    # A mailer that refuses is asked less and less often: after 5 minutes, and in the end after hours.
    again = now + max(LEASE, (now - asked) / 2)
    if due.filter(mail_due_at__lte=now).update(mail_due_at=again) == 0:
        return False
    subscription = due.select_related("subscriber", "newsletter").get()
    message = _message_for(subscription) if now - asked < GIVE_UP_AFTER else None
    if message:
        message.send(using="default")
    due.update(mail_due_at=None, **({"mail_sent_at": now} if message else {}))
    return message is not None


def _message_for(subscription: Subscription) -> EmailMultiAlternatives | None:
    found = Suppression.objects.filter(address_key=subscription.subscriber.address_key)
    if found.exclude(reason__in=Suppression.LIFTED_BY_CONFIRMING).exists():
        return None
    match subscription.status:
        case Subscription.Status.ACTIVE:
            return already_subscribed(subscription)
        case Subscription.Status.PENDING:
            return confirmation(subscription)
        case _:
            return None


def confirmation(subscription: Subscription) -> EmailMultiAlternatives:
    """Says what was asked for and has one button. Holds no text that the person who signed up could choose."""
    path = reverse("subscribers:confirm", args=[tokens.confirm_token(subscription)])
    context = {
        "confirm_url": absolute_url(path),
        "hours": int(tokens.CONFIRM_LIFE.total_seconds() // 3600),
    }
    return _message("confirmation", subscription, context)


def already_subscribed(subscription: Subscription) -> EmailMultiAlternatives:
    path = reverse("subscribers:unsubscribe", args=[tokens.unsubscribe_token(subscription.pk)])
    return _message("already_subscribed", subscription, {"unsubscribe_url": absolute_url(path)})


def _message(kind: str, subscription: Subscription, context: dict[str, object]) -> EmailMultiAlternatives:
    newsletter: Newsletter = subscription.newsletter
    context |= {"newsletter": newsletter, "archive_url": absolute_url(newsletter.get_absolute_url())}
    with spoken_by(newsletter):
        subject, text, html = (
            render_to_string(f"subscribers/email/{kind}.{ending}", context)
            for ending in ("subject.txt", "txt", "html")
        )
    message = EmailMultiAlternatives(
        subject=" ".join(subject.split()),
        body=text,
        from_email=newsletter.sender,
        to=[subscription.subscriber.email],
        reply_to=[newsletter.reply_to] if newsletter.reply_to else None,
        # RFC 3834 5, and the header that keeps Exchange from answering with "out of office".
        headers={
            "Auto-Submitted": "auto-generated",
            "X-Auto-Response-Suppress": "OOF, AutoReply",
            "Message-ID": make_msgid(domain=mail_domain()),  # Django's own would name this machine
        },
    )
    message.attach_alternative(html, "text/html")
    return message
