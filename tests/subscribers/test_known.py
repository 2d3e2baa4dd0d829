from __future__ import annotations

from datetime import date

import pytest
from django.utils import translation

from newsletter.models import Newsletter, ReaderField
from subscribers import known
from tests import factories

Kind = ReaderField.Kind


@pytest.fixture
def fields(daily: Newsletter) -> dict[str, ReaderField]:
    made = [
        ReaderField(newsletter=daily, name="town", label="Town"),
        ReaderField(newsletter=daily, name="team", label="Team", kind=Kind.CHOICE, choices="Reds\nBlues"),
        ReaderField(newsletter=daily, name="born", label="Born", kind=Kind.DATE),
    ]
    return {field.name: field for field in ReaderField.objects.bulk_create(made)}


def test_only_what_is_asked_for_stands_in_a_sign_up_form(
    daily: Newsletter, fields: dict[str, ReaderField]
) -> None:
    ReaderField.objects.filter(name__in=["town", "born"]).update(is_asked=True)

    assert list(known.inputs(known.asked(daily))) == ["known_born", "known_town"]


def test_answers_are_kept_as_text_and_only_those_given(fields: dict[str, ReaderField]) -> None:
    answers = {"known_born": date(1999, 3, 7), "known_town": "Bath", "known_team": "", "email": "a@b.example"}

    assert known.stored(answers) == {"born": "1999-03-07", "town": "Bath"}


@pytest.mark.parametrize(
    ("language", "shown"), [("en", "7 March 1999"), ("de", "7. März 1999"), ("ko", "1999년 3월 7일")]
)
def test_date_is_shown_as_the_language_writes_it(
    fields: dict[str, ReaderField], language: str, shown: str
) -> None:
    with translation.override(language):
        assert known.shown(fields["born"], "1999-03-07") == shown


def test_words_where_a_date_is_wanted_now_stay_as_they_are(fields: dict[str, ReaderField]) -> None:
    assert known.shown(fields["born"], "in spring") == "in spring"


def test_form_of_a_reader_shows_what_is_known_and_writes_what_is_answered(
    daily: Newsletter, fields: dict[str, ReaderField]
) -> None:
    ada = factories.subscription(daily, "ada@example.com", fields={"born": "1999-03-07", "team": "Greens"})
    form = known.form(ada)

    known.write(ada, answers={"known_born": date(2001, 1, 2), "known_team": "Greens", "known_town": None})

    assert form.base_fields["known_born"].initial == date(1999, 3, 7)
    # What is offered no more stays theirs.
    assert [value for value, _ in form.base_fields["known_team"].choices] == ["", "Greens", "Reds", "Blues"]
    assert known.lines(ada) == [("Born", "2 January 2001"), ("Team", "Greens"), ("Town", "")]
    ada.refresh_from_db()
    assert ada.fields == {"born": "2001-01-02", "team": "Greens"}
