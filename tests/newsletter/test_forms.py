from __future__ import annotations

import json

import pytest
from django.urls import reverse
from lxml import html

from newsletter.forms import LARGEST_BODY, BodyWidget, IssueForm
from newsletter.forms.body import Offer
from newsletter.models import Issue, Newsletter, Picture, ReaderField
from tests import factories


def form(newsletter: Newsletter, body: str) -> IssueForm:
    return IssueForm({"newsletter": newsletter.pk, "subject": "Tides", "slug": "tides", "body": body})


def test_issue_form_stores_only_what_the_sanitiser_leaves(daily: Newsletter) -> None:
    issue = form(daily, "<p onclick=x>Good <script>x</script><a href='example.com'>morning</a></p>").save()

    issue.refresh_from_db()
    assert issue.body == '<p>Good <a href="https://example.com">morning</a></p>'


def test_issue_form_takes_an_empty_body(daily: Newsletter) -> None:
    assert form(daily, "<p></p>").save().body == ""


def test_issue_form_says_when_the_body_is_too_long(daily: Newsletter) -> None:
    filled = form(daily, "<p>" + "é" * (LARGEST_BODY) + "</p>")

    assert {
        name: [str(error).replace("\u00a0", " ") for error in errors]
        for name, errors in filled.errors.items()
    } == {
        "body": [
            "The text is too long to be mailed: 4.0 MB, and 2.0 MB is the most. Was a picture pasted in?"
        ]
    }


@pytest.mark.parametrize("subject", ["Two\nlines", "a\u202eb"])
def test_issue_form_refuses_a_subject_that_breaks_a_header(daily: Newsletter, subject: str) -> None:
    filled = IssueForm({"newsletter": daily.pk, "subject": subject, "slug": "tides"})

    assert list(filled.errors) == ["subject"]


@pytest.mark.parametrize(
    "source", ["'http://a.example/x.png'", "http://a.example/x.png", '" HTTP://a.example/x.png"']
)
def test_issue_form_says_that_a_picture_must_be_https(daily: Newsletter, source: str) -> None:
    filled = form(daily, f"<figure><img alt='A bridge' src={source}></figure>")

    assert [str(error).lower() for error in filled.errors["body"]] == [
        "a picture’s address must begin with https://, or readers would not see it: http://a.example/x.png"
    ]


def test_issue_form_takes_links_that_are_not_https(daily: Newsletter) -> None:
    filled = form(
        daily, "<p><img src='https://a.example/x.png'> <a href='http://a.example/'>src=http:</a></p>"
    )

    assert filled.is_valid(), filled.errors


def test_new_issue_offers_what_its_newsletter_knows_of_readers(daily: Newsletter) -> None:
    ReaderField.objects.create(newsletter=daily, name="town", label="Town", fallback="your town")

    offered = [
        [
            field["name"]
            for field in json.loads(IssueForm(initial=initial).fields["body"].widget.attrs["data-fields"])
        ]
        for initial in ({"newsletter": daily.pk}, {"newsletter": "any"}, {})
    ]

    assert offered == [["first_name", "town"], ["first_name"], ["first_name"]]


def test_issue_form_says_what_it_does_not_know_of_readers(daily: Newsletter) -> None:
    ReaderField.objects.create(newsletter=daily, name="town", label="Town", fallback="your town")
    field = '<p><span class="field" data-field="{}" data-fallback="friend">friend</span></p>'

    known = [form(daily, field.format(name)) for name in ("first_name", "town")]
    unknown = form(daily, field.format("shoe_size"))

    assert [each.errors for each in known] == [{}, {}]
    assert unknown.errors == {
        "body": [
            "This newsletter knows no “shoe_size” of its readers. Take the field out, or choose one from the menu."
        ]
    }


def test_issue_form_offers_the_newsletters_own_fields(daily: Newsletter) -> None:
    ReaderField.objects.create(newsletter=daily, name="town", label="Town", fallback="your town")
    issue = factories.issue(daily)

    offered = json.loads(IssueForm(instance=issue).fields["body"].widget.attrs["data-fields"])

    assert [(each["name"], each["label"], each["fallback"]) for each in offered] == [
        ("first_name", "First name", "reader"),
        ("town", "Town", "your town"),
    ]


def test_issue_form_makes_the_address_from_the_subject(daily: Newsletter) -> None:
    factories.issue(daily, "tides")

    filled = IssueForm({"newsletter": daily.pk, "subject": "Tides", "slug": "", "body": ""})

    assert filled.is_valid(), filled.errors
    assert (filled.cleaned_data["slug"], filled.cleaned_data["visibility"]) == ("tides-2", "public")


def test_issue_form_does_not_let_a_browser_cut_what_is_too_long(daily: Newsletter) -> None:
    assert "maxlength" not in str(IssueForm()["subject"])


def test_cover_that_is_gone_is_said_at_its_field(daily: Newsletter) -> None:
    filled = IssueForm({"newsletter": daily.pk, "subject": "Tides", "slug": "tides", "cover": "ab" * 16})

    assert filled.errors == {"cover": ["This picture is not there any more. Please upload it again."]}


@pytest.mark.parametrize("named", ["{picture.pk}", "9" * 5000, "9" * 30, "\0", "0"])
def test_cover_is_taken_and_shown_only_to_who_knows_its_digest(daily: Newsletter, named: str) -> None:
    picture = Picture.objects.create(digest="ab" * 16, format="jpg", width=12, height=6, data=b"x")
    cover = named.replace("{picture.pk}", str(picture.pk))

    filled = IssueForm({"newsletter": daily.pk, "subject": "Tides", "slug": "tides", "cover": cover})

    assert list(filled.errors) == ["cover"]
    assert picture.get_absolute_url() not in str(filled["cover"])


def test_cover_stays_where_the_form_is_saved_as_it_was_opened(draft: Issue) -> None:
    draft.cover = Picture.objects.create(digest="ab" * 16, format="jpg", width=12, height=6, data=b"x")
    draft.save()
    opened = IssueForm(instance=draft)

    sent = IssueForm({name: opened[name].value() or "" for name in opened.fields}, instance=draft)

    assert (sent.errors, sent.changed_data) == ({}, [])
    assert sent.cleaned_data["cover"] == draft.cover
    assert 'src="/media/abababababababababababababababab.jpg"' in str(opened["cover"])


def test_number_of_no_newsletter_offers_nothing_of_one(db: None) -> None:
    opened = IssueForm(initial={"newsletter": "9" * 5000})

    assert [each["name"] for each in opened._offered()] == ["first_name"]


def test_editor_is_told_where_pictures_go_and_what_is_known_of_readers() -> None:
    town = Offer(name="home_town", label="Home “town”", fallback="your town")

    area = html.fragment_fromstring(BodyWidget(fields=[town]).render("body", "<p>Tides</p>"))

    assert area.get("data-upload-url") == reverse("admin:newsletter_picture_upload")
    assert json.loads(area.get("data-fields", "")) == [town]
    assert area.text == "\n<p>Tides</p>"
