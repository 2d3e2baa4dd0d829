"""Telling people: each trouble is raised once, logged, mailed once to the newsletter's owners, cleared when it is over.

Any number of processes may look at once. Which of them raises, mails or clears is decided by the database: a unique
constraint, and conditional UPDATEs.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from email.utils import make_msgid
from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.auth.models import User
from django.core.mail import EmailMessage
from django.db import IntegrityError, transaction
from django.db.models.functions import Now
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from delivery import progress, troubles
from delivery.models import Alarm
from delivery.veiling import veiled
from newsletter.locale import spoken_by
from newsletter.site import absolute_url, mail_domain

if TYPE_CHECKING:
    from datetime import datetime

    from delivery.troubles import Trouble
    from newsletter.models import Newsletter

logger = logging.getLogger(__name__)

Kind = Alarm.Kind
# Longer than any mailer takes. Whoever died while mailing is followed by another, and so is a mail that failed.
AGAIN_AFTER = timedelta(minutes=10)


def watch() -> None:
    """One look: raise what is new, clear what is over, mail what has not been mailed."""
    found = troubles.found()
    for trouble in found:
        sound(trouble)
    _clear({trouble.key for trouble in found})
    for alarm in Alarm.objects.unsent().select_related("dispatch", "issue__newsletter").order_by("pk"):
        _mail(alarm)


def sound(trouble: Trouble) -> bool:
    """Raise an alarm. False when it is raised already."""
    rows = {"kind": trouble.kind, "issue": trouble.issue, "dispatch": trouble.dispatch}
    if Alarm.objects.open().filter(**rows).exists():
        return False
    newsletter = trouble.issue.newsletter
    with spoken_by(newsletter):
        text = veiled(_sentence(trouble), keep=newsletter.sender_email)
    try:
        with transaction.atomic():
            Alarm.objects.create(**rows, text=text, since=trouble.since)
    except IntegrityError:  # another process was first
        return False
    logger.error("Alarm: %s/%s: %s", newsletter.slug, trouble.issue.slug, text)
    return True


def _clear(standing: set[tuple[str, int, int | None]]) -> None:
    for alarm in Alarm.objects.open().select_related("issue__newsletter").defer("issue__body"):
        if (alarm.kind, alarm.issue_id, alarm.dispatch_id) in standing:
            continue
        if Alarm.objects.open().filter(pk=alarm.pk).update(cleared_at=Now()):
            where = f"{alarm.issue.newsletter.slug}/{alarm.issue.slug}"
            logger.warning("Alarm over: %s: it is no longer true that: %s", where, alarm.text)


def _mail(alarm: Alarm) -> None:
    newsletter = alarm.issue.newsletter
    where = f"{newsletter.slug}/{alarm.issue.slug}"
    if not Alarm.objects.take(alarm, lease=AGAIN_AFTER):
        return
    to = addresses(newsletter)
    if not to:
        logger.error("Alarm: %s: nobody can be told by mail; no owner or superuser has an address.", where)
        return
    try:
        _message(alarm, to=to).send(using="default")
    except (
        Exception
    ) as error:  # whatever the mailer says: the next alarm may have more luck, and this one later
        logger.error("Alarm: %s: the mail did not go out, and is tried again: %s", where, error)
        return
    Alarm.objects.filter(pk=alarm.pk).update(mailed_at=Now())


def addresses(newsletter: Newsletter) -> list[str]:
    """The newsletter's owners; where nobody can be reached among them, the superusers."""
    reachable = User.objects.filter(is_active=True).exclude(email="")
    for people in (reachable.filter(pk__in=newsletter.owners.all()), reachable.filter(is_superuser=True)):
        if found := list(people.order_by("pk").values_list("email", flat=True)):
            return list(dict.fromkeys(found))
    return []


def _message(alarm: Alarm, *, to: list[str]) -> EmailMessage:
    issue, dispatch = alarm.issue, alarm.dispatch
    newsletter = issue.newsletter
    if dispatch:
        path = reverse("delivery:dispatch", args=[dispatch.pk])
    else:
        path = reverse("admin:newsletter_issue_change", args=[issue.pk])
    context = {
        "alarm": alarm,
        "balance": progress.balance(dispatch).line() if dispatch and dispatch.audience_size else "",
        "desk_url": absolute_url(path),
        "is_owner": newsletter.owners.exists(),
        "ready_url": absolute_url(reverse("readyz")),
    }
    with spoken_by(newsletter):
        subject = _("%(newsletter)s: “%(issue)s” %(trouble)s") % {
            "newsletter": newsletter.name,
            "issue": issue.subject,
            "trouble": alarm.get_kind_display(),
        }
        text = render_to_string("email/alarm.txt", context)
    return EmailMessage(
        subject=" ".join(subject.split()),
        body=text,
        from_email=newsletter.sender,
        to=to,
        headers={  # RFC 3834 5, as for a reader's mail
            "Auto-Submitted": "auto-generated",
            "X-Auto-Response-Suppress": "OOF, AutoReply",
            "Message-ID": make_msgid(domain=mail_domain()),
        },
    )


def _sentence(trouble: Trouble) -> str:
    since = _clock(trouble.since)
    match trouble.kind:
        case Kind.STALLED:
            text = _("Nothing has gone out since %(since)s, though it could.") % {"since": since}
            if trouble.words:
                text += " " + _("The last try failed: %(words)s") % {"words": trouble.words}
            return text
        case Kind.NOT_STARTED:
            text = _("It was due at %(since)s and has not started.") % {"since": since}
            return f"{text} {trouble.words}".rstrip()
        case Kind.MISSED:
            hours = settings.SEND_GRACE / timedelta(hours=1)
            return _(
                "It was due at %(since)s, and could not be started within %(hours)s h of that. It is a draft again."
            ) % {"since": since, "hours": f"{hours:g}"}
        case Kind.REFUSED:
            return _("It was due at %(since)s and cannot be sent; it is a draft again: %(words)s") % {
                "since": since,
                "words": trouble.words,
            }
        case Kind.PAUSED:
            return _("It has paused by itself since %(since)s: %(words)s") % {
                "since": since,
                "words": trouble.words,
            }
        case _:
            return ngettext(
                "%(readers)s reader is uncertain since %(since)s: handed over, and no answer came.",
                "%(readers)s readers are uncertain since %(since)s: handed over, and no answer came.",
                trouble.readers,
            ) % {"readers": f"{trouble.readers:,}", "since": since}


def _clock(moment: datetime) -> str:
    """By the newsletter's clock, with the name of its zone."""
    here = timezone.localtime(moment)
    return f"{date_format(here, 'j F Y, H:i')} ({timezone.get_current_timezone_name()})"
