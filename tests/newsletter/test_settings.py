from __future__ import annotations

import zoneinfo

import pytest
from django.test import Client

from newsletter import zones
from newsletter.models import Issue, Newsletter, ReaderField, UsualTime
from tests import factories
from tests.newsletter.test_admin import opened
from tests.newsletter.test_team import at_desk, person


@pytest.fixture
def desk(daily: Newsletter) -> Client:
    return at_desk(person("ada", daily, "publisher"))


def path(newsletter: Newsletter) -> str:
    return f"/admin/newsletter/newsletter/{newsletter.pk}/change/"


def save(desk: Client, newsletter: Newsletter, **changes: object) -> str:
    """The page after saving; without changes to it, the form is what the page showed."""
    form = opened(desk, path(newsletter), "newsletter")
    names = {name.replace("__", "-"): value for name, value in changes.items()}
    return desk.post(path(newsletter), form | names, follow=True).text


def added(prefix: str, number: int = 0, **fields: object) -> dict[str, object]:
    values = {f"{prefix}__{number}__{name}": value for name, value in fields.items()}
    return {f"{prefix}__TOTAL_FORMS": str(number + 1), **values}


def test_usual_time_is_seven_boxes_and_a_clock(daily: Newsletter, desk: Client) -> None:
    save(desk, daily, **added("usual_times", days=["0", "3"], time="18:00"))

    page = desk.get(path(daily)).text
    assert [each.in_words for each in daily.usual_times.all()] == ["Mondays and Thursdays 18:00"]
    assert opened(desk, path(daily), "newsletter")["usual_times-0-time"] == "18:00"
    assert page.count('name="usual_times-0-days"') == 7


def test_usual_time_without_a_day_is_refused_by_name(daily: Newsletter, desk: Client) -> None:
    page = save(desk, daily, **added("usual_times", days=[], time="18:00"))

    assert "Choose at least one day." in page
    assert not UsualTime.objects.exists()


def test_same_usual_time_twice_is_refused(daily: Newsletter, desk: Client) -> None:
    UsualTime.objects.create(newsletter=daily, days=0b0011111, time="06:30")

    page = save(desk, daily, **added("usual_times", 1, days=list("01234"), time="06:30"))

    assert "errornote" in page
    assert UsualTime.objects.count() == 1


@pytest.mark.parametrize(
    ("label", "name"), [("Home town", "home_town"), ("Café & Nr. 2", "cafe_nr"), ("E-post", "e_post")]
)
def test_reader_fields_name_is_made_of_its_label(
    daily: Newsletter, desk: Client, label: str, name: str
) -> None:
    save(desk, daily, **added("reader_fields", label=label, name="", fallback="your town"))

    field = daily.reader_fields.get()
    assert (field.label, field.name, field.fallback) == (label, name, "your town")


@pytest.mark.parametrize(
    ("label", "name", "said"),
    [
        ("First name", "first_name", "Every newsletter has “first_name” already."),
        ("First name", "", "Every newsletter has “first_name” already."),
        ("Town", "Home Town", "Small letters and underscores, like home_town."),
        ("城市", "", "please write one, like home_town"),
    ],
)
def test_reader_field_that_cannot_be_named_so_is_refused_in_words(
    daily: Newsletter, desk: Client, label: str, name: str, said: str
) -> None:
    page = save(desk, daily, **added("reader_fields", label=label, name=name, fallback=""))

    assert said in page
    assert not ReaderField.objects.exists()


def test_reader_fields_name_stays_once_it_is_saved(daily: Newsletter, desk: Client) -> None:
    ReaderField.objects.create(newsletter=daily, name="town", label="Town")

    save(desk, daily, reader_fields__0__name="city", reader_fields__0__label="City")

    field = daily.reader_fields.get()
    assert (field.name, field.label) == ("town", "City")


@pytest.mark.parametrize(("status", "is_kept"), [("draft", True), ("sent", False)])
def test_reader_field_that_a_waiting_issue_speaks_of_is_kept(
    daily: Newsletter, desk: Client, status: str, is_kept: bool
) -> None:
    ReaderField.objects.create(newsletter=daily, name="town", label="Town")
    issue = factories.issue(daily, body='<p><span class="field" data-field="town">you</span></p>')
    Issue.objects.filter(pk=issue.pk).update(status=status, published_at=issue.created_at)

    page = save(desk, daily, reader_fields__0__DELETE="on")

    assert daily.reader_fields.exists() == is_kept
    assert ("Take it out of that issue first." in page) == is_kept


def test_zones_are_grouped_and_without_the_databases_own() -> None:
    found = zones.groups()

    names = {name for _region, each in found for name, _words in each}
    assert [region for region, _names in found][:3] == ["Often chosen", "Africa", "America"]
    assert names <= zoneinfo.available_timezones()
    assert names.isdisjoint({"Factory", "posixrules", "localtime", "Etc/GMT+5", "US/Eastern", "EST5EDT"})
    assert ("America/Argentina/Buenos_Aires", "Buenos Aires, Argentina") in dict(found)["America"]


def test_zone_that_is_stored_stays_whatever_it_is(daily: Newsletter, desk: Client) -> None:
    Newsletter.objects.update(time_zone="US/Eastern")

    save(desk, daily, tagline="New")

    daily.refresh_from_db()
    assert (daily.time_zone, daily.tagline) == ("US/Eastern", "New")


@pytest.mark.parametrize(("zone", "is_taken"), [("Asia/Kolkata", True), ("Moon/Tycho", False)])
def test_only_a_zone_that_is_one_is_taken(daily: Newsletter, desk: Client, zone: str, is_taken: bool) -> None:
    save(desk, daily, time_zone=zone)

    daily.refresh_from_db()
    assert (daily.time_zone == zone) == is_taken


def test_second_person_is_asked_for(daily: Newsletter, desk: Client) -> None:
    save(desk, daily, needs_second_person="on")

    daily.refresh_from_db()
    assert daily.needs_second_person


def test_publisher_is_not_shown_who_else_has_an_account(daily: Newsletter, desk: Client) -> None:
    person("stranger")
    bob = person("bob", daily)

    page = desk.get(path(daily))

    owners = page.context["adminform"].form.fields["owners"].queryset
    assert [user.username for user in owners] == ["ada", bob.username]
    assert "stranger" not in page.text


@pytest.mark.parametrize("role", ["writer", "editor"])
def test_settings_are_only_shown_to_who_may_not_change_them(daily: Newsletter, role: str) -> None:
    desk = at_desk(person("bob", daily, role))

    page, answer = desk.get(path(daily)), desk.post(path(daily), {"name": "Mine"})

    assert 'name="_save"' not in page.text
    assert (page.status_code, answer.status_code) == (200, 403)
