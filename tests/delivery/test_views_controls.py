from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.utils import timezone

from delivery.models import Delivery, Dispatch, MailerState, SendingDomain
from newsletter.models import Issue
from tests.delivery.ledgers import counts, ledger
from tests.delivery.people import editor, helper

STORY = {"accepted": 1, "failed": 2, "uncertain": 3, "pending": 4}
VERBS = ["pause", "resume", "stop", "retry", "accept", "again"]


def path(dispatch: Dispatch, part: str = "") -> str:
    return f"/admin/delivery/watch/{dispatch.pk}/{part}"


def press(browser: Client, dispatch: Dispatch, verb: str, **data: object) -> list[str]:
    """What the page says after the press."""
    answer = browser.post(path(dispatch, f"{verb}/"), data, follow=True)
    assert answer.redirect_chain == [(path(dispatch), 302)]
    return [str(message) for message in answer.context["messages"]]


@pytest.mark.parametrize(
    ("before", "verb", "expected", "words", "after"),
    [
        ("sending", "pause", 0, "Paused. What is being", STORY),
        ("paused", "resume", 0, "It goes on from where it stood.", STORY),
        (
            "paused",
            "stop",
            0,
            "Stopped for good.",
            {"accepted": 1, "failed": 2, "uncertain": 3, "skipped": 4},
        ),
        ("sending", "retry", 0, "2 failed readers", {"accepted": 1, "uncertain": 3, "pending": 6}),
        ("sending", "accept", 3, "3 uncertain readers", {"accepted": 4, "failed": 2, "pending": 4}),
        ("sending", "again", 3, "It is sent again to 3", {"accepted": 1, "failed": 2, "pending": 7}),
    ],
)
def test_button_pressed_twice_acts_once_and_is_in_the_history(
    draft: Issue, before: str, verb: str, expected: int, words: str, after: dict[str, int]
) -> None:
    browser = editor()
    dispatch = ledger(draft, state=before, **STORY)

    said = [press(browser, dispatch, verb, expected=expected) for _ in range(2)]

    assert [len(messages) for messages in said] == [1, 1]
    assert said[0][0].startswith(words)
    assert "nothing to" in said[1][0]
    assert counts(dispatch) == after
    entry = LogEntry.objects.get()
    assert (entry.user.username, entry.object_id, entry.change_message) == (
        "ada",
        str(dispatch.pk),
        said[0][0],
    )


@pytest.mark.parametrize(("verb", "status"), [("pause", 405), ("resume", 405), ("retry", 405), ("stop", 200)])
def test_looking_at_a_button_changes_nothing(draft: Issue, verb: str, status: int) -> None:
    browser = editor()
    dispatch = ledger(draft, **STORY)

    answers = [
        browser.get(path(dispatch, f"{verb}/")).status_code,
        browser.head(path(dispatch, f"{verb}/")).status_code,
    ]

    assert answers == [status, status]
    assert counts(dispatch) == STORY
    assert (dispatch.state, LogEntry.objects.count()) == ("sending", 0)


@pytest.mark.parametrize(
    ("verb", "sentence", "button"),
    [
        ("stop", "<strong>4 readers</strong> who still wait will not get this issue", "Stop for good"),
        ("accept", "<strong>3 uncertain readers</strong> count as accepted from then on.", "These 3 have it"),
        (
            "again",
            "<strong>3 uncertain readers</strong> are sent this issue once more.",
            "Send it to these 3 again",
        ),
    ],
)
def test_what_cannot_be_undone_is_asked_about_with_its_count(
    draft: Issue, verb: str, sentence: str, button: str
) -> None:
    browser = editor()
    dispatch = ledger(draft, **STORY)

    page = browser.get(path(dispatch, f"{verb}/")).text

    assert sentence in page
    assert f">{button}</button>" in page
    assert ("gets it twice" in page) == (verb == "again")


@pytest.mark.parametrize("verb", ["accept", "again"])
def test_button_of_a_page_that_is_no_longer_true_does_nothing(draft: Issue, verb: str) -> None:
    browser = editor()
    dispatch = ledger(draft, **STORY)
    shown = re.search(r'name="expected" value="(\d+)"', browser.get(path(dispatch, f"{verb}/")).text)
    Delivery.objects.filter(pk=Delivery.objects.filter(state="uncertain").first().pk).update(
        state="accepted", reason=""
    )

    said = press(browser, dispatch, verb, expected=shown[1])

    assert said == ["It is now 2 readers, not 3. Look again; nothing was changed."]
    assert counts(dispatch) == {"accepted": 2, "failed": 2, "uncertain": 2, "pending": 4}
    assert not LogEntry.objects.exists()


@pytest.mark.parametrize("expected", ["", "3x", "-3", "9" * 5000, "٣"])
@pytest.mark.parametrize("verb", ["accept", "again"])
def test_button_without_a_sound_count_does_nothing(draft: Issue, verb: str, expected: str) -> None:
    browser = editor()
    dispatch = ledger(draft, state="sent", accepted=1, uncertain=4)

    said = press(browser, dispatch, verb, expected=expected)

    assert [message.startswith("It is now 4 readers") for message in said] == [True]
    assert counts(dispatch) == {"accepted": 1, "uncertain": 4}


@pytest.mark.parametrize("verb", VERBS)
def test_buttons_are_for_those_who_may_send(draft: Issue, verb: str) -> None:
    dispatch = ledger(draft, **STORY)
    watcher = helper("view_dispatch", "view_delivery")

    answers = [
        browser.post(path(dispatch, f"{verb}/"), {"expected": 3}).status_code
        for browser in (watcher, Client())
    ]

    assert answers == [403, 302]
    assert counts(dispatch) == STORY
    page = watcher.get(path(dispatch)).text
    assert 'method="post" action="/admin/delivery' not in page
    assert "Stop for good" not in page


def test_buttons_fit_the_state(draft: Issue) -> None:
    browser = editor()
    dispatch = ledger(draft, **STORY)
    offered = {}

    for state in ("sending", "paused", "sent", "stopped"):
        times = {"finished_at": timezone.now() if state in {"sent", "stopped"} else None}
        Dispatch.objects.update(state=state, **times)
        page = browser.get(path(dispatch)).text
        offered[state] = [verb for verb in VERBS if f'{path(dispatch, verb)}/"' in page]
        offered[state] += ["settle"] if "Settle the 3 uncertain" in page else []

    assert offered == {
        "sending": ["pause", "stop", "retry", "settle"],
        "paused": ["resume", "stop", "retry", "settle"],
        "sent": ["retry", "settle"],
        "stopped": ["settle"],
    }


def test_page_is_true_right_after_a_press_though_others_watch(draft: Issue) -> None:
    browser = editor()
    dispatch = ledger(draft, **STORY)
    watched = browser.get(path(dispatch, "progress/")).context["balance"].failed

    press(browser, dispatch, "retry")

    assert (watched, browser.get(path(dispatch)).context["balance"].failed) == (2, 0)


def test_page_says_why_it_waits_and_who_carries_it(draft: Issue, settings) -> None:
    settings.HAND_OVER = {
        "bulk": {"scheme": "mailgun", "batch_size": 10},
        "fallback": {"scheme": "postmark", "batch_size": 10},
    }
    browser = editor()
    dispatch = ledger(draft, **STORY)
    MailerState.objects.create(alias="bulk", broken_since=timezone.now(), reason="401: <Forbidden>")

    page = browser.get(path(dispatch)).text

    assert "through Postmark (the second mailer)" in page
    assert "401: &lt;Forbidden&gt;. The rest goes by Postmark (the second mailer).</p>" in page
    assert "<strong>Mailgun</strong> took it for 1 reader, refused 2" in page


def test_mailer_is_tried_again_when_somebody_says_so(draft: Issue) -> None:
    ledger(draft, **STORY)
    state = MailerState.objects.create(
        alias="bulk",
        broken_since=timezone.now(),
        reason="401",
        next_trial=timezone.now(),
        not_before=timezone.now() + timedelta(hours=1),
        waiting_for="429",
    )
    chosen = {"action": "try_again_now", "_selected_action": ["bulk"]}

    helper("view_mailerstate").post("/admin/delivery/mailerstate/", chosen)
    still_broken = MailerState.objects.get().broken_since
    pressed = editor().post("/admin/delivery/mailerstate/", chosen, follow=True)

    assert still_broken == state.broken_since
    state.refresh_from_db()
    assert (state.broken_since, state.reason, state.not_before, state.waiting_for) == (None, "", None, "")
    assert "1 mailer is tried again" in pressed.text
    assert LogEntry.objects.get().user.username == "ada"


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("Daily.Example", "daily.example"),
        ("@daily.example", "daily.example"),
        ("bücher.example", "xn--bcher-kva.example"),
    ],
)
def test_domain_to_warm_up_is_stored_as_it_is_counted(db: None, typed: str, stored: str) -> None:
    page = editor().post(
        "/admin/delivery/sendingdomain/add/",
        {"domain": typed, "warm_up_from": "2026-11-22", "first_day": "200"},
        follow=True,
    )

    assert SendingDomain.objects.get().domain == stored
    assert "200" in page.text


@pytest.mark.parametrize(
    ("typed", "words"), [("no domain", "Write it like daily.example"), ("a@b", "Write it like daily.example")]
)
def test_domain_that_is_none_is_refused_with_how_to_write_it(db: None, typed: str, words: str) -> None:
    page = editor().post(
        "/admin/delivery/sendingdomain/add/",
        {"domain": typed, "warm_up_from": "2026-11-22", "first_day": "200"},
    )

    assert words in page.text
    assert not SendingDomain.objects.exists()
