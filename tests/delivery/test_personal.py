"""What is said of each reader: by every way of handing over, to the right one, whatever they are called."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Iterator
from html import escape
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from delivery import loading, personal, preparation, submission
from delivery.gateway import readers, single, slots
from delivery.messages import Recipient
from delivery.models import Dispatch
from newsletter.models import Issue, Newsletter
from newsletter.rendering.merging import slot_name
from newsletter.validators import one_line
from subscribers.models import Subscriber
from tests import factories
from tests.delivery.conftest import send_through
from tests.delivery.engine import only, send, states
from tests.fakes.client import Fake

JOINER = "\u2060"
BODY = (
    '<p>Hello <span data-field="first_name" data-fallback="dear &amp; friend">x</span>'
    ' of <span data-field="home_town" data-fallback="everywhere">x</span>!</p>'
)
# By address: the first name and the town as they are stored, and both as the mail must show them.
READERS = {
    "ada@example.com": ("Ada", "Oban", "Ada", "Oban"),
    "bob@example.com": ("", None, "dear & friend", "everywhere"),
    "tag@example.com": ("<b>Bo</b>", "\"A\" & 'B'", "<b>Bo</b>", "\"A\" & 'B'"),
    "emoji@example.com": ("👩🏽‍🔧", "Đà Nẵng", "👩🏽‍🔧", "Đà Nẵng"),
    "lines@example.com": ("Eve\r\nBcc: x@example.com", "\x07\x1f", "Eve Bcc: x@example.com", "everywhere"),
    "rtl@example.com": ("\u202eשלום\u202c", "القاهرة", "שלום", "القاهرة"),
    "gun@example.com": ("%recipient.r0%", "50 %", "%recipient.r0%", "50 %"),
    "jet@example.com": ("[[var:r0]]", "{{var:r1}} {% if x %}", "[[var:r0]]", "{{var:r1}} {% if x %}"),
    "grid@example.com": ("-courant-r0-", "-courant-r1-", "-courant-r0-", "-courant-r1-"),
    "dots@example.com": (".", "=20\t=3D", ".", "=20 =3D"),
    "mark@example.com": ("\ue000unsubscribe_url\ue001", "\u200b", "unsubscribe_url", "everywhere"),
    "long@example.com": ("Ü" * 100, "x" * 300, "Ü" * 100, "x" * 100),
}


@pytest.fixture
def issue(daily: Newsletter) -> Issue:
    daily.reader_fields.create(name="home_town", label="Home town")
    for address, (first_name, town, *_shown) in READERS.items():
        subscription = factories.subscription(daily, address, fields={"home_town": town, "other": "no"})
        subscription.subscriber.first_name = first_name
        subscription.subscriber.save()
    return factories.issue(daily, body=BODY)


def dispatched(issue: Issue) -> Dispatch:
    dispatch = preparation.start(issue)
    preparation.prepare(dispatch.pk)
    dispatch.refresh_from_db()
    return dispatch


def parts(message: dict[str, Any]) -> tuple[str, ...]:
    """The HTML and the text of a mail, as a fake provider kept it."""
    if source := message.get("source"):
        mail = email.message_from_string(source, policy=email.policy.default)
        bodies = [mail.get_body((kind,)) for kind in ("html", "plain")]
        return tuple(body.get_content() for body in bodies if body)
    lowered = {name.lower(): value for name, value in message.items()}
    html = next(
        lowered[name] for name in ("html", "htmlbody", "htmlcontent", "htmlpart") if lowered.get(name)
    )
    text = next(
        lowered[name] for name in ("text", "textbody", "textcontent", "textpart") if lowered.get(name)
    )
    return html, text


@pytest.fixture(params=["mailgun", "sendgrid", "mailjet", "resend", "postmark", "brevo", "mailtrap", "smtp"])
def every_provider(request: pytest.FixtureRequest, settings: Any) -> Iterator[Fake]:
    with Fake(request.param, keep="all") as fake:
        send_through(fake, settings, per_second=100_000)
        yield fake


# Its maker cannot test SendGrid any more; we do.
@pytest.mark.filterwarnings("ignore::anymail.exceptions.AnymailNotSupportedWarning")
def test_each_reader_is_called_by_their_own_name_by_every_way(issue: Issue, every_provider: Fake) -> None:
    balance = send(dispatched(issue))

    assert states(balance) == only(accepted=len(READERS))
    for address, (_first_name, _town, name, town) in READERS.items():
        html, text = (part.replace(JOINER, "") for part in parts(every_provider.message(address)))
        assert f"Hello {escape(name)} of {escape(town)}!" in html
        assert f"Hello {name} of {town}!" in " ".join(text.split())
    assert every_provider.seen()["unfilled"] == 0


def test_outbox_gets_each_reader_by_their_own_name(issue: Issue, settings: Any) -> None:
    settings.HAND_OVER = {"bulk": {"scheme": "outbox", "batch_size": 5}}
    dispatch = dispatched(issue)
    work = loading.load(dispatch.pk)

    mails = {}
    while batch := submission._claim(work):
        for recipient in loading.recipients(work, batch):
            mails[recipient.address] = single.build(work.mail, recipient)

    assert mails.keys() == READERS.keys()
    for address, (_first_name, _town, name, town) in READERS.items():
        assert f"Hello {escape(name)} of {escape(town)}!" in str(mails[address].alternatives[0].content)
        assert f"Hello {name} of {town}!" in " ".join(str(mails[address].body).split())


def test_issue_that_says_nothing_of_readers_asks_nothing_of_them(issue: Issue, mailgun: Fake) -> None:
    plain, asked = _statement(issue, "<p>Good morning.</p>"), _statement(issue, BODY)

    assert ("first_name" in plain, '"fields"' in plain) == (False, False)
    assert ("first_name" in asked, '"fields"' in asked) == (True, True)


def _statement(issue: Issue, body: str) -> str:
    """What the database is asked for the readers of one batch, and that it is asked but once."""
    copy = factories.issue(issue.newsletter, f"copy-{len(body)}", body=body)
    work = loading.load(dispatched(copy).pk)
    batch = submission._claim(work)
    assert batch
    with CaptureQueriesContext(
        connection,
    ) as queries:
        recipients = loading.recipients(work, batch)
    assert set(recipients[0].values) >= {"unsubscribe_url"}
    [query] = queries.captured_queries
    return str(query["sql"])


def test_issue_without_fields_hands_over_the_way_out_alone(issue: Issue, mailgun: Fake) -> None:
    Issue.objects.update(body="<p>Good morning.</p>")
    issue.refresh_from_db()
    work = loading.load(dispatched(issue).pk)
    batch = submission._claim(work)
    assert batch

    recipients = loading.recipients(work, batch)

    assert {tuple(recipient.values) for recipient in recipients} == {("unsubscribe_url",)}


def test_name_changed_since_the_start_is_the_new_one(issue: Issue, mailgun: Fake) -> None:
    dispatch = dispatched(issue)
    Subscriber.objects.filter(email="ada@example.com").update(first_name="Augusta")

    send(dispatch)

    assert "Hello Augusta of Oban!" in parts(mailgun.message("ada@example.com"))[0]


@pytest.mark.parametrize("birthday", [None, ""])
def test_date_that_is_not_known_is_no_word(birthday: str | None) -> None:
    dates = personal.Dates(frozenset({"birthday", "since"}), "en")
    slot = slot_name("birthday", "soon", face="text")

    known = personal.known("Ada", {"birthday": birthday, "since": "2026-11-03"}, dates=dates)

    assert known == {"first_name": "Ada", "birthday": birthday, "since": "3 November 2026"}
    assert personal.values({slot: ["birthday", "soon"]}, known, {}) == {slot: "soon"}


@given(st.text(max_size=150))
def test_no_name_breaks_a_line_or_a_tag_or_hides_what_follows(name: str) -> None:
    slots = {
        slot_name("first_name", "friend", face=face): ["first_name", "friend"] for face in ("html", "text")
    }

    said = personal.values(slots, {"first_name": name}, {"unsubscribe_url": "https://x.example"})

    html, text = (said[slot] for slot in slots)
    assert said["unsubscribe_url"] == "https://x.example"
    assert html == escape(text)
    assert 0 < len(text) <= 100
    assert not readers.BREAKING.search(text)
    one_line(text)
    assert text == text.strip()


def test_facts_are_the_readers_own(daily: Newsletter) -> None:
    ada = factories.subscription(
        daily, "ada@example.com", fields={"town": "Oban", "first_name": "of the file"}
    )
    ada.subscriber.first_name = "Ada"

    assert personal.facts(ada) == {"town": "Oban", "first_name": "Ada"}


@pytest.mark.parametrize(("value", "words"), [(None, ""), (7, "7"), (True, "True"), (" a  b ", "a b")])
def test_whatever_is_stored_becomes_one_line(value: object, words: str) -> None:
    assert personal.cleaned(value) == words


def test_providers_languages_are_broken_in_values_and_links_stay_as_they_are() -> None:
    link = "https://x.example/%7Eada"
    words = {"a_text": "50% [[var:r0]] {{x}} -courant-r1-", "b_text": "Ada"}

    [recipient] = slots.safe([Recipient(1, "ada@example.com", {"unsubscribe_url": link, **words})])

    assert recipient.values == {
        "unsubscribe_url": link,
        "a_text": f"50%{JOINER} [{JOINER}[{JOINER}var:r0]] {{{JOINER}{{{JOINER}x}}}} -{JOINER}courant-r1-",
        "b_text": "Ada",
    }


@pytest.mark.django_db
def test_date_is_said_as_the_newsletters_language_writes_it() -> None:
    newsletter = factories.newsletter(language="de")
    newsletter.reader_fields.create(name="since", label="Since", kind="date")
    newsletter.reader_fields.create(name="town", label="Town")
    ada = factories.subscription(
        newsletter, "ada@example.com", fields={"since": "2019-03-07", "town": "2019-03-07"}
    )

    assert personal.facts(ada) == {"since": "7. März 2019", "town": "2019-03-07", "first_name": ""}
