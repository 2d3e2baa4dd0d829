from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from newsletter import presence, revisions
from newsletter.models import Issue, Presence


@pytest.fixture
def ada(db: None) -> User:
    return User.objects.create_superuser("ada")


@pytest.fixture
def ben(db: None) -> User:
    return User.objects.create_superuser("ben", first_name="Ben")


def names(issue: Issue, *, by: User, tab: str) -> list[tuple[str, bool, bool]]:
    return [
        (other.name, other.is_self, other.changed_at is not None)
        for other in presence.others(issue, by=by, tab=tab)
    ]


def test_both_see_each_other_and_not_themselves(draft: Issue, ada: User, ben: User) -> None:
    presence.seen(draft, by=ada, tab="a")
    presence.seen(draft, by=ben, tab="b")
    presence.seen(draft, by=ben, tab="b2")
    revisions.save(draft, by=ben, changes={"subject": "New"})

    assert names(draft, by=ada, tab="a") == [("Ben", False, True)]
    assert names(draft, by=ben, tab="b") == [("ada", False, False), ("Ben", True, True)]


def test_whoever_left_or_fell_silent_is_not_there(draft: Issue, ada: User, ben: User) -> None:
    presence.seen(draft, by=ben, tab="b")
    presence.seen(draft, by=ben, tab="c")

    presence.gone(draft, by=ben, tab="b")
    Presence.objects.filter(tab="c").update(seen_at=timezone.now() - timedelta(seconds=91))

    assert names(draft, by=ada, tab="a") == []


def test_since_counts_from_the_opening_and_anew_after_silence(draft: Issue, ada: User) -> None:
    long_ago = timezone.now() - timedelta(hours=2)
    presence.seen(draft, by=ada, tab="a")
    Presence.objects.update(opened_at=long_ago)

    presence.seen(draft, by=ada, tab="a")
    kept = Presence.objects.get().opened_at
    Presence.objects.update(seen_at=long_ago)
    presence.seen(draft, by=ada, tab="a")

    assert kept == long_ago
    assert Presence.objects.get().opened_at > long_ago


def test_tab_of_another_person_cannot_be_taken(draft: Issue, ada: User, ben: User) -> None:
    presence.seen(draft, by=ada, tab="a")

    presence.seen(draft, by=ben, tab="a")
    presence.gone(draft, by=ben, tab="a")

    assert Presence.objects.get().user == ada


def test_page_is_told_who_else_has_the_issue_open(draft: Issue, ada: User, ben: User, client: Client) -> None:
    client.force_login(ada)
    path = f"/admin/newsletter/issue/{draft.pk}/presence/"
    presence.seen(draft, by=ben, tab="b")

    answer = client.post(path, {"tab": "a"}).json()
    client.post(path, {"tab": "a", "gone": "1"})

    (said,) = answer["others"]
    assert said.startswith("Ben has this open since ")
    assert Presence.objects.get().user == ben
