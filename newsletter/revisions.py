"""Every save of an issue's words, with who and when. Nothing else writes Issue.CONTENT.

The issue and the revision are written in one transaction, and numbers rise one by one: who saves holds the issue's
row. What an editor's page saves by itself is one revision for each ten minutes of the clock; see `thinning` for how
long these are kept, which leaves gaps.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.db import IntegrityError, models, transaction
from django.utils import timezone

from newsletter import faces, publishing, slugs, thinning
from newsletter.models import Issue, Picture, Revision
from newsletter.signals import content_changed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from django.contrib.auth.models import AnonymousUser
    from django.contrib.auth.models import User as AnyUser

    User = AnyUser | AnonymousUser | None

Kind = Revision.Kind
Content = dict[str, Any]
# Where an issue lives is no part of what it says, but is changed in the same form.
WRITABLE = (*Issue.CONTENT, "newsletter")
# An automatic save that takes away so much more than it adds begins a revision of its own: it may be a slip.
SLIP = 500  # characters


class Stale(Exception):
    """Somebody else saved meanwhile: show both texts and let the writer choose."""


@dataclass(frozen=True, slots=True)
class Saved:
    revision: Revision
    consequences: tuple[str, ...] = ()  # what the layers above made of it, in words for the editor


def content(issue: Issue) -> Content:
    """What a revision keeps, as JSON can hold it."""
    return {name: getattr(issue, _attribute(name)) for name in Issue.CONTENT}


def create(issue: Issue, *, by: User, kind: Kind = Kind.SAVED) -> Saved:
    """A new issue and its first revision."""
    with transaction.atomic():
        issue.edited_by = _person(by)
        _insert(issue)
        return Saved(_record(issue, by=by, kind=kind, content=content(issue), now=issue.updated_at))


def save(
    issue: Issue,
    *,
    by: User,
    changes: Mapping[str, Any],
    kind: Kind = Kind.SAVED,
    seen: datetime | None = None,
) -> Saved | None:
    """None when nothing changed. `seen` is the `updated_at` that the writer began with.

    `issue` is afterwards as it is stored.
    """
    with transaction.atomic():
        stored = _locked(issue)
        if seen is not None and stored.updated_at != seen:
            raise Stale
        before = faces.fingerprint(stored)
        changed = _changed(stored, changes)
        if changed:
            _keep_what_was(stored)
            now = _write(stored, changed, by=by)
        if kind != Kind.AUTOSAVED:
            drop(stored, by=by)
        if not changed:
            saved = _named(stored, by=by) if kind == Kind.SAVED else None
        else:
            revision = _record(stored, by=by, kind=kind, content=content(stored), now=now)
            said = _tell(stored, by=by) if revision.content_hash != before else ()
            saved = Saved(revision, said)
        issue.refresh_from_db()
    return saved


def keep(issue: Issue, *, by: User, changes: Mapping[str, Any], goes_on: int | None = None) -> Revision:
    """Set aside what somebody wrote, without touching the issue.

    Each person has one such text. `goes_on` is the number of the one that this carries on; without it an older one
    gives way, and stays in the history.
    """
    with transaction.atomic():
        stored = _locked(issue)
        _keep_what_was(stored)
        now, found = timezone.now(), kept(issue, by=by)
        aside = copy(stored)
        for name, value in _changed(stored, changes).items():
            setattr(aside, name, value)
        if found and (found.number == goes_on or found.content == content(aside)):
            return _rewrite(found, aside, now=now)
        drop(stored, by=by)
        return _record(aside, by=by, kind=Kind.KEPT, content=content(aside), now=now)


def kept(issue: Issue, *, by: User) -> Revision | None:
    """What this person wrote and nobody reads yet."""
    return issue.revisions.filter(kind=Kind.KEPT, by=_person(by)).first()


def take_over(revision: Revision, *, by: User, seen: datetime | None = None) -> Saved | None:
    """What was kept aside becomes what the issue says."""
    return save(revision.issue, by=by, changes=_restorable(revision), seen=seen)


def drop(issue: Issue, *, by: User) -> None:
    """What this person had kept aside is not offered any more; for a while it can still be looked up."""
    found = kept(issue, by=by)
    latest = issue.revisions.first()
    if found and found == latest and found.content == content(issue):
        found.delete()  # the revision that follows says the same, and takes its number
    issue.revisions.filter(kind=Kind.KEPT, by=_person(by)).update(kind=Kind.DROPPED)


def restore(revision: Revision, *, by: User, seen: datetime | None = None) -> Saved | None:
    """What the issue said then it says again, in a revision of its own."""
    return save(revision.issue, by=by, changes=_restorable(revision), kind=Kind.RESTORED, seen=seen)


def as_of(revision: Revision) -> Issue:
    """The issue as it was then, to look at."""
    issue = copy(revision.issue)
    for name, value in revision.content.items():
        setattr(issue, _attribute(name), value)
    return issue


def _insert(issue: Issue) -> None:
    """Of two that take the same address in the same instant, the second gets the next one."""
    try:
        with transaction.atomic():
            issue.save()
    except IntegrityError:
        issue.slug = slugs.free(issue.slug, newsletter=issue.newsletter)
        issue.save()


def _locked(issue: Issue) -> Issue:
    return Issue.objects.select_for_update(of=("self",)).select_related("newsletter").get(pk=issue.pk)


def _attribute(name: str) -> str:
    field: Any = Issue._meta.get_field(name)
    return str(field.attname)


def _changed(stored: Issue, changes: Mapping[str, Any]) -> dict[str, Any]:
    """By the columns' names, only what is another than what is stored."""
    refused = set(changes) - set(WRITABLE)
    if refused:
        raise ValueError(f"Not an issue's content: {', '.join(sorted(refused))}")
    values = {
        _attribute(name): value.pk if isinstance(value, models.Model) else value
        for name, value in changes.items()
    }
    return {name: value for name, value in values.items() if getattr(stored, name) != value}


def _write(stored: Issue, changed: dict[str, Any], *, by: User) -> datetime:
    """Only what was changed, and only if nobody was faster: where rows are not locked, the count decides."""
    now = max(timezone.now(), stored.updated_at + timedelta(microseconds=1))
    as_seen = Issue.objects.filter(pk=stored.pk, updated_at=stored.updated_at)
    if not as_seen.update(**changed, edited_by=_person(by), updated_at=now):
        raise Stale
    stored.refresh_from_db()
    return now


def _tell(issue: Issue, *, by: User) -> tuple[str, ...]:
    answers = content_changed.send(Issue, issue=issue, by=_person(by))
    issue.refresh_from_db(fields=["status", "scheduled_at"])
    # Nobody above stands for this schedule; it was made for another text all the same.
    if issue.status == Issue.Status.SCHEDULED:
        publishing.unschedule(issue)
    return tuple(str(words) for _receiver, words in answers if words)


def _keep_what_was(stored: Issue) -> None:
    """An issue that comes from elsewhere (a command, a copy) has its first revision before the first change."""
    if not stored.revisions.exists():
        now, by = stored.updated_at, stored.edited_by
        _record(stored, by=by, kind=Kind.SAVED, content=content(stored), now=now)


def _record(issue: Issue, *, by: User, kind: Kind, content: Content, now: datetime) -> Revision:
    latest = issue.revisions.first()
    if latest and kind == Kind.AUTOSAVED and _goes_on(latest, by=by, content=content, now=now):
        return _rewrite(latest, issue, now=now)
    thinning.thin(issue, now=now)
    return Revision.objects.create(
        issue=issue,
        number=latest.number + 1 if latest else 1,
        kind=kind,
        content=content,
        content_hash=faces.fingerprint(issue),
        by=_person(by),
        saved_at=now,
    )


def _rewrite(revision: Revision, issue: Issue, *, now: datetime) -> Revision:
    revision.content, revision.content_hash = content(issue), faces.fingerprint(issue)
    revision.saved_at = now
    revision.save(update_fields=["content", "content_hash", "saved_at"])
    return revision


def _goes_on(latest: Revision, *, by: User, content: Content, now: datetime) -> bool:
    """Whether the same person is at it within the same ten minutes of the clock, and has not just lost a page."""
    is_same = latest.kind == Kind.AUTOSAVED and latest.by_id == getattr(by, "pk", None)
    is_soon = thinning.ten_minutes(latest.saved_at) == thinning.ten_minutes(now)
    lost = len(latest.content["body"]) - len(content["body"])
    return is_same and is_soon and lost < SLIP


def _named(stored: Issue, *, by: User) -> Saved | None:
    """Save was pressed on what had already saved itself: from now on this is a revision of its own."""
    latest = stored.revisions.exclude(kind__in=Revision.ASIDE).first()
    if latest is None or latest.kind != Kind.AUTOSAVED or latest.by_id != getattr(by, "pk", None):
        return None
    latest.kind = Kind.SAVED
    latest.save(update_fields=["kind"])
    return Saved(latest)


def _restorable(revision: Revision) -> Content:
    """All but what cannot come back: a picture that was deleted, the address of what went out, or one that is taken."""
    issue, found = revision.issue, dict(revision.content)
    if found["cover"] and not Picture.objects.filter(pk=found["cover"]).exists():
        found["cover"] = None
    others = Issue.objects.filter(newsletter=issue.newsletter_id, slug=found["slug"]).exclude(pk=issue.pk)
    if issue.published_at or others.exists():
        del found["slug"]
    return {name: found[name] for name in Issue.CONTENT if name in found}


def _person(by: User) -> Any:
    return by if by is not None and by.is_authenticated else None
