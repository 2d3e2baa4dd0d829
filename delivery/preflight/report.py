"""All findings about an issue together, and which of them somebody has accepted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils import timezone

from delivery import audience, circuit
from delivery.models import Acceptance
from delivery.preflight import allowance, digests, proofs, readers, sender, sending
from newsletter import digest, presence
from newsletter import preflight as newsletter_preflight
from newsletter.preflight import Finding, Level
from subscribers import counting

if TYPE_CHECKING:
    from datetime import datetime

    from django.contrib.auth.models import User

    from newsletter.models import Issue

MAILER = "bulk"
ORDER = [Level.BLOCKER, Level.DECISION, Level.WARNING, Level.FINE]


@dataclass(frozen=True, slots=True)
class Accepted:
    """A warning, and who has accepted it when."""

    finding: Finding
    by: str  # the user's name; "" when that user is gone
    at: datetime


@dataclass(frozen=True, slots=True)
class Report:
    findings: tuple[Finding, ...]  # the gravest first
    accepted: tuple[Accepted, ...] = ()

    @property
    def blockers(self) -> list[Finding]:
        return [each for each in self.findings if each.level == Level.BLOCKER]

    @property
    def open(self) -> list[Finding]:
        """What is still to be mended or accepted, beside the blockers."""
        settled = {(each.finding.code, each.finding.mark) for each in self.accepted}
        return [
            each for each in self.findings if each.may_be_accepted and (each.code, each.mark) not in settled
        ]

    @property
    def decisions(self) -> list[Finding]:
        """Which of the open ones keep an issue from going out, also one whose time has come."""
        return [each for each in self.open if each.level == Level.DECISION]

    @property
    def warnings(self) -> list[Finding]:
        return [each for each in self.open if each.level == Level.WARNING]

    @property
    def fine(self) -> list[Finding]:
        return [each for each in self.findings if each.level == Level.FINE]

    @property
    def in_the_way(self) -> list[Finding]:
        """What must not be sent past: blockers, and decisions that nobody has taken."""
        return self.blockers + self.decisions

    @property
    def is_ready(self) -> bool:
        return not self.blockers and not self.open


def report(issue: Issue, at: datetime | None = None) -> Report:
    """Look at everything now. `at` is when the issue is to go out, where that is known."""
    at = at or issue.scheduled_at or issue.plans.open().values_list("at", flat=True).first()
    is_ours = digest.is_untouched(issue)  # each word of it was looked over already, in its own issue
    content = [] if is_ours else newsletter_preflight.content(issue, at=at)
    found = [*content, *_around(issue, at=at or timezone.now(), is_ours=is_ours)]
    return _report(issue, sorted(found, key=lambda each: ORDER.index(each.level)))


def _around(issue: Issue, *, at: datetime, is_ours: bool) -> list[Finding]:
    """Who it goes to, from whom and by what."""
    newsletter = issue.newsletter
    found = sending.findings(issue, mailer=MAILER)
    outlook = audience.outlook(issue, at=at, readership=counting.kept(newsletter))
    found += readers.findings(issue, at=at, outlook=outlook)
    found += digests.findings(issue)
    found += [] if is_ours else proofs.findings(issue)
    if any(each.code == "mailer_setting" for each in found):  # nothing can be said of what is not set up
        return found
    domain = newsletter.sender_email.rpartition("@")[2]
    mailer = circuit.in_use(MAILER)
    return [
        *found,
        *sender.findings(newsletter, aliases=circuit.mailers(MAILER)),
        *allowance.findings(mailer, domain=domain, readers=outlook.readers, at=at, but_for=issue),
    ]


def _report(issue: Issue, found: list[Finding]) -> Report:
    rows = {(row.code, row.mark): row for row in issue.acceptances.select_related("by")}
    accepted = [
        Accepted(each, by=presence.name(row.by), at=row.accepted_at)
        for each in found
        if each.may_be_accepted and (row := rows.get((each.code, each.mark)))
    ]
    return Report(tuple(found), tuple(accepted))


def accept(issue: Issue, *, code: str, mark: str, by: User, at: datetime | None = None) -> bool:
    """`by` has seen this and lets it stand. False when it is not found any more: it was mended, or is another now."""
    seen = next((each for each in report(issue, at).open if (each.code, each.mark) == (code, mark)), None)
    if seen is None:
        return False
    Acceptance.objects.get_or_create(
        issue=issue, code=code, mark=mark, defaults={"words": seen.words, "by": by}
    )
    return True


def take_back(issue: Issue, *, code: str, mark: str) -> bool:
    """It is to be looked at again."""
    gone, _by_model = Acceptance.objects.filter(issue=issue, code=code, mark=mark).delete()
    return bool(gone)
