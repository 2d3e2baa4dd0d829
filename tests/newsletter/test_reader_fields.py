"""What a publisher lets readers be asked, without code."""

from __future__ import annotations

from importlib import import_module

import pytest
from django.apps import apps
from django.test import Client

from newsletter.models import Newsletter, ReaderField
from tests import factories
from tests.newsletter.test_settings import added, save
from tests.newsletter.test_team import at_desk, person


@pytest.fixture
def desk(daily: Newsletter) -> Client:
    return at_desk(person("ada", daily, "publisher"))


def test_field_is_defined_with_all_it_needs(daily: Newsletter, desk: Client) -> None:
    choices = " Reds \r\n\r\nBlues & Co\r\nReds"

    save(desk, daily, **added("reader_fields", label="Team", kind="choice", choices=choices, is_asked="on"))

    team = daily.reader_fields.get()
    assert (team.name, team.kind, team.options, team.is_asked, team.is_required) == (
        "team",
        "choice",
        ["Reds", "Blues & Co"],
        True,
        False,
    )


def test_field_that_is_required_is_asked_for(daily: Newsletter, desk: Client) -> None:
    save(desk, daily, **added("reader_fields", label="Born", kind="date", is_required="on"))

    born = daily.reader_fields.get()
    assert (born.kind, born.is_asked, born.is_required) == ("date", True, True)


def test_field_is_words_that_nobody_is_asked_for_by_itself(daily: Newsletter, desk: Client) -> None:
    save(desk, daily, **added("reader_fields", label="Town"))

    town = daily.reader_fields.get()
    assert (town.kind, town.is_asked, town.is_required) == ("text", False, False)


@pytest.mark.parametrize(
    ("choices", "said"),
    [
        ("", "Write between 2 and 50 choices, one on each line."),
        ("Reds\n\n Reds ", "Write between 2 and 50 choices, one on each line."),
        ("\n".join(map(str, range(51))), "Write between 2 and 50 choices, one on each line."),
        ("Reds\n" + "x" * 101, "is too long: a choice has at most 100 characters."),
        ("Reds\n\u202eseulB", "invisible characters"),
    ],
)
def test_choice_that_cannot_be_offered_is_told(
    daily: Newsletter, desk: Client, choices: str, said: str
) -> None:
    page = save(desk, daily, **added("reader_fields", label="Team", kind="choice", choices=choices))

    assert said in page
    assert not ReaderField.objects.exists()


def labels(newsletter: Newsletter) -> list[tuple[int | None, str]]:
    return list(newsletter.reader_fields.values_list("position", "label"))


def test_fields_without_a_place_stand_by_their_labels_and_behind_the_others(daily: Newsletter) -> None:
    for label, position in (("Town", None), ("Age", None), ("Zodiac", 2), ("Year", 1)):
        daily.reader_fields.create(name=label.lower(), label=label, position=position)

    assert labels(daily) == [(1, "Year"), (2, "Zodiac"), (None, "Age"), (None, "Town")]


@pytest.mark.parametrize(
    ("places", "order"),
    [
        ([], "ABCD"),
        ([("D", "1")], "DABC"),
        ([("D", "2")], "ADBC"),
        ([("A", "3")], "BCAD"),
        ([("A", "")], "BCDA"),
        ([("A", "4"), ("D", "1")], "DBCA"),
        ([("B", "99"), ("C", "0")], "CADB"),
    ],
)
def test_field_takes_the_place_it_is_given_and_the_others_make_room(
    daily: Newsletter, desk: Client, places: list[tuple[str, str]], order: str
) -> None:
    for label in "ABCD":
        daily.reader_fields.create(name=f"field_{label.lower()}", label=label)
    save(desk, daily)
    numbered = labels(daily)

    save(desk, daily, **{f"reader_fields__{'ABCD'.index(label)}__position": place for label, place in places})

    assert numbered == list(enumerate("ABCD", 1))
    assert labels(daily) == list(enumerate(order, 1))


def test_new_field_comes_last_unless_it_is_given_a_place(daily: Newsletter, desk: Client) -> None:
    save(desk, daily, **added("reader_fields", label="Town"))
    save(desk, daily, **added("reader_fields", 1, label="Age"))
    save(desk, daily, **added("reader_fields", 2, label="Team", position="1"))

    assert labels(daily) == [(1, "Team"), (2, "Town"), (3, "Age")]


def test_fields_from_before_there_were_places_get_those_they_were_shown_in(
    daily: Newsletter, desk: Client
) -> None:
    other = factories.newsletter("other")
    for newsletter, label, position in (
        (daily, "Town", None),
        (daily, "Age", None),
        (daily, "Zodiac", 4),
        (other, "Year", None),
        (daily, "Number", None),
    ):
        newsletter.reader_fields.create(name=label.lower(), label=label, position=position)

    import_module("newsletter.migrations.0007_number_reader_fields").number(apps, None)
    numbered = [labels(each) for each in (daily, other)]
    save(desk, daily, **{"reader_fields__3__position": "2"})

    assert numbered == [[(1, "Zodiac"), (2, "Age"), (3, "Number"), (4, "Town")], [(1, "Year")]]
    assert labels(daily) == [(1, "Zodiac"), (2, "Town"), (3, "Age"), (4, "Number")]
