from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from threading import Barrier, Thread

import pytest
from django.contrib.auth.models import User
from django.db import connection

from newsletter import faces, publishing, revisions, thinning
from newsletter.models import Issue, Newsletter, Picture, Revision
from newsletter.signals import content_changed
from tests import factories

Kind = Revision.Kind
NOON = datetime(2126, 11, 22, 12, tzinfo=UTC)  # later than any draft of the day is begun


class Clock:
    """The time that Django tells."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch

    def at(self, moment: datetime) -> None:
        self._monkeypatch.setattr("django.utils.timezone.now", lambda: moment)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


@pytest.fixture
def ada(db: None) -> User:
    return User.objects.create_user("ada", first_name="Ada", last_name="Lovelace")


@pytest.fixture
def ben(db: None) -> User:
    return User.objects.create_user("ben")


@pytest.fixture
def told() -> Iterator[list[tuple[Issue, User | None]]]:
    """What the layers above hear."""
    heard: list[tuple[Issue, User | None]] = []

    def hear(sender: object, *, issue: Issue, by: User | None, **_: object) -> str:
        heard.append((issue, by))
        return "The plan is off."

    content_changed.connect(hear)
    yield heard
    content_changed.disconnect(hear)


def history(issue: Issue) -> list[tuple[int, str, str]]:
    return [(each.number, each.kind, each.content["subject"]) for each in issue.revisions.order_by("number")]


def test_create_writes_the_first_revision(daily: Newsletter, ada: User) -> None:
    issue = Issue(newsletter=daily, subject="Tides", slug="tides")

    revisions.create(issue, by=ada)

    assert history(issue) == [(1, "saved", "Tides")]
    assert (issue.edited_by, issue.revisions.get().by) == (ada, ada)


def test_save_keeps_also_what_was_there_before(draft: Issue, ada: User) -> None:
    before = draft.subject

    saved = revisions.save(draft, by=ada, changes={"subject": "Ebb"})

    assert history(draft) == [(1, "saved", before), (2, "saved", "Ebb")]
    assert (draft.subject, draft.edited_by) == ("Ebb", ada)
    assert saved
    assert saved.revision.content_hash == faces.fingerprint(draft)


def test_save_of_nothing_new_writes_nothing(draft: Issue, ada: User, told: list[object]) -> None:
    stamp = draft.updated_at

    saved = revisions.save(draft, by=ada, changes={"subject": draft.subject, "body": draft.body})

    assert (saved, draft.updated_at, history(draft), told) == (None, stamp, [], [])


def test_save_over_what_another_saved_is_stale_and_changes_nothing(
    draft: Issue, ada: User, ben: User
) -> None:
    seen = draft.updated_at
    revisions.save(draft, by=ben, changes={"subject": "Ben's"})

    with pytest.raises(revisions.Stale):
        revisions.save(draft, by=ada, changes={"subject": "Ada's"}, seen=seen)

    draft.refresh_from_db()
    assert draft.subject == "Ben's"


def test_save_refuses_what_is_not_content(draft: Issue, ada: User) -> None:
    with pytest.raises(ValueError, match="status"):
        revisions.save(draft, by=ada, changes={"status": "sent"})


def test_layers_above_hear_of_what_readers_would_see(draft: Issue, ada: User, told: list[object]) -> None:
    saved = revisions.save(draft, by=ada, changes={"body": "<p>New</p>"})

    assert told == [(draft, ada)]
    assert saved
    assert saved.consequences == ("The plan is off.",)


def test_autosaves_of_ten_minutes_are_one_revision(draft: Issue, ada: User, clock: Clock) -> None:
    for minute, subject in ((1, "T"), (4, "Ti"), (9, "Tides"), (11, "Tides!")):
        clock.at(NOON + timedelta(minutes=minute))
        revisions.save(draft, by=ada, changes={"subject": subject}, kind=Kind.AUTOSAVED)

    assert history(draft)[1:] == [(2, "autosaved", "Tides"), (3, "autosaved", "Tides!")]


def test_autosave_never_writes_over_a_named_save_or_another_person(
    draft: Issue, ada: User, ben: User, clock: Clock
) -> None:
    clock.at(NOON)

    revisions.save(draft, by=ada, changes={"subject": "1"})
    revisions.save(draft, by=ada, changes={"subject": "2"}, kind=Kind.AUTOSAVED)
    revisions.save(draft, by=ben, changes={"subject": "3"}, kind=Kind.AUTOSAVED)
    revisions.save(draft, by=ada, changes={"subject": "4"}, kind=Kind.AUTOSAVED)

    assert [subject for _number, _kind, subject in history(draft)][1:] == ["1", "2", "3", "4"]


def test_autosave_that_takes_a_page_away_leaves_the_page_in_the_history(
    draft: Issue, ada: User, clock: Clock
) -> None:
    clock.at(NOON)
    page = f"<p>{'words ' * 200}</p>"

    revisions.save(draft, by=ada, changes={"body": page}, kind=Kind.AUTOSAVED)
    revisions.save(draft, by=ada, changes={"body": ""}, kind=Kind.AUTOSAVED)

    assert [each.content["body"] for each in draft.revisions.all()[:2]] == ["", page]


def test_save_after_an_autosave_names_it(draft: Issue, ada: User) -> None:
    revisions.save(draft, by=ada, changes={"subject": "Ebb"}, kind=Kind.AUTOSAVED)

    revisions.save(draft, by=ada, changes={"subject": "Ebb"})

    assert history(draft)[1:] == [(2, "saved", "Ebb")]


def test_kept_text_leaves_the_issue_alone_and_is_one_for_each_person(
    draft: Issue, ada: User, ben: User
) -> None:
    first = revisions.keep(draft, by=ada, changes={"subject": "A"})
    revisions.keep(draft, by=ada, changes={"subject": "Aa"}, goes_on=first.number)
    revisions.keep(draft, by=ben, changes={"subject": "B"})
    was = draft.subject

    draft.refresh_from_db()
    assert draft.subject == was
    assert history(draft)[1:] == [(2, "kept", "Aa"), (3, "kept", "B")]


def test_kept_text_of_an_earlier_day_gives_way_but_stays_in_the_history(draft: Issue, ada: User) -> None:
    revisions.keep(draft, by=ada, changes={"subject": "Yesterday"})

    revisions.keep(draft, by=ada, changes={"subject": "Today"})

    assert history(draft)[1:] == [(2, "dropped", "Yesterday"), (3, "kept", "Today")]


def test_kept_text_is_taken_over_without_a_gap_in_the_numbers(draft: Issue, ada: User) -> None:
    kept = revisions.keep(draft, by=ada, changes={"subject": "Mine"})

    revisions.take_over(kept, by=ada)

    draft.refresh_from_db()
    assert draft.subject == "Mine"
    assert history(draft)[1:] == [(2, "saved", "Mine")]
    assert revisions.kept(draft, by=ada) is None


def test_restore_brings_back_every_field_in_a_revision_of_its_own(draft: Issue, ada: User) -> None:
    was = revisions.content(draft)
    revisions.save(draft, by=ada, changes={"subject": "Ebb", "body": "<p>x</p>", "tags": "sea"})

    revisions.restore(draft.revisions.get(number=1), by=ada)

    draft.refresh_from_db()
    assert revisions.content(draft) == was
    assert [kind for _number, kind, _subject in history(draft)] == ["saved", "saved", "restored"]


def test_restore_leaves_out_what_cannot_come_back(draft: Issue, ada: User) -> None:
    picture = Picture.objects.create(digest="d", format="jpg", width=1, height=1, data=b"")
    revisions.save(draft, by=ada, changes={"cover": picture, "slug": "old"})
    revisions.save(draft, by=ada, changes={"cover": None, "slug": "new", "subject": "Ebb"})
    picture.delete()
    publishing.publish(draft)

    revisions.restore(draft.revisions.get(number=2), by=ada)

    draft.refresh_from_db()
    assert (draft.cover, draft.slug) == (None, "new")
    assert draft.subject != "Ebb"


def test_old_revisions_that_nobody_asked_for_are_thinned(draft: Issue, ada: User) -> None:
    minutes = [*range(0, 120, 10), *(60 * 24 * 40 + minute for minute in range(0, 180, 10))]
    rows = [
        Revision(
            issue=draft, number=number, kind=Kind.AUTOSAVED, content={}, content_hash="", by=ada,
            saved_at=NOON - timedelta(days=2, minutes=minute),
        )
        for number, minute in enumerate(reversed(minutes), start=1)
    ]  # fmt: skip
    rows += [
        Revision(
            issue=draft, number=100 + number, kind=kind, content={}, content_hash="", by=ada,
            saved_at=NOON - timedelta(days=31),
        )
        for number, kind in enumerate([Kind.SAVED, Kind.RESTORED, Kind.KEPT, Kind.DROPPED])
    ]  # fmt: skip
    Revision.objects.bulk_create(rows)

    thinning.thin(draft, now=NOON)

    kept = draft.revisions.order_by("saved_at")
    assert list(kept.exclude(kind=Kind.AUTOSAVED).values_list("kind", flat=True)) == [
        "saved",
        "restored",
        "kept",
    ]
    assert [
        NOON - saved_at for saved_at in kept.filter(kind=Kind.AUTOSAVED).values_list("saved_at", flat=True)
    ] == [
        timedelta(days=42),
        timedelta(days=2, hours=1, minutes=10),
        timedelta(days=2, minutes=10),
        timedelta(days=2),
    ]


def test_second_of_two_new_issues_with_one_address_gets_the_next(daily: Newsletter) -> None:
    factories.issue(daily, "tides")
    other = Issue(newsletter=daily, slug="tides", subject="Tides")

    revisions.create(other, by=None)

    other.refresh_from_db()
    assert (other.slug, [each.content["slug"] for each in other.revisions.all()]) == ("tides-2", ["tides-2"])


@pytest.mark.django_db(transaction=True)
def test_saves_at_once_are_numbered_without_gaps_and_one_of_two_is_stale() -> None:
    issue = factories.issue(factories.newsletter())
    seen, together, outcomes = issue.updated_at, Barrier(4), []

    def write(name: str) -> None:
        together.wait()
        try:
            revisions.save(Issue.objects.get(pk=issue.pk), by=None, changes={"subject": name}, seen=seen)
            outcomes.append("saved")
        except revisions.Stale:
            outcomes.append("stale")
            revisions.keep(issue, by=None, changes={"subject": name})
        finally:
            connection.close()

    threads = [Thread(target=write, args=[f"Writer {number}"]) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == ["saved", "stale", "stale", "stale"]
    assert sorted(number for number, _kind, _subject in history(issue)) == [1, 2, 3, 4, 5]
