from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from delivery import control, preparation
from delivery.models import Dispatch, Wording
from newsletter import faces
from newsletter.models import Issue, Newsletter
from tests.delivery.ledgers import ledger
from tests.delivery.people import editor, helper


@pytest.fixture
def stopped(draft: Issue) -> Dispatch:
    dispatch = ledger(draft, accepted=4, uncertain=1, failed=1, pending=7)
    control.stop(dispatch.pk)
    dispatch.refresh_from_db()
    return dispatch


def path(dispatch: Dispatch) -> str:
    return f"/admin/desk/dispatches/{dispatch.pk}/correct/"


def seen(dispatch: Dispatch, to: str, expected: int, **words: str) -> dict[str, str | int]:
    return {"to": to, "approved": faces.fingerprint(dispatch.issue), "expected": expected} | words


def test_page_says_who_gets_what_and_changes_nothing(stopped: Dispatch) -> None:
    page = editor().get(path(stopped))

    assert "<strong>8 readers</strong> of The Daily whom it did not reach" in page.text
    assert "<strong>5 readers</strong> have it or may have it" in page.text
    assert ("not changed yet" in page.text, page.text.count("has not been changed")) == (True, 2)
    assert 'value="Corrected: The tide keeps its own clock"' in page.text
    assert Dispatch.objects.count() == 1


def test_mended_text_goes_to_the_rest_once_however_often_one_presses(stopped: Dispatch) -> None:
    Issue.objects.update(body="<p>High at ten.</p>")
    stopped.issue.refresh_from_db()
    browser = editor()

    answers = [browser.post(path(stopped), seen(stopped, "rest", 8)) for _ in range(2)]

    rest = Dispatch.objects.get(after=stopped)
    assert [answer["Location"] for answer in answers] == [f"/admin/delivery/watch/{rest.pk}/"] * 2
    assert (rest.audience, "High at ten" in rest.html, rest.started_by.username) == ("rest", True, "ada")
    assert "is preparing" in browser.get(path(stopped)).text


def test_correction_has_its_own_subject_and_words(stopped: Dispatch) -> None:
    words = {"subject": "Corrected: high at ten", "note": "It was ten."}

    editor().post(path(stopped), seen(stopped, "correction", 5, **words))

    found = Dispatch.objects.get(after=stopped)
    assert (found.audience, found.subject, found.note) == ("correction", words["subject"], words["note"])


def test_correction_without_a_word_is_asked_for_one_and_keeps_the_subject(stopped: Dispatch) -> None:
    page = editor().post(path(stopped), seen(stopped, "correction", 5, subject="Corrected: ten", note=" "))

    assert page.context["form"].errors == {"note": ["This field is required."]}
    assert 'value="Corrected: ten"' in page.text
    assert Dispatch.objects.count() == 1


def test_correction_that_was_taken_back_may_have_other_words(stopped: Dispatch) -> None:
    browser = editor()
    words = {"subject": "Corrected: ten", "note": "It was nine."}
    browser.post(path(stopped), seen(stopped, "correction", 5, **words))
    first = Dispatch.objects.get(after=stopped)
    preparation.prepare(first.pk)
    answer = browser.post(f"/admin/delivery/watch/{first.pk}/stop/", follow=True)

    page = browser.get(path(first))
    browser.post(path(first), seen(first, "rest", 5, **words | {"note": "It was ten."}))

    again = Dispatch.objects.get(after=first)
    assert "Taken back: nobody got it." in answer.text
    assert "It was nine." in page.text
    assert (again.audience, again.subject, again.note) == ("rest", "Corrected: ten", "It was ten.")


def test_what_has_changed_since_the_page_was_opened_is_looked_at_again(stopped: Dispatch) -> None:
    browser, given = editor(), seen(stopped, "rest", 8)
    Issue.objects.update(subject="Another")

    page = browser.post(path(stopped), given, follow=True)

    assert "changed since this page was opened" in page.text
    assert Dispatch.objects.count() == 1


def test_who_may_only_watch_is_refused(stopped: Dispatch) -> None:
    watcher = helper("view_dispatch")

    answers = [watcher.get(path(stopped)), watcher.post(path(stopped), seen(stopped, "rest", 8))]

    assert [answer.status_code for answer in answers] == [403, 403]
    assert "You may not do this here" in answers[0].text
    assert Client().get(path(stopped)).status_code == 302
    assert Dispatch.objects.count() == 1


def test_watch_page_lists_all_that_went_out_of_the_issue(stopped: Dispatch) -> None:
    browser = editor()
    browser.post(path(stopped), seen(stopped, "rest", 8))

    page = browser.get(f"/admin/delivery/watch/{stopped.pk}/")

    family = [(each.dispatch.audience, each.accepted, each.uncertain) for each in page.context["family"]]
    assert family == [("everyone", 4, 1), ("rest", 0, 0)]
    assert page.context["percent"] == 46
    assert "Send it to the 8 others" not in page.text


@pytest.fixture
def by_two(stopped: Dispatch) -> Dispatch:
    Newsletter.objects.update(needs_second_person=True)
    return Dispatch.objects.get(pk=stopped.pk)


def test_where_two_must_agree_one_writes_the_words_and_another_sends_them(by_two: Dispatch) -> None:
    ada, ben = editor(), editor("ben")
    words = {"subject": "Corrected: high at ten", "note": "It was <ten>."}
    empty = ada.get(path(by_two)).text

    written = ada.post(path(by_two), {"to": "words", "version": "", **words}, follow=True)
    alone = [
        ada.post(path(by_two), seen(by_two, "correction", 5, **words), follow=True),
        ada.post(path(by_two), {"to": "correction", "seen": written.context["seal"]}, follow=True),
    ]
    before = Dispatch.objects.count()
    page = ben.get(path(by_two))
    ben.post(path(by_two), {"to": "correction", "seen": page.context["seal"]} | {"note": "Other."})

    assert "you write the words down, and somebody else reads and sends them" in empty
    assert "You wrote these words, so somebody else sends them." in written.text
    assert "Send the correction" not in empty + written.text
    assert [list(map(str, answer.context["messages"])) for answer in alone] == [
        [
            "The words, the issue or the number of readers have changed since this page was opened. Look at it once"
            " more; nothing was sent."
        ],
        ["You wrote these words, so somebody else sends them."],
    ]
    assert "ada wrote these words on" in page.text
    assert "It was &lt;ten&gt;." in page.text
    assert "Send the correction to 5 readers" in page.text
    found = Dispatch.objects.get(after=by_two)
    assert (before, found.subject, found.note) == (1, words["subject"], words["note"])
    assert found.started_by.username == "ben"


def test_words_are_not_written_over_those_of_somebody_else_unseen(by_two: Dispatch) -> None:
    ada, ben = editor(), editor("ben")
    given = {"to": "words", "version": "", "subject": "Corrected", "note": "It was ten."}
    ada.post(path(by_two), given)

    answer = ben.post(path(by_two), given | {"note": "It was nine."}, follow=True)

    assert "Somebody has written other words in the meantime." in answer.text
    assert [*Wording.objects.values_list("note", flat=True)] == ["It was ten."]


def test_words_wanting_are_asked_for_and_nothing_is_written_down(by_two: Dispatch) -> None:
    page = editor().post(path(by_two), {"to": "words", "version": "", "subject": "Corrected", "note": ""})

    assert page.context["form"].errors == {"note": ["This field is required."]}
    assert not Wording.objects.exists()


def test_the_last_writer_of_the_issue_may_write_the_words_and_sends_nothing(by_two: Dispatch) -> None:
    ada = editor()
    Issue.objects.update(edited_by=User.objects.get(username="ada"))

    page = ada.post(
        path(by_two), {"to": "words", "version": "", "subject": "Corrected", "note": "Ten."}, follow=True
    )
    rest = ada.post(path(by_two), seen(by_two, "rest", 7), follow=True)

    assert "Send it to the 8 others" not in page.text
    assert "the newsletter asks for a second person" in rest.text
    assert (Wording.objects.get().note, Dispatch.objects.count()) == ("Ten.", 1)


def test_who_may_not_send_it_is_told_who_could(by_two: Dispatch) -> None:
    ada = editor()
    Issue.objects.update(edited_by=User.objects.get(username="ada"))
    alone = ada.get(path(by_two)).text
    User.objects.create_superuser("ben", first_name="Ben", last_name="Okoro")

    page = ada.get(path(by_two)).text

    assert "At present nobody else could send it. Ask a publisher of The Daily" in alone
    assert "Who could send it: Ben Okoro." in page


def test_in_its_minute_it_says_that_it_waits(stopped: Dispatch) -> None:
    browser = editor()
    answer = browser.post(path(stopped), seen(stopped, "rest", 8), follow=True)
    preparation.prepare(Dispatch.objects.get(after=stopped).pk)

    page = browser.get(answer.redirect_chain[0][0])

    assert ("Take it back" in answer.text, "button here to take it back" in answer.text) == (False, True)
    assert 55 < page.context["undo_seconds"] <= 60
    assert page.context["phases"][1] == ("waits a minute", "now")
    assert f'data-countdown="{page.context["undo_seconds"]}"' in page.text
    assert ("Take it back" in page.text, page.text.count(">waits a minute<")) == (True, 3)


def test_rest_of_a_correction_shows_the_words_that_were_agreed_to(by_two: Dispatch) -> None:
    ada, ben = editor(), editor("ben")
    ada.post(path(by_two), {"to": "words", "version": "", "subject": "Corrected", "note": "It was ten."})
    ben.post(path(by_two), {"to": "correction", "seen": ben.get(path(by_two)).context["seal"]})
    first = Dispatch.objects.get(after=by_two)
    preparation.prepare(first.pk)
    ben.post(f"/admin/delivery/watch/{first.pk}/stop/")

    page = ben.get(path(first)).text
    ben.post(path(first), seen(first, "rest", 5, subject="Buy", note="Now."))

    again = Dispatch.objects.get(after=first)
    assert "With the words that were agreed to:" in page
    assert 'name="note"' not in page
    assert (again.subject, again.note) == ("Corrected", "It was ten.")
