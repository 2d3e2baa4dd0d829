"""The mails to readers at the desk: seen, written anew, tried out."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.test import Client
from django.utils import timezone

from newsletter.models import Newsletter
from subscribers import letters
from subscribers.models import Letter, LetterText
from tests import factories

OURS = {
    "subject": "Please confirm: The Daily",
    "heading": "Is this you?",
    "body": "Somebody, most likely you, asked us to send The Daily to this address."
    "\r\n\r\nPress the button to say yes.",
    "button": "Yes, send it to me",
}


@pytest.fixture
def desk(daily: Newsletter) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("eva", "eva@daily.example"))
    return client


@pytest.fixture
def page(daily: Newsletter) -> str:
    return f"/admin/desk/newsletters/{daily.pk}/letters/confirmation/"


def own() -> list[tuple[str, str, str]]:
    return list(LetterText.objects.values_list("language", "heading", "body"))


def test_overview_shows_what_each_mail_says_now(desk: Client, daily: Newsletter, page: str) -> None:
    LetterText.objects.create(newsletter=daily, kind="welcome", language="en", heading="Ahoy & hello")

    answer = desk.get(f"/admin/desk/newsletters/{daily.pk}/letters/")

    assert answer.status_code == 200
    for words in ("Please confirm: The Daily", "Ahoy &amp; hello", "Take me back", "Still waiting"):
        assert words in answer.text
    assert (answer.text.count("your words</span>"), answer.text.count("our words</span>")) == (1, 5)


def test_words_of_their_own_are_what_the_next_mail_says(desk: Client, daily: Newsletter, page: str) -> None:
    written = OURS | {"heading": "Ahoy!", "body": "Is it you?\n\n<script>no</script>"}

    answer = desk.post(page, written)

    letter = letters.ask(
        Letter.Kind.CONFIRMATION,
        factories.subscription(daily, "bob@example.com", status="pending"),
        now=timezone.now(),
    )
    assert letter is not None
    letters.send_due(letter.pk, now=timezone.now())
    assert (answer.status_code, answer["Location"]) == (302, f"{page}?language=en")
    assert own() == [("en", "Ahoy!", "Is it you?\n\n<script>no</script>")]
    assert "Ahoy!\n=====" in mail.outbox[0].body
    assert "&lt;script&gt;no&lt;/script&gt;" in str(mail.outbox[0].alternatives[0].content)
    assert mail.outbox[0].subject == "Please confirm: The Daily"


@pytest.mark.parametrize("posted", [OURS, dict.fromkeys(OURS, "")])
def test_our_own_words_and_none_are_stored_as_nothing(
    desk: Client, daily: Newsletter, page: str, posted: dict[str, str]
) -> None:
    LetterText.objects.create(newsletter=daily, kind="confirmation", language="en", heading="Ahoy")

    desk.post(page, posted)

    assert own() == []


def test_our_words_again_are_offered_and_nothing_is_lost_until_saved(
    desk: Client, daily: Newsletter, page: str
) -> None:
    LetterText.objects.create(newsletter=daily, kind="confirmation", language="en", heading="Ahoy")

    answer = desk.post(page, OURS | {"heading": "Ahoy", "ours": "1"})

    assert 'value="Is this you?"' in answer.text
    assert own() == [("en", "Ahoy", "")]


def test_each_language_has_words_of_its_own(desk: Client, page: str) -> None:
    desk.post(f"{page}?language=ar", OURS | {"heading": "مرحبا"})

    arabic, english = (desk.get(f"{page}?language={code}").text for code in ("ar", "en"))

    assert ("مرحبا" in arabic, "مرحبا" in english) == (True, False)


@pytest.mark.parametrize("subject", ["Two\r\nlines", "x" * 201])
def test_subject_that_could_not_be_one_is_refused_at_its_field(desk: Client, page: str, subject: str) -> None:
    answer = desk.post(page, OURS | {"subject": subject})

    assert (answer.status_code, own()) == (422, [])
    assert "errorlist" in answer.text


@pytest.mark.parametrize("look", ["mail", "phone", "dark", "text"])
@pytest.mark.parametrize("kind", [kind.value for kind in LetterText.KINDS])
def test_preview_shows_what_stands_in_the_form_in_a_frame_that_runs_nothing(
    desk: Client, page: str, kind: str, look: str
) -> None:
    url = f"{page.replace('confirmation', kind)}as/{look}/"

    saved, typed = desk.get(url), desk.post(url, OURS | {"heading": "Ahoy <b>", "subject": "a\nb\0"})

    assert (saved.status_code, typed.status_code) == (200, 200)
    assert typed["Content-Security-Policy"].startswith("sandbox allow-same-origin")
    assert "Ahoy &lt;b&gt;" in typed.text
    assert "Ahoy" not in saved.text
    assert own() == []


def test_test_goes_to_the_editor_alone_as_the_form_stands(desk: Client, page: str) -> None:
    answer = desk.post(page, OURS | {"heading": "Ahoy!", "test": "1"})

    (message,) = mail.outbox
    assert (message.to, message.subject) == (["eva@daily.example"], "[Test] Please confirm: The Daily")
    assert "Ahoy!" in message.body
    assert 'value="Ahoy!"' in answer.text
    assert own() == []


def test_editor_without_an_address_is_told_so(desk: Client, page: str) -> None:
    User.objects.update(email="")

    answer = desk.post(page, OURS | {"test": "1"})

    assert "has no address yet" in answer.text
    assert mail.outbox == []


@pytest.mark.parametrize("kind", ["confirmation", "reminder", "known", "goodbye"])
def test_button_of_a_test_says_that_it_was_one(desk: Client, page: str, kind: str) -> None:
    desk.post(page.replace("confirmation", kind), OURS | {"test": "1"})
    link = next(word for word in mail.outbox[0].body.split() if "/s/confirm/" in word)

    answer = Client().post(link.removeprefix("http://testserver"))

    assert (answer.status_code, "This was a test mail" in answer.text) == (200, True)


def test_unknown_kinds_and_looks_are_not_there(desk: Client, page: str) -> None:
    paths = [page.replace("confirmation", "manage"), f"{page}as/web/", page.replace("confirmation", "x")]

    assert [desk.get(path).status_code for path in paths] == [404] * 3
