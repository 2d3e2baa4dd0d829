"""The page of test mails: asking, watching, and what is said when something is wrong."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from delivery import epoch, proofing
from delivery.models import Proof
from newsletter.models import Issue, Member
from tests import factories
from tests.delivery.people import editor

State = Proof.State


def page(issue: Issue) -> str:
    return reverse("desk:test", args=[issue.pk])


def asked(issue: Issue, **fields: object) -> Proof:
    found, _ = User.objects.get_or_create(username="ada")
    proof = proofing.ask(issue, addresses=["desk@example.com"], by=found)
    Proof.objects.filter(pk=proof.pk).update(**fields)
    proof.refresh_from_db()
    return proof


def test_a_test_is_asked_for(draft: Issue) -> None:
    reader = factories.subscription(draft.newsletter, "zoe@example.com")
    browser = editor()
    written = "Ada@Desk.example, Bo <bo@desk.example>\n\nada@desk.example;"

    answer = browser.post(page(draft), {"addresses": written, "reader": reader.pk}, follow=True)

    proof = Proof.objects.get()
    assert (proof.addresses, proof.reader, proof.state) == (
        ["ada@desk.example", "bo@desk.example"],
        reader,
        State.WAITING,
    )
    assert answer.redirect_chain == [(f"{page(draft)}?reader={reader.pk}", 302)]
    assert "The test goes to 2 addresses." in answer.text
    assert "ada@desk.example, bo@desk.example</textarea>" in answer.text


def test_page_leads_on_to_sending_and_begins_with_ones_own_address(draft: Issue) -> None:
    browser = editor("eve")
    eve = User.objects.get(username="eve")
    User.objects.filter(pk=eve.pk).update(email="eve@desk.example")
    other = factories.issue(draft.newsletter, "other")
    proofing.ask(other, addresses=["press@example.com"], by=eve)

    text = browser.get(page(draft)).text

    assert "eve@desk.example</textarea>" in text
    assert f'href="{reverse("desk:send", args=[draft.pk])}">Next: plan and send</a>' in text


def test_a_reader_who_was_taken_back_is_not_shown(draft: Issue) -> None:
    reader = factories.subscription(draft.newsletter, "zoe@example.com")

    editor().post(f"{page(draft)}?reader={reader.pk}", {"addresses": "a@desk.example", "reader": ""})

    assert Proof.objects.get().reader is None


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("", "Write at least one address."),
        (" , ;\n", "Write at least one address."),
        ("ada@desk.example, nobody", "nobody: An email address must have an @-sign."),
        (
            ",".join(f"r{number}@desk.example" for number in range(11)),
            "to 10 addresses at most. These are 11.",
        ),
    ],
)
def test_what_is_wrong_with_an_address_is_said_at_the_field(draft: Issue, written: str, words: str) -> None:
    answer = editor().post(page(draft), {"addresses": written})

    assert answer.status_code == 422
    assert words in answer.text
    assert Proof.objects.exists() is False


def test_while_sending_is_frozen_no_test_goes_out(draft: Issue) -> None:
    epoch.freeze("A backup was restored.")

    answer = editor().post(page(draft), {"addresses": "a@desk.example"})

    assert answer.status_code == 422
    assert "Nothing goes out from here at present. A backup was restored." in answer.text


def test_the_page_asks_again_only_while_a_test_is_on_its_way(draft: Issue) -> None:
    browser = editor("eve")
    proof = asked(draft)

    waiting = browser.get(reverse("desk:proofs", args=[draft.pk])).text
    Proof.objects.filter(pk=proof.pk).update(state=State.SENT)
    settled = browser.get(reverse("desk:proofs", args=[draft.pk])).text

    assert 'hx-trigger="every 1s"' in waiting
    assert "A test is on its way." in waiting
    assert "hx-trigger" not in settled
    assert ['id="steps"' in part for part in (waiting, settled)] == [False, True]
    assert 'hx-swap-oob="true"' in settled
    assert "You have a test of the text as it stands now." in settled


def test_an_edit_is_told(draft: Issue) -> None:
    asked(draft, state=State.SENT)
    draft.subject = "Another"
    draft.save(update_fields=["subject"])

    text = editor("eve").get(page(draft)).text

    assert "The text has changed since this test." in text
    assert "of an earlier text" in text


@pytest.mark.parametrize(
    ("state", "words"),
    [("failed", "Not sent"), ("uncertain", "May have gone out"), ("sent", "Sent to some")],
)
def test_the_providers_words_are_shown(draft: Issue, state: str, words: str) -> None:
    asked(draft, state=state, detail="desk@example.com: 550 no <such> user")

    text = editor("eve").get(page(draft)).text

    assert words in text
    assert "desk@example.com: 550 no &lt;such&gt; user" in text


def test_a_test_that_nobody_takes_asks_for_a_worker(draft: Issue) -> None:
    asked(draft, asked_at=timezone.now() - timedelta(seconds=30))

    assert "No worker has taken it yet." in editor("eve").get(page(draft)).text


def test_whose_mail_it_was_is_told_only_to_who_may_see_the_readers(draft: Issue) -> None:
    reader = factories.subscription(draft.newsletter, "zoe@example.com")
    asked(draft, reader=reader)

    texts = []
    for role in (Member.Role.WRITER, Member.Role.EDITOR):
        user = User.objects.create_user(role, is_staff=True)
        Member.objects.create(user=user, newsletter=draft.newsletter, role=role)
        browser = Client()
        browser.force_login(user)
        texts += [browser.get(page(draft)).text, browser.get(reverse("desk:proofs", args=[draft.pk])).text]

    assert ["zoe@example.com" in text for text in texts] == [False, False, True, True]
    assert ["as a reader gets it" in text for text in texts] == [True, True, False, False]


def test_who_may_not_write_sends_no_test(draft: Issue) -> None:
    other = factories.newsletter("weekly")
    user = User.objects.create_user("stranger", is_staff=True)
    Member.objects.create(user=user, newsletter=other, role=Member.Role.PUBLISHER)
    browser = Client()
    browser.force_login(user)

    answers = [browser.get(page(draft)), browser.post(page(draft), {"addresses": "a@desk.example"})]

    assert [answer.status_code for answer in answers] == [403, 403]
    assert Proof.objects.exists() is False
