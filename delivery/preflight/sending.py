"""By what it goes: whether sending is frozen, and whether a mailer works."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.core.mail import InvalidMailer, mailers
from django.utils.translation import gettext as _

from delivery import circuit, epoch, waiting
from delivery.models import Dispatch, MailerState
from newsletter.preflight import Finding, Level, mark

if TYPE_CHECKING:
    from newsletter.models import Issue


def findings(issue: Issue, *, mailer: str) -> list[Finding]:
    found = []
    if reason := epoch.frozen():
        words = _("Sending is frozen. %(reason)s Somebody has to look at it on the server.")
        found.append(Finding("frozen", Level.BLOCKER, words % {"reason": reason}, "mailer", mark()))
    if wrong := [words for alias in circuit.mailers(mailer) if (words := _misconfigured(alias))]:
        found.append(Finding("mailer_setting", Level.BLOCKER, wrong[0], "mailer", mark(wrong[0])))
    else:
        found += [*_broken(mailer), *_standing(issue)]
    return found or [_fine(mailer)]


def _fine(mailer: str) -> Finding:
    alias = circuit.in_use(mailer)
    words = (
        _("%(mailer)s is ready.") if alias == mailer else _("%(mailer)s is ready; %(first)s does not work.")
    )
    said = words % {"mailer": waiting.mailer_name(alias), "first": waiting.mailer_name(mailer)}
    return Finding("mailer", Level.FINE, said[:1].upper() + said[1:], "mailer")


def _misconfigured(alias: str) -> str:
    """What is wrong with its settings, without repeating them: they hold a key."""
    name = waiting.mailer_name(alias)
    if alias not in settings.HAND_OVER or alias not in settings.MAILERS:
        return _("No mailer is set up. MAILER_URL must be set on the server.")
    try:
        mailers[alias]
    except InvalidMailer as error:
        return _("%(mailer)s cannot be used: %(error)s") % {"mailer": name, "error": error}
    return ""


def _broken(mailer: str) -> list[Finding]:
    """Every way out is closed. One that is left is enough: it takes over by itself.

    Never in the way: an issue waits for its mailer, and one that is due must not become a draft for it.
    """
    aliases = circuit.mailers(mailer)
    broken = {
        row.alias: row for row in MailerState.objects.filter(alias__in=aliases).exclude(broken_since=None)
    }
    if set(broken) != set(aliases):
        return []
    words = _(
        "%(mailer)s does not work at present: %(reason)s What begins before it does again stands still."
    )
    text = words % {"mailer": waiting.mailer_name(mailer), "reason": waiting.sentence(broken[mailer].reason)}
    return [
        Finding(
            "mailer_broken", Level.WARNING, text[:1].upper() + text[1:], "mailer", mark(broken[mailer].reason)
        )
    ]


def _standing(issue: Issue) -> list[Finding]:
    """What holds up another issue may hold up this one. Of another newsletter's no word is told: it has its team."""
    paused = Dispatch.objects.filter(state=Dispatch.State.PAUSED).exclude(issue=issue.pk).exclude(reason="")
    rows = paused.order_by("-state_since").values_list("pk", "issue__newsletter", "subject", "reason")
    row = rows.first()
    if row is None:
        return []
    pk, newsletter_id, subject, reason = row
    if newsletter_id == issue.newsletter_id:
        words = _("The sending of “%(subject)s” stands still: %(reason)s")
        text = words % {"subject": subject, "reason": reason}
    else:
        text = _(
            "The sending of another newsletter's issue stands still. The reason may hold for this one, too."
        )
    return [Finding("other_paused", Level.WARNING, text, "mailer", mark(pk, reason))]
