"""What a publisher lets readers be asked, without code."""

from __future__ import annotations

import pytest
from django.test import Client

from newsletter.models import Newsletter, ReaderField
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
