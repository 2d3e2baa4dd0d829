"""Telling people: each trouble is raised once, logged, mailed once to whom it concerns, cleared when it is over.

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
from django.db.models import Q
from django.db.models.functions import Now
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from delivery import progress, troubles
from delivery.models import Alarm
from delivery.veiling import veiled
from newsletter import team
from newsletter.locale import spoken_by
from newsletter.site import absolute_url, mail_domain

if TYPE_CHECKING:
    from datetime import datetime

    from delivery.troubles import Key, Trouble

logger = logging.getLogger(__name__)

Kind = Alarm.Kind
# Longer than any mailer takes. Whoever died while mailing is followed by another, and so is a mail that failed.
AGAIN_AFTER = timedelta(minutes=10)
# What machines do to readers is for those who may see the readers; the desk's pages about it open for nobody else.
AT_THE_DOOR = {Kind.SIEGE, Kind.BURST}


def watch() -> None:
    """One look: raise what is new, clear what is over, mail what has not been mailed."""
    found = [*troubles.found(), *troubles.at_the_door()]
    for trouble in found:
        sound(trouble)
    _clear({trouble.key for trouble in found})
    for alarm in (
        Alarm.objects.unsent().select_related("dispatch", "issue__newsletter", "newsletter").order_by("pk")
    ):
        _mail(alarm)


def sound(trouble: Trouble) -> bool:
    """Raise an alarm. False when it is raised already."""
    newsletter = trouble.newsletter
    rows = {
        "kind": trouble.kind,
        "issue": trouble.issue,
        "newsletter": None if trouble.issue else newsletter,
        "dispatch": trouble.dispatch,
    }
    if Alarm.objects.open().filter(**rows).exists():
        return False
    with spoken_by(newsletter):
        text = veiled(_sentence(trouble), keep=newsletter.sender_email)
    try:
        with transaction.atomic():
            alarm = Alarm.objects.create(**rows, text=text, since=trouble.since)
    except IntegrityError:  # another process was first
        return False
    logger.error("Alarm: %s: %s", alarm.where, text)
    return True


def _clear(standing: set[Key]) -> None:
    for alarm in Alarm.objects.open().select_related("issue__newsletter", "newsletter").defer("issue__body"):
        if (alarm.kind, alarm.newsletter_id, alarm.issue_id, alarm.dispatch_id) in standing:
            continue
        if Alarm.objects.open().filter(pk=alarm.pk).update(cleared_at=Now()):
            logger.warning("Alarm over: %s: it is no longer true that: %s", alarm.where, alarm.text)


def _mail(alarm: Alarm) -> None:
    if not Alarm.objects.take(alarm, lease=AGAIN_AFTER):
        return
    to = addresses(alarm)
    if not to:
        words = "Alarm: %s: nobody can be told by mail; no owner or superuser has an address."
        logger.error(words, alarm.where)
        return
    try:
        _message(alarm, to=to).send(using="default")
    except (
        Exception
    ) as error:  # whatever the mailer says: the next alarm may have more luck, and this one later
        logger.error("Alarm: %s: the mail did not go out, and is tried again: %s", alarm.where, error)
        return
    Alarm.objects.filter(pk=alarm.pk).update(mailed_at=Now())


def addresses(alarm: Alarm) -> list[str]:
    """The newsletter's owners, or who may see its readers; where nobody can be reached among them, the superusers."""
    reachable = User.objects.filter(is_active=True).exclude(email="").order_by("pk")
    newsletter = alarm.whose
    concerned = Q(pk__in=newsletter.owners.all())
    if alarm.kind in AT_THE_DOOR:
        concerned |= Q(memberships__newsletter=newsletter)
    for people in (reachable.filter(concerned), reachable.filter(is_superuser=True)):
        told = [each for each in people.distinct() if _may_look(each, alarm)]
        if told:
            return list(dict.fromkeys(each.email for each in told))
    return []


def _may_look(user: User, alarm: Alarm) -> bool:
    return alarm.kind not in AT_THE_DOOR or team.may(user, team.Right.READERS, alarm.whose)


def _subject(alarm: Alarm) -> str:
    words = {"newsletter": alarm.whose.name, "trouble": alarm.get_kind_display()}
    if alarm.issue:
        return _("%(newsletter)s: “%(issue)s” %(trouble)s") % {**words, "issue": alarm.issue.subject}
    return _("%(newsletter)s: %(trouble)s") % words


def _message(alarm: Alarm, *, to: list[str]) -> EmailMessage:
    dispatch, newsletter = alarm.dispatch, alarm.whose
    context = {
        "alarm": alarm,
        "balance": progress.balance(dispatch).line() if dispatch and dispatch.audience_size else "",
        "is_for_its_team": alarm.kind in AT_THE_DOOR,
        "is_owner": newsletter.owners.exists(),
        "site": absolute_url("/").rstrip("/"),
    }
    with spoken_by(newsletter):
        subject = _subject(alarm)
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
        case Kind.UNCERTAIN:
            return ngettext(
                "%(readers)s reader is uncertain since %(since)s: handed over, and no answer came.",
                "%(readers)s readers are uncertain since %(since)s: handed over, and no answer came.",
                trouble.readers,
            ) % {"readers": f"{trouble.readers:,}", "since": since}
        case _:
            return _of_a_newsletter(trouble, since=since)


def _of_a_newsletter(trouble: Trouble, *, since: str) -> str:
    given = {"since": since, "count": f"{trouble.readers:,}"}
    match trouble.kind:
        case Kind.SIEGE:
            words = _(
                "Since %(since)s far more people sign up than usual: %(count)s so far within ten minutes, where up to"
                " %(usual)s are usual. Machines, most likely."
            )
            return words % {**given, "usual": f"{trouble.usual:,}"}
        case Kind.BURST:
            words = _(
                "Many readers left at once, each time from one network: %(count)s so far, since %(since)s."
            )
            return words % given
        case _:
            text = _("Its weekly digest was due at %(since)s and has not been written.") % given
            return f"{text} {trouble.words or _('The log of the worker says why.')}"


def _clock(moment: datetime) -> str:
    """By the newsletter's clock, with the name of its zone."""
    here = timezone.localtime(moment)
    return f"{date_format(here, 'j F Y, H:i')} ({timezone.get_current_timezone_name()})"
