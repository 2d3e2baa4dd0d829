from __future__ import annotations

import pytest

from newsletter.forms import LARGEST_BODY, IssueForm
from newsletter.models import Newsletter


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
            "The text is too long to be mailed: 2.0 MB, and 1.0 MB is the most. Was a picture pasted in?"
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
