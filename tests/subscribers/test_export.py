"""What we hold of a person: as a file, and what is left of it once they have deleted everything."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.utils import timezone

from delivery.models import Answer, Attempt, Batch, Delivery, Dispatch, Event, Proof
from delivery.veiling import veiled
from newsletter.models import Newsletter
from subscribers import changing_address, consent, letters, lifecycle, sign_ups, tokens, wordings
from subscribers.models import AddressChange, Letter, Subscriber, Subscription, Suppression, address_key
from subscribers.proof import export
from tests import factories

ADA, NAME, TOWN = "ada.lovelace@example.com", "Adalina", "Ockhampton"
BY_FORM = consent.Circumstances(consent.Method.FORM, "192.0.2.0/24", "Browser 1.0", "en")


@pytest.fixture
def ada(daily: Newsletter) -> Subscription:
    """Who has left traces wherever a reader can."""
    wish = lifecycle.Wish(
        first_name=NAME,
        fields={"town": TOWN},
        source={"page": "/daily/"},
        wording_id=wordings.note(daily, wordings.shown(daily).digest),
    )
    found = lifecycle.subscribe(daily, email=ADA, wish=wish, circumstances=BY_FORM)
    lifecycle.confirm(found, generation=1, circumstances=BY_FORM)
    for letter in Letter.objects.filter(due_at__isnull=False):
        letters.send_due(letter.pk, now=timezone.now())
    delivered_to(found)
    changing_address.ask(found.subscriber, new_email="ada@new.example", now=timezone.now())
    sign_ups.note(ADA, newsletters={daily.pk: None}, wish=wish, circumstances=BY_FORM)
    boss = User.objects.create_superuser("boss")
    LogEntry.objects.log_actions(boss.pk, [found.subscriber], CHANGE, "", single_object=True)
    LogEntry.objects.log_actions(boss.pk, [found], CHANGE, "", single_object=True)
    return found


def delivered_to(subscription: Subscription) -> None:
    issue = factories.issue(subscription.newsletter)
    dispatch = Dispatch.objects.create(
        issue=issue,
        state="sent",
        batch_size=1,
        audience_size=1,
        started_at=timezone.now(),
        finished_at=timezone.now(),
    )
    batch = Batch.objects.create(dispatch=dispatch, number=1, state="done")
    attempt = Attempt.objects.create(batch=batch, fence=1, outcome="answered")
    delivery = Delivery.objects.create(
        dispatch=dispatch,
        subscription=subscription,
        batch=batch,
        attempt=attempt,
        state="failed",
        reason="refused",
        detail=veiled(f"550 5.1.1 <{ADA}>: no such user"),
    )
    Event.objects.create(
        key="00000000-0000-0000-0000-000000000001",
        mailer="bulk",
        kind="deferred",
        delivery=delivery,
        address_key=address_key(ADA),
        words="later, please",
        happened_at=timezone.now(),
    )
    Answer.objects.create(issue=issue, subscription=subscription, verdict="good", given_at=timezone.now())
    Proof.objects.create(
        issue=issue,
        content_hash="0",
        addresses=[ADA, "editor@example.com"],
        reader=subscription,
        state="sent",
        detail=f"{ADA} was taken",
    )


def link(subscription: Subscription, step: str = "") -> str:
    return f"/s/manage/{tokens.manage_token(subscription.subscriber)}/{step}"


def delete(browser: Client, path: str):
    assert '<form method="post">' in browser.get(path).text
    return browser.post(path)


def dump() -> str:
    """Every row of every table."""
    with connection.cursor() as cursor:
        rows = []
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            rows += [f"{table}: {row}" for row in cursor.fetchall()]
    return "\n".join(rows)


def test_file_is_a_download_that_nobody_keeps(ada: Subscription) -> None:
    answer = Client().get(link(ada, "download/"))

    assert answer["Content-Type"] == "application/json"
    assert re.fullmatch(
        r'attachment; filename="what-we-hold-\d{4}-\d\d-\d\d\.json"', answer["Content-Disposition"]
    )
    assert "no-store" in answer["Cache-Control"]
    assert json.loads(answer.content)["person"]["address"] == ADA


def test_file_holds_everything(ada: Subscription) -> None:
    held = json.loads(json.dumps(export.everything(ada.subscriber, now=timezone.now())))

    assert list(held) == [
        "made_at",
        "made_by",
        "person",
        "subscriptions",
        "consent",
        "letters",
        "address_changes",
        "sign_ups_waiting",
        "not_mailed",
        "kept_out_of",
        "issues_sent",
        "answers",
    ]
    assert (held["person"]["first_name"], held["subscriptions"][0]["fields"]) == (NAME, {"town": TOWN})
    assert [event["what"] for event in held["consent"]] == ["asked", "confirmed"]
    assert held["consent"][0]["agreed_to"]["text"] == wordings.shown(ada.newsletter).text
    assert {letter["kind"] for letter in held["letters"]} >= {"confirmation", "new_address", "old_address"}
    assert held["address_changes"][0]["new_address"] == "ada@new.example"
    assert held["sign_ups_waiting"][0]["network"] == "192.0.2.0/24"
    (sent,) = held["issues_sent"]
    assert (sent["issue"], sent["outcome"], sent["events"][0]["what"]) == ("tides", "failed", "deferred")
    assert held["answers"][0]["answer"] == "good"


def test_file_says_why_nothing_is_mailed(ada: Subscription) -> None:
    lifecycle.suppress(ADA, reason=Suppression.Reason.HARD_BOUNCE)

    (why,) = export.everything(ada.subscriber, now=timezone.now())["not_mailed"]

    assert why["reason"] == "hard_bounce"


def test_file_holds_nothing_of_others(ada: Subscription, daily: Newsletter) -> None:
    factories.subscription(daily, "bob@example.com")

    held = json.dumps(export.everything(ada.subscriber, now=timezone.now()))

    assert "bob@" not in held


def test_deleted_reader_is_in_no_row_of_any_table(ada: Subscription, daily: Newsletter) -> None:
    bob = factories.subscription(daily, "bob@example.com")
    AddressChange.objects.create(subscriber=bob.subscriber, new_email=ADA, asked_at=timezone.now())
    browser = Client(enforce_csrf_checks=True)
    before = dump().lower()
    assert all(trace.lower() in before for trace in (ADA, NAME, TOWN, "ada@new.example"))
    keys = Subscription.objects.get(pk=ada.pk), Delivery.objects.count(), Answer.objects.count()

    answer = delete(browser, link(ada, "delete/"))

    after = dump().lower()
    assert (answer.status_code, "Everything is deleted" in answer.text) == (200, True)
    assert [
        trace for trace in (ADA, NAME, TOWN, "ada@new.example", "192.0.2.0") if trace.lower() in after
    ] == []
    assert (Delivery.objects.count(), Answer.objects.count()) == keys[1:]
    assert Delivery.objects.get().subscription_id is None
    assert Delivery.objects.get().detail == "550 5.1.1 <ad…@e….com>: no such user"
    assert Suppression.objects.get().address_key == address_key(ADA)


def test_deleted_readers_link_is_a_neutral_page(ada: Subscription) -> None:
    browser = Client(enforce_csrf_checks=True)
    path = link(ada)
    delete(browser, f"{path}delete/")

    pressed_twice = browser.post(f"{path}delete/")
    looked = [browser.get(f"{path}{step}") for step in ("", "delete/", "download/")]

    assert {answer.status_code for answer in [pressed_twice, *looked]} == {410}
    assert "If you have just done that yourself, it is done." in pressed_twice.text
    assert not Subscriber.objects.exists()


def test_deleted_reader_comes_back_by_their_own_sign_up_alone(ada: Subscription, daily: Newsletter) -> None:
    lifecycle.erase(ada.subscriber)

    again = lifecycle.subscribe(daily, email=ADA)

    assert again.status == "pending"
    assert lifecycle.confirm(again, generation=again.generation)
    assert Subscription.objects.mailable(daily).get() == again


def test_deleting_asks_first_and_says_what_stays(ada: Subscription) -> None:
    page = Client().get(link(ada, "delete/"))

    assert page.status_code == 200
    assert "What goes" in page.text
    assert "What stays" in page.text
    assert Subscriber.objects.exists()


def test_link_of_yesterday_deletes_nothing(ada: Subscription, monkeypatch: pytest.MonkeyPatch) -> None:
    path = link(ada, "delete/")
    then = (timezone.now() + timedelta(hours=2)).timestamp()
    monkeypatch.setattr("django.core.signing.time.time", lambda: then)

    assert Client().post(path).status_code == 410
    assert Subscriber.objects.exists()
