from __future__ import annotations

import re
from html import unescape

import pytest
from django.test import Client

from newsletter.models import Newsletter
from subscribers import wordings
from subscribers.models import SignUp
from tests.newsletter.test_team import at_desk, person
from tests.subscribers.forms import posted_by


@pytest.fixture
def desk(daily: Newsletter) -> Client:
    return at_desk(person("ada", daily, "writer"))


def path(newsletter: Newsletter) -> str:
    return f"/admin/desk/newsletters/{newsletter.pk}/form/"


def code(page: str, name: str) -> str:
    """As somebody copies it out of the field."""
    found = re.search(rf'<textarea id="{name}"[^>]*>(.*?)</textarea>', page, re.DOTALL)
    assert found
    return unescape(found[1])


def test_plain_form_can_be_copied_and_works(daily: Newsletter, desk: Client) -> None:
    daily.reader_fields.create(name="town", label="Your <town>", is_asked=True)
    Newsletter.objects.update(active_readers=98_765)

    html = code(desk.get(path(daily)).text, "form-code")
    form = posted_by(html, "http://testserver/daily/subscribe/")
    answer = Client(enforce_csrf_checks=True).post(
        "/daily/subscribe/", form | {"email": "ada@example.com", "known_town": "Bath"}
    )

    assert form == {
        "email": [""],
        "known_town": [""],
        "website": [""],
        "wording": [wordings.shown(daily).digest],
    }
    assert "Your &lt;town&gt;" in html
    assert "98,000" not in html  # a copy would go on saying so
    assert "<script" not in html
    assert answer.status_code == 200
    assert SignUp.objects.get().fields == {"town": "Bath"}


@pytest.mark.parametrize(
    ("query", "address"),
    [
        ("", "http://testserver/daily/embed/"),
        ("?theme=dark", "http://testserver/daily/embed/?theme=dark"),
        ("?theme=%22%3E", "http://testserver/daily/embed/"),
    ],
)
def test_frame_can_be_copied_and_is_shown_as_it_looks(
    daily: Newsletter, desk: Client, query: str, address: str
) -> None:
    page = desk.get(path(daily) + query).text

    frame = code(page, "frame-code")
    assert f'<iframe src="{address}" title="Subscribe to The Daily"' in frame
    assert f'src="{address.removeprefix("http://testserver")}"' in page


def test_code_speaks_the_newsletters_language(daily: Newsletter, desk: Client) -> None:
    Newsletter.objects.update(language="de")

    assert "Abonnieren" in code(desk.get(path(daily)).text, "form-code")


def test_settings_lead_to_it(daily: Newsletter, desk: Client) -> None:
    assert path(daily) in desk.get(f"/admin/newsletter/newsletter/{daily.pk}/change/").text
