"""Where a newsletter asks for a second person: nobody sends readers words that they alone have seen."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from delivery import control, following, preparation, wording
from delivery.exceptions import AlreadyDispatched, CannotStart
from delivery.models import Delivery, Dispatch, Wording
from newsletter import faces
from newsletter.models import Issue, Newsletter
from tests import factories
from tests.delivery.ledgers import ledger

CORRECTION = Dispatch.Audience.CORRECTION
WORDS = {"subject": "Corrected: high at ten", "note": "It was ten.\n\nWe are sorry."}
CHANGED = "have changed since this page was opened"


@pytest.fixture
def ada(db: None) -> User:
    return User.objects.create_superuser("ada")


@pytest.fixture
def ben(db: None) -> User:
    return User.objects.create_superuser("ben")


@pytest.fixture
def first(ada: User) -> Dispatch:
    issue = factories.issue(factories.newsletter(), edited_by=ada)
    dispatch = ledger(issue, state="sent", accepted=4, uncertain=1, failed=1)
    Newsletter.objects.update(needs_second_person=True)
    return Dispatch.objects.get(pk=dispatch.pk)


def seal(before: Dispatch) -> str:
    """What stands on the page as it is now."""
    words = wording.of(before)
    assert words is not None
    return wording.seal(words, before, readers=following.readers(before)[CORRECTION.value])


def test_nobody_sends_words_of_their_own(first: Dispatch, ben: User) -> None:
    with pytest.raises(CannotStart, match="somebody else sends them"):
        following.start_correction(
            first, approved=faces.fingerprint(first.issue), expected=5, by=ben, **WORDS
        )
    wording.write(first, **WORDS, by=ben)
    with pytest.raises(CannotStart, match="You wrote these words"):
        wording.send(first, seen=seal(first), by=ben)

    assert Dispatch.objects.count() == 1


def test_nor_does_whoever_wrote_the_last_word_of_the_issue(first: Dispatch, ada: User, ben: User) -> None:
    wording.write(first, **WORDS, by=ben)

    with pytest.raises(CannotStart, match="asks for a second person"):
        wording.send(first, seen=seal(first), by=ada)

    assert Dispatch.objects.count() == 1


def test_a_second_person_sends_exactly_what_was_written(first: Dispatch, ada: User, ben: User) -> None:
    words = wording.write(first, **WORDS, by=ada)

    sent = wording.send(first, seen=seal(first), by=ben)
    with pytest.raises(AlreadyDispatched) as earlier:
        wording.send(first, seen="", by=ben)
    with pytest.raises(AlreadyDispatched):
        wording.write(first, **WORDS | {"note": "Other."}, by=ada, instead_of=wording.version(words))

    assert (sent.audience, sent.subject, sent.note) == (CORRECTION, WORDS["subject"], WORDS["note"])
    assert (sent.after, sent.started_by, earlier.value.dispatch_id) == (first, ben, sent.pk)


@pytest.mark.parametrize("what", ["words", "issue", "readers"])
def test_what_has_changed_since_it_was_seen_is_not_sent(
    first: Dispatch, ada: User, ben: User, what: str
) -> None:
    words = wording.write(first, **WORDS, by=ada)
    seen = seal(first)
    if what == "words":
        wording.write(first, **WORDS | {"note": "Buy now."}, by=ada, instead_of=wording.version(words))
    elif what == "issue":
        Issue.objects.update(body="<p>Another.</p>")
    else:
        Delivery.objects.filter(state="uncertain").update(state="failed", reason="refused")

    with pytest.raises(CannotStart, match=CHANGED):
        wording.send(first, seen=seen, by=ben)

    assert Dispatch.objects.count() == 1


def test_of_two_who_write_at_the_same_time_the_second_looks_first(
    first: Dispatch, ada: User, ben: User
) -> None:
    words = wording.write(first, **WORDS, by=ada)

    with pytest.raises(CannotStart, match="other words in the meantime"):
        wording.write(first, **WORDS | {"note": "Other."}, by=ben)
    wording.write(first, **WORDS | {"note": "Better."}, by=ben, instead_of=wording.version(words))

    assert [*Wording.objects.values_list("note", "by__username")] == [("Better.", "ben")]


def test_the_rest_of_a_correction_keeps_the_words_that_were_agreed_to(
    first: Dispatch, ada: User, ben: User
) -> None:
    wording.write(first, **WORDS, by=ada)
    second = wording.send(first, seen=seal(first), by=ben)
    preparation.prepare(second.pk)
    control.stop(second.pk)
    approved = faces.fingerprint(second.issue)

    third = following.start_rest(
        second, approved=approved, expected=5, by=ben, subject="Buy", note="Words that nobody saw."
    )

    assert (third.audience, third.subject, third.note) == ("rest", WORDS["subject"], WORDS["note"])
