from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from newsletter.models import Member, Newsletter, ReaderField
from subscribers import consent, lifecycle, wordings
from subscribers.consent import Circumstances, Method
from subscribers.models import ConsentEvent, Letter, Subscriber, Subscription, Suppression, address_key
from tests import factories


@pytest.fixture
def desk(db: None, client: Client) -> Client:
    client.force_login(User.objects.create_superuser("editor"))
    return client


def test_adding_a_subscription_by_hand_still_asks_the_reader(daily: Newsletter, desk: Client) -> None:
    desk.post("/admin/subscribers/subscriber/add/", form({"email": "Ada@Example.com", "first_name": "Ada"}))
    ada = Subscriber.objects.get()
    desk.post("/admin/subscribers/subscription/add/", {"email": "ADA@example.com", "newsletter": daily.pk})

    subscription = Subscription.objects.get()
    assert (ada.email, ada.address_key) == ("ada@example.com", address_key("ada@example.com"))
    assert (subscription.status, subscription.origin) == ("pending", "admin")
    assert Letter.objects.get().kind == "confirmation"
    event = ConsentEvent.objects.get()
    assert (event.kind, event.method, event.details) == ("asked", "editor", {"by": "editor"})


def form(fields: dict[str, str]) -> dict[str, str]:
    prefix = "subscriptions"
    return {f"{prefix}-TOTAL_FORMS": "0", f"{prefix}-INITIAL_FORMS": "0", **fields}


def test_deleting_a_person_leaves_the_hash_that_keeps_imports_away(daily: Newsletter, desk: Client) -> None:
    ada, *_ = factories.cast(daily)

    answer = desk.post(f"/admin/subscribers/subscriber/{ada.subscriber_id}/delete/", {"post": "yes"})

    assert answer.status_code == 302
    assert not Subscriber.objects.filter(email="ada@example.com").exists()
    assert Suppression.objects.get().address_key == address_key("ada@example.com")


def test_suppression_is_added_and_found_by_its_whole_address_only(daily: Newsletter, desk: Client) -> None:
    desk.post("/admin/subscribers/suppression/add/", {"email": "Eve@example.com", "reason": "request"})

    key = Suppression.objects.get().address_key
    assert key == address_key("eve@example.com")
    assert key in desk.get("/admin/subscribers/suppression/?q=eve@example.com").text
    assert key not in desk.get("/admin/subscribers/suppression/?q=eve").text


def test_what_a_newsletter_knows_of_a_reader_is_seen_and_mended(daily: Newsletter, desk: Client) -> None:
    for name in ("town", "team", "email"):
        ReaderField.objects.create(newsletter=daily, name=name, label=name.title())
    known = {"town": "Harlem", "team": "Blue", "old": "kept"}
    reader = factories.subscription(daily, "ada@example.com", fields=known)
    path = f"/admin/subscribers/subscription/{reader.pk}/change/"

    page = desk.get(path).text
    refused = desk.post(path, {"known_town": "Haar\u2028lem", "known_team": "x" * 101})
    desk.post(path, {"known_town": "Haarlem", "known_team": "", "known_email": "second@example.com"})

    reader.refresh_from_db()
    assert 'name="known_town" value="Harlem"' in page
    assert set(refused.context["adminform"].form.errors) == {"known_town", "known_team"}
    assert reader.fields == {"town": "Haarlem", "email": "second@example.com", "old": "kept"}


def test_what_is_known_of_a_reader_is_only_read_by_whoever_only_sees_readers(daily: Newsletter) -> None:
    ReaderField.objects.create(newsletter=daily, name="town", label="Town")
    reader = factories.subscription(daily, "ada@example.com", fields={"town": "Haarlem"})
    user = User.objects.create_user("eve", is_staff=True)
    Member.objects.create(newsletter=daily, user=user, role="editor")
    path, browser = f"/admin/subscribers/subscription/{reader.pk}/change/", Client()
    browser.force_login(user)

    page = browser.get(path).text
    refused = browser.post(path, {"known_town": "Leiden"})

    reader.refresh_from_db()
    assert ("Town: Haarlem" in page, "known_town" in page) == (True, False)
    assert (refused.status_code, reader.fields) == (403, {"town": "Haarlem"})


@pytest.mark.parametrize("model", ["subscriber", "subscription", "suppression"])
@pytest.mark.parametrize("count", [1, 3])
def test_lists_cost_the_same_however_many_rows(
    daily: Newsletter, desk: Client, model: str, count: int, django_assert_max_num_queries
) -> None:
    factories.readers(daily, count)

    with django_assert_max_num_queries(6):
        assert desk.get(f"/admin/subscribers/{model}/").status_code == 200


def test_subscription_is_called_by_its_address_and_newsletter(daily: Newsletter, desk: Client) -> None:
    ada, *_ = factories.cast(daily)

    for path in (
        f"/admin/subscribers/subscription/{ada.pk}/change/",
        f"/admin/subscribers/subscription/{ada.pk}/history/",
        f"/admin/subscribers/subscriber/{ada.subscriber_id}/change/",
    ):
        page = desk.get(path).text
        assert "ada@example.com – The Daily" in page
        assert f"subscription {ada.pk}" not in page


def test_editor_who_unsubscribes_readers_is_named_in_the_proof(daily: Newsletter, desk: Client) -> None:
    ada, bob, cleo = factories.cast(daily)
    chosen = {"action": "unsubscribe", "_selected_action": [ada.pk, bob.pk, cleo.pk]}

    answer = desk.post("/admin/subscribers/subscription/", chosen, follow=True)

    events = ConsentEvent.objects.values_list("subscriber", "kind", "method", "details__by")
    assert sorted(events) == [(each.subscriber_id, "left", "editor", "editor") for each in (ada, bob)]
    assert "2 readers unsubscribed." in answer.text


def test_list_filter_with_a_nul_in_it_is_no_error(daily: Newsletter, desk: Client) -> None:
    for query in ("status__exact=%00", "q=%00", "p=%00", "newsletter__id__exact=%00"):
        assert desk.get(f"/admin/subscribers/subscription/?{query}", follow=True).status_code == 200


def proven(daily: Newsletter) -> Subscription:
    """ada signed up by a form and confirmed."""
    wordings.keep(daily)
    wording = wordings.note(daily, wordings.shown(daily).digest)
    form = Circumstances(Method.FORM, network="192.0.2.0/24", agent="Firefox", language="en")
    wish = lifecycle.Wish(wording_id=wording, source={"page": "/daily/subscribe/"})
    ada = lifecycle.subscribe(daily, email="ada@example.com", wish=wish, circumstances=form)
    lifecycle.confirm(ada, generation=1, circumstances=Circumstances(Method.LINK, network="198.51.100.0/24"))
    return ada


def test_proof_shows_what_was_agreed_to_and_how(daily: Newsletter, desk: Client) -> None:
    ada = proven(daily)

    page = desk.get(f"/admin/subscribers/subscriber/{ada.subscriber_id}/proof/")

    for words in (
        wordings.shown(daily).text,
        "Version 1 of the words at the form",
        "192.0.2.0/24",
        "Firefox",
        "/daily/subscribe/",
        "Confirmed",
        "198.51.100.0/24",
    ):
        assert words in page.text
    assert "before Courant kept proof" not in page.text


def test_proof_as_a_file_holds_every_step(daily: Newsletter, desk: Client) -> None:
    ada = proven(daily)

    answer = desk.get(f"/admin/subscribers/subscriber/{ada.subscriber_id}/proof.json")

    found = answer.json()
    assert answer["Content-Disposition"] == f'attachment; filename="proof-{ada.subscriber_id}.json"'
    assert found["address"] == "ada@example.com"
    assert found["subscriptions"][0]["status"] == "active"
    assert found["subscriptions"][0]["proof_from_the_beginning"] is True
    assert [(each["what"], each["how"], each["network"]) for each in found["events"]] == [
        ("asked", "form", "192.0.2.0/24"),
        ("confirmed", "link", "198.51.100.0/24"),
    ]
    assert found["events"][0]["agreed_to"] == {
        "text": wordings.shown(daily).text,
        "version": 1,
        "language": "en",
        "sha256": wordings.shown(daily).digest,
    }


def test_proof_of_a_reader_from_before_says_so(daily: Newsletter, desk: Client) -> None:
    ada, *_ = factories.cast(daily)
    lifecycle.unsubscribe(ada)

    page = desk.get(f"/admin/subscribers/subscriber/{ada.subscriber_id}/proof/").text

    assert "That was before Courant kept proof of each step" in page
    assert "Left" in page


def test_strangers_sign_up_makes_no_proof_from_the_beginning(daily: Newsletter, desk: Client) -> None:
    ada, *_ = factories.cast(daily)
    lifecycle.subscribe(daily, email="ada@example.com", circumstances=Circumstances(Method.FORM))

    found = desk.get(f"/admin/subscribers/subscriber/{ada.subscriber_id}/proof.json").json()

    assert found["subscriptions"][0]["proof_from_the_beginning"] is False


@pytest.mark.parametrize("confirms", [False, True])
def test_address_that_anybody_typed_shows_nothing_of_elsewhere(daily: Newsletter, confirms: bool) -> None:
    """The weekly does without a mail to confirm: its publisher may have typed the address."""
    weekly = factories.newsletter("weekly", confirms_by_mail=False)
    ada = proven(daily)
    Subscriber.objects.update(first_name="Adalina", created_at=timezone.now() - timedelta(days=99))
    form = Circumstances(Method.FORM)
    consent.note(consent.Kind.LANGUAGE, ada.subscriber, form, at=timezone.now())
    here = lifecycle.subscribe(weekly, email="ada@example.com", circumstances=form)
    if confirms:
        lifecycle.unsubscribe(here)
        here = lifecycle.subscribe(weekly, email="ada@example.com", circumstances=form)
        lifecycle.confirm(here, generation=2, circumstances=Circumstances(Method.LINK))
    browser = Client()
    eve = User.objects.create_user("eve", is_staff=True)
    Member.objects.create(newsletter=weekly, user=eve, role="publisher")
    browser.force_login(eve)
    path = f"/admin/subscribers/subscriber/{ada.subscriber_id}"

    pages = [browser.get(f"{path}/change/"), browser.get("/admin/subscribers/subscriber/")]
    found = browser.get(f"{path}/proof.json").json()

    assert [answer.status_code for answer in pages] == [200 if confirms else 404, 200]
    assert ["Adalina" in answer.text for answer in pages] == [confirms] * 2
    assert "column-created_at" not in pages[1].text
    assert {each["what"] for each in found["events"] if each["newsletter"] is None} == (
        {"language"} if confirms else set()
    )
    assert found["known_since"][:10] == f"{timezone.now():%Y-%m-%d}"


def test_proof_is_of_the_newsletters_of_whoever_looks(daily: Newsletter) -> None:
    weekly = factories.newsletter("weekly", name="The Weekly")
    ada = proven(daily)
    lifecycle.subscribe(weekly, email="ada@example.com")
    eve = User.objects.create_user("eve", is_staff=True)
    Member.objects.create(newsletter=weekly, user=eve, role="editor")
    browser = Client()
    browser.force_login(eve)
    path = f"/admin/subscribers/subscriber/{ada.subscriber_id}/proof"

    page, found = browser.get(f"{path}/").text, browser.get(f"{path}.json").json()

    assert ("The Weekly" in page, "The Daily" in page, "192.0.2.0" in page) == (True, False, False)
    assert {each["newsletter"] for each in found["events"]} == {"weekly"}


@pytest.mark.parametrize("many", [1, 3])
def test_proof_costs_the_same_however_much_there_is(
    desk: Client, many: int, django_assert_max_num_queries
) -> None:
    for number in range(many):
        newsletter = factories.newsletter(f"n{'xyz'[number]}")
        ada = lifecycle.subscribe(newsletter, email="ada@example.com")

    with django_assert_max_num_queries(6):
        desk.get(f"/admin/subscribers/subscriber/{ada.subscriber_id}/proof/")


def test_page_of_a_subscription_says_how_they_found_the_newsletter(daily: Newsletter) -> None:
    source = {"page": "/daily/<b>", "utm_campaign": "Spring", "ref": "bo", "else": "hidden"}
    ada = factories.subscription(daily, "ada@example.com", source=source)
    desk = Client()
    desk.force_login(User.objects.create_superuser("root"))

    page = desk.get(f"/admin/subscribers/subscription/{ada.pk}/change/").text

    assert "Page: <bdi>/daily/&lt;b&gt;</bdi>" in page
    assert "Campaign: <bdi>Spring</bdi>" in page
    assert "Recommended by: <bdi>bo</bdi>" in page
    assert "hidden</bdi>" not in page
