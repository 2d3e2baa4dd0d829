from __future__ import annotations

import csv
import io

import pytest
from django.contrib.auth.models import User
from django.test import Client

from delivery import evidence, preparation
from delivery.models import Attempt, Delivery, Dispatch
from delivery.views import uncertain
from newsletter.models import Issue, Member
from subscribers import lifecycle
from tests import factories
from tests.delivery.ledgers import ledger
from tests.delivery.people import editor, helper


def page(browser: Client, dispatch: Dispatch, after: int | str = "") -> str:
    answer = browser.get(f"/admin/delivery/watch/{dispatch.pk}/uncertain/?after={after}")
    assert answer.status_code == 200
    return answer.text


def export(browser: Client, dispatch: Dispatch, state: str) -> list[list[str]]:
    answer = browser.get(f"/admin/delivery/watch/{dispatch.pk}/{state}.csv")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"] == f'attachment; filename="tides-{state}.csv"'
    return list(csv.reader(io.StringIO(answer.getvalue().decode())))


def test_page_says_of_each_since_when_and_what_was_seen(draft: Issue, settings) -> None:
    settings.HAND_OVER = {"bulk": {"scheme": "resend", "batch_size": 10}}
    dispatch = ledger(draft, state="sent", accepted=8, uncertain=3)
    key = "0b8f9c1e-6c0a-4a6b-9a3e-0d2b6f6d1c55"
    Attempt.objects.filter(outcome="uncertain").update(key=key, repeats=2, mailer="bulk")
    Delivery.objects.filter(state="uncertain", batch__number=1).update(provider_id="<id-7@resend>")

    found = page(editor(), dispatch)

    assert "<strong>3 readers</strong> were handed over, and no answer came." in found
    for words in (
        "502 Bad Gateway",
        "through Resend",
        f"<code>{key}</code> (repeated 2 times)",
        "&lt;id-7@resend&gt;",
    ):
        assert words in found
    addresses = Delivery.objects.filter(state="uncertain").values_list(
        "subscription__subscriber__email", flat=True
    )
    assert all(address in found for address in addresses)
    assert "Send it to these 3 again" in found


def test_pages_follow_one_another_and_miss_nobody(draft: Issue, monkeypatch) -> None:
    monkeypatch.setattr(uncertain, "PAGE", 4)
    browser = editor()
    dispatch = ledger(draft, state="sent", accepted=2, uncertain=10)
    expected = list(Delivery.objects.filter(state="uncertain").order_by("pk").values_list("pk", flat=True))

    seen, after = [], 0
    for _ in range(3):
        answer = browser.get(f"/admin/delivery/watch/{dispatch.pk}/uncertain/?after={after}")
        seen += [reader["address"] for group in answer.context["groups"] for reader in group["readers"]]
        after = answer.context["next"]

    assert after is None
    assert seen == [evidence.address(row) for row in Delivery.objects.filter(pk__in=expected).order_by("pk")]


@pytest.mark.parametrize("after", ["x", "-1", "9" * 30, "999999999"])
def test_page_that_does_not_exist_is_an_empty_one_or_the_first(draft: Issue, after: str) -> None:
    dispatch = ledger(draft, state="sent", uncertain=2)

    assert "<strong>2 readers</strong>" in page(editor(), dispatch, after)


def test_page_of_a_dispatch_without_doubts_offers_nothing(draft: Issue) -> None:
    found = page(editor(), ledger(draft, state="sent", accepted=2))

    assert "Nobody is uncertain." in found
    assert "They have it" not in found


def test_erased_reader_is_listed_without_an_address(draft: Issue) -> None:
    dispatch = ledger(draft, state="sent", uncertain=1)
    lifecycle.erase(Delivery.objects.get().subscription.subscriber)

    assert "(deleted)" in page(editor(), dispatch)
    assert export(editor("cleo"), dispatch, "uncertain")[1][:2] == ["", "uncertain"]


@pytest.mark.parametrize("part", ["uncertain/", "uncertain.csv", "failed.csv", "skipped.csv"])
def test_addresses_are_for_those_who_may_see_them(draft: Issue, part: str) -> None:
    dispatch = ledger(draft, state="sent", uncertain=1, failed=1)
    path = f"/admin/delivery/watch/{dispatch.pk}/{part}"

    answers = [
        helper("view_dispatch").get(path).status_code,
        helper("view_dispatch", "view_delivery", name="dora").get(path).status_code,
        Client().get(path).status_code,
        helper("view_dispatch", "view_delivery", name="eve").post(path).status_code,
    ]

    assert answers == [403, 200, 302, 405]


def test_export_has_everybody_in_that_state_with_the_reason(draft: Issue) -> None:
    browser = editor()
    dispatch = ledger(draft, state="sent", accepted=2, failed=3, skipped=4, uncertain=5)

    files = {state: export(browser, dispatch, state) for state in ("failed", "skipped", "uncertain")}

    assert {state: len(rows) - 1 for state, rows in files.items()} == {
        "failed": 3,
        "skipped": 4,
        "uncertain": 5,
    }
    assert all(rows[0] == uncertain.COLUMNS for rows in files.values())
    failed = Delivery.objects.select_related("attempt").filter(state="failed").order_by("pk").first()
    address = evidence.address(failed)
    assert next(row for row in files["failed"] if row[0] == address) == [
        address,
        "failed",
        "refused",
        "550 no such mailbox",
        failed.settled_at.isoformat(timespec="seconds"),
        "bulk",
        failed.attempt.started_at.isoformat(timespec="seconds"),
        "550 no such mailbox",
        "",
        "",
    ]
    assert {tuple(row[1:4]) for row in files["skipped"][1:]} == {("skipped", "unsubscribed", "")}


def test_export_gives_no_spreadsheet_a_formula(draft: Issue) -> None:
    dispatch = ledger(draft, state="sent", failed=6)
    words = ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "550 =no"]
    for row, said in zip(Delivery.objects.order_by("pk"), words, strict=True):
        Delivery.objects.filter(pk=row.pk).update(detail=said)

    cells = [row[3] for row in export(editor(), dispatch, "failed")[1:]]

    assert sorted(cells) == sorted(["'=1+1", "'+1", "'-1", "'@SUM(A1)", "'\tx", "550 =no"])


@pytest.mark.parametrize("count", [1, 3])
def test_page_costs_the_same_however_many_are_uncertain(
    draft: Issue, count: int, django_assert_num_queries
) -> None:
    browser = editor()
    dispatch = ledger(draft, state="sent", uncertain=count)

    # session, user, dispatch, their count, a page of them; was it corrected; may we send at all
    with django_assert_num_queries(7):
        page(browser, dispatch)


@pytest.mark.parametrize("number", ["9" * 30, "9" * 5000])
def test_number_of_no_dispatch_finds_none(draft: Issue, number: str) -> None:
    ledger(draft, state="sent", accepted=2)
    bob = helper()
    Member.objects.create(user=User.objects.get(username="bob"), newsletter=draft.newsletter, role="editor")

    listed = [who.get("/admin/delivery/delivery/", {"dispatch": number}) for who in (bob, editor())]
    watched = [who.get(f"/admin/delivery/watch/{number}/") for who in (bob, editor("eve"))]

    assert [answer.status_code for answer in listed + watched] == [200, 200, 404, 404]


def test_ledger_in_the_admin_shows_one_dispatch_at_a_time(draft: Issue) -> None:
    browser = editor()
    older = ledger(draft, state="sent", accepted=2, failed=1)
    newer = preparation.start(factories.issue(draft.newsletter, slug="later"))
    preparation.prepare(newer.pk)

    shown = {}
    for query in ("", f"?dispatch={older.pk}&state__exact=failed", "?q=reader1", "?q=nobody"):
        rows = browser.get(f"/admin/delivery/delivery/{query}").context["cl"].result_list
        shown[query] = sorted(row.dispatch_id for row in rows)

    assert shown == {
        "": [newer.pk] * 3,
        f"?dispatch={older.pk}&state__exact=failed": [older.pk],
        "?q=reader1": [older.pk, newer.pk],
        "?q=nobody": [],
    }
