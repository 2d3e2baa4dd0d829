from __future__ import annotations

import pytest

from delivery import preparation, progress
from delivery.exceptions import AlreadyDispatched, CannotStart
from delivery.models import Batch, Delivery, Dispatch
from newsletter import publishing
from newsletter.models import Issue, Newsletter
from subscribers import lifecycle
from subscribers.models import Suppression
from tests import factories


def test_start_publishes_the_page_and_freezes_the_mail(draft: Issue) -> None:
    factories.cast(draft.newsletter)

    dispatch = preparation.start(draft)
    Issue.objects.filter(pk=draft.pk).update(subject="Corrected", body="<p>Corrected.</p>")

    draft.refresh_from_db()
    dispatch.refresh_from_db()
    assert (draft.status, draft.published_at is not None) == ("sent", True)
    assert dispatch.subject == "The tide keeps its own clock"
    assert "high at nine" in dispatch.html
    assert "high at nine" in dispatch.text


def test_start_twice_is_one_dispatch(draft: Issue) -> None:
    factories.cast(draft.newsletter)
    dispatch = preparation.start(draft)

    with pytest.raises(AlreadyDispatched) as earlier:
        preparation.start(draft)

    assert (earlier.value.dispatch_id, Dispatch.objects.count()) == (dispatch.pk, 1)


def test_start_by_a_second_person_who_loaded_the_draft_before_is_refused(draft: Issue) -> None:
    factories.cast(draft.newsletter)
    as_the_second_sees_it = Issue.objects.get(pk=draft.pk)
    preparation.start(draft)

    with pytest.raises(AlreadyDispatched):
        preparation.start(as_the_second_sees_it)


def test_start_of_an_issue_published_without_a_dispatch_is_refused(draft: Issue) -> None:
    factories.cast(draft.newsletter)
    publishing.publish(draft)

    with pytest.raises(CannotStart, match="no longer a draft"):
        preparation.start(draft)


@pytest.mark.parametrize(
    ("fields", "words"),
    [({"subject": " "}, "no subject"), ({"body": ""}, "is empty"), ({}, "no confirmed readers")],
)
def test_start_says_what_is_missing_and_changes_nothing(
    daily: Newsletter, fields: dict[str, str], words: str
) -> None:
    issue = factories.issue(daily, **fields)

    with pytest.raises(CannotStart, match=words):
        preparation.start(issue)

    issue.refresh_from_db()
    assert (issue.status, Dispatch.objects.count()) == ("draft", 0)


def test_prepare_accounts_for_every_active_reader(draft: Issue) -> None:
    factories.cast(draft.newsletter)
    factories.readers(draft.newsletter, 101)
    lifecycle.suppress("reader7@example.com", reason=Suppression.Reason.HARD_BOUNCE)
    other = factories.newsletter("weekly")
    factories.subscription(other, "zoe@example.com")
    dispatch = preparation.start(draft)
    Dispatch.objects.update(batch_size=20)

    assert [preparation.prepare(dispatch.pk), preparation.prepare(dispatch.pk)] == [True, False]

    dispatch.refresh_from_db()
    balance = progress.balance(dispatch)
    assert (balance.audience, balance.pending, balance.skipped_by_reason) == (102, 101, {"suppressed": 1})
    assert balance.adds_up
    sizes = [batch.deliveries.count() for batch in Batch.objects.order_by("number")]
    assert sizes == [20, 20, 20, 20, 20, 1]
    assert Delivery.objects.filter(state="skipped", batch=None, settled_at__isnull=False).count() == 1


def test_who_joins_after_the_freeze_is_not_in_it(draft: Issue) -> None:
    factories.cast(draft.newsletter)
    dispatch = preparation.start(draft)
    preparation.prepare(dispatch.pk)

    factories.subscription(draft.newsletter, "late@example.com")

    assert Delivery.objects.filter(dispatch=dispatch).count() == 1
