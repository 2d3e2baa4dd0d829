"""Why a dispatch is not going out at full speed at this moment, in words: what its mailers and its batches wait for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.db.models import Min
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from delivery import circuit, gateway
from delivery.models import Alarm, Attempt, Batch, Delivery, Dispatch, MailerState

if TYPE_CHECKING:
    from datetime import datetime

PROVIDERS = {
    "brevo": "Brevo",
    "mailersend": "MailerSend",
    "mailgun": "Mailgun",
    "mailjet": "Mailjet",
    "mailtrap": "Mailtrap",
    "mandrill": "Mandrill",
    "postal": "Postal",
    "postmark": "Postmark",
    "resend": "Resend",
    "scaleway": "Scaleway",
    "sendgrid": "SendGrid",
    "ses": "Amazon SES",
    "sparkpost": "SparkPost",
    "unisender-go": "Unisender Go",
}


def mailer_name(alias: str) -> str:
    """As people call it: "Mailgun", "the SMTP server mail.example.com", and which of the two when both are alike."""
    if alias not in settings.HAND_OVER:
        return alias  # it was used once, and is not set up any more
    scheme = gateway.scheme(alias)
    if scheme == "outbox":
        return _("the local outbox")
    name = PROVIDERS.get(scheme, scheme)
    if scheme in {"smtp", "smtps"}:
        name = _("the SMTP server %(host)s") % {"host": settings.MAILERS[alias]["OPTIONS"].get("host", "")}
    return _("%(name)s (the second mailer)") % {"name": name} if alias == circuit.FALLBACK else name


def clock(moment: datetime, *, now: datetime) -> str:
    """In the zone of whoever reads: the time, and the day when it is another one."""
    here = timezone.localtime(moment)
    same_day = here.date() == timezone.localtime(now).date()
    return date_format(here, "H:i T" if same_day else "j M, H:i T")


def waits(dispatch: Dispatch, *, now: datetime) -> list[str]:
    """Sentences; empty when nothing holds it up. For a dispatch that is going out (a paused one has its reason)."""
    if dispatch.state != Dispatch.State.SENDING:
        return []
    found = [
        *_standing_still(dispatch),
        *_allowance(dispatch, now=now),
        *_mailers(dispatch, now=now),
        *_asked_again(dispatch),
    ]
    return found or _next_try(dispatch, now=now)


def _standing_still(dispatch: Dispatch) -> list[str]:
    """What its owners were told, as long as it is true."""
    told = Alarm.objects.filter(dispatch=dispatch, kind=Alarm.Kind.STALLED, cleared_at=None)
    return [*told.values_list("text", flat=True)]


def in_use(dispatch: Dispatch) -> str:
    return circuit.in_use(dispatch.mailer)


def _allowance(dispatch: Dispatch, *, now: datetime) -> list[str]:
    if dispatch.not_before is None or dispatch.not_before <= now:
        return []
    words = dispatch.reason or _("It waits.")
    is_new = dispatch.after_id and not Attempt.objects.filter(batch__dispatch=dispatch).exists()
    said = _("%(words)s It begins at %(time)s.") if is_new else _("%(words)s It goes on at %(time)s.")
    return [said % {"words": words, "time": clock(dispatch.not_before, now=now)}]


def _mailers(dispatch: Dispatch, *, now: datetime) -> list[str]:
    aliases = circuit.mailers(dispatch.mailer)
    states = {state.alias: state for state in MailerState.objects.filter(alias__in=aliases)}
    working = [alias for alias in aliases if alias not in states or not states[alias].broken_since]
    found = []
    for alias in aliases:
        if state := states.get(alias):
            others = [other for other in working if other != alias]
            found += _of_mailer(state, others=others, now=now)
    return found


def _of_mailer(state: MailerState, *, others: list[str], now: datetime) -> list[str]:
    name = mailer_name(state.alias)
    if state.broken_since:
        words = {"name": name, "since": clock(state.broken_since, now=now), "reason": state.reason}
        if not others:
            return [_("%(name)s does not work since %(since)s: %(reason)s") % words]
        words["other"] = mailer_name(others[0])
        return [
            _("%(name)s does not work since %(since)s: %(reason)s The rest goes by %(other)s.")
            % (words | {"reason": sentence(state.reason)})
        ]
    if state.not_before and state.not_before > now:
        words = {"name": name, "time": clock(state.not_before, now=now), "reason": state.waiting_for}
        return [_("%(name)s is given a rest until %(time)s: %(reason)s") % words]
    return []


def _asked_again(dispatch: Dispatch) -> list[str]:
    """Calls in doubt that their provider can clear. Their readers stand in flight until it has."""
    pinned = Batch.objects.filter(dispatch=dispatch, state=Batch.State.READY).exclude(pinned_to="")
    found = []
    for alias in pinned.order_by().values_list("pinned_to", flat=True).distinct():
        batches = pinned.filter(pinned_to=alias).values("pk")
        readers = Delivery.objects.filter(batch__in=batches, state=Delivery.State.IN_FLIGHT).count()
        words = ngettext(
            "%(name)s gave no answer about %(readers)s reader; it is asked again with the same key, so nobody gets "
            "it twice.",
            "%(name)s gave no answer about %(readers)s readers; it is asked again with the same key, so nobody gets "
            "it twice.",
            readers,
        )
        found.append(words % {"name": mailer_name(alias), "readers": f"{readers:,}"})
    return found


def _next_try(dispatch: Dispatch, *, now: datetime) -> list[str]:
    """Nothing is on its way, and what is ready was told to wait: after a hand-over that did not take place."""
    batches = Batch.objects.filter(dispatch=dispatch)
    if batches.live().exists() or batches.filter(state=Batch.State.READY, not_before=None).exists():
        return []
    due = batches.filter(state=Batch.State.READY).aggregate(due=Min("not_before"))["due"]
    if due is None or due <= now:
        return []
    last = Attempt.objects.filter(batch__dispatch=dispatch, outcome=Attempt.Outcome.NOT_SENT).exclude(
        detail=""
    )
    words = last.order_by("-pk").values_list("detail", flat=True).first()
    time = clock(due, now=now)
    if not words:
        return [_("The next hand-over is tried at %(time)s.") % {"time": time}]
    return [
        _("The last hand-over did not take place: %(words)s Tried again at %(time)s.")
        % {"words": sentence(words), "time": time}
    ]


def sentence(words: str) -> str:
    """A provider's words, so that ours may follow them."""
    words = words.strip()
    return words if words.endswith((".", "!", "?", "…")) else f"{words}."
