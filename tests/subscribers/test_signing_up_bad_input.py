"""Whatever is thrown at a sign-up form, the answer is a page that says what to do."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from newsletter.models import Newsletter
from subscribers.models import SignUp
from subscribers.views.bounds import LARGEST
from tests import factories

PATHS = ("/daily/subscribe/", "/daily/embed/", "/subscribe/")
URLENCODED = "application/x-www-form-urlencoded"


@pytest.fixture
def browser(daily: Newsletter) -> Client:
    return Client(enforce_csrf_checks=True)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "email",
    [
        "",
        "   ",
        "ada",
        "ada@example",
        "@example.com",
        "ada@example.com\0",
        "ada\0@example.com",
        "ada@example.com\r\nBcc: eve@example.com",
        "ada@example.com, eve@example.com",
        "Ada <ada@example.com>",
        '"ada lovelace"@example.com',
        "\u202eada@example.com",
        "ada\u200b@example.com",
        "ada@[192.0.2.1]",
        "ada@exa mple.com",
        "ada@-example.com",
        "адa@example.com",
        "ada@" + "a" * 250 + ".com",
        "a" * 10_000,
        "ada@xn--\u0430.com",
        "ada@example.com" * 20,
    ],
)
def test_address_that_is_none_is_told_at_its_field(browser: Client, path: str, email: str) -> None:
    answer = browser.post(path, {"email": email, "newsletters": "0"})

    assert answer.status_code == 422
    assert 'id="id_email_error"' in answer.text
    assert not SignUp.objects.exists()


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("  Ada@Example.COM ", "ada@example.com"),
        ("ada+news@example.com", "ada+news@example.com"),
        ("o'hara@example.com", "o'hara@example.com"),
        ("ada@bücher.example.com", "ada@xn--bcher-kva.example.com"),
        ("ada@почта.рф", "ada@xn--80a1acny.xn--p1ai"),
        ("ada@ｅxample.com", "ada@example.com"),
    ],
)
def test_address_is_kept_in_its_one_spelling(browser: Client, typed: str, kept: str) -> None:
    answer = browser.post("/daily/subscribe/", {"email": typed})

    assert answer.status_code == 200
    assert SignUp.objects.get().email == kept


def test_domain_that_only_looks_like_another_is_shown_as_what_it_is(browser: Client) -> None:
    answer = browser.post("/daily/subscribe/", {"email": "ada@gm\u0430il.com"})

    assert answer.status_code == 422
    assert "mail would go to “xn--gmil-63d.com”" in answer.text


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("a\r\nb", "Write this on one line"),
        ("a\0b", "Null characters are not allowed"),
        ("\u202eadA", "invisible characters"),
        ("x" * 101, "at most 100 characters"),
        ("Win at http://casino.example", "only your first name"),
        ("WWW.casino.example", "only your first name"),
        ("Win at evil.com now", "only your first name"),
        ("evil.com", "only your first name"),
        ("bit.ly/win", "only your first name"),
        ("Ｅｖｉｌ。com", "only your first name"),
        ("my-shop.co.uk", "only your first name"),
        ("x.top", "only your first name"),
    ],
)
def test_name_that_could_do_harm_in_a_mail_is_refused(browser: Client, name: str, said: str) -> None:
    answer = browser.post("/daily/subscribe/", {"email": "ada@example.com", "first_name": name})

    assert answer.status_code == 422
    assert said in answer.text
    assert not SignUp.objects.exists()


@pytest.mark.parametrize(
    "name",
    [
        "Ada",
        "José María",
        "Ἀδα",
        "한결",
        "أدا",
        "O’Hara-Smith Jr.",
        "李",
        "J.R. Smith",
        "J.R.R.",
        "St. John",
        "St.John",
        "Dr.Jo",
        "M.-A. de la Cruz",
    ],
)
def test_name_of_any_alphabet_is_kept(browser: Client, name: str) -> None:
    browser.post("/daily/subscribe/", {"email": "ada@example.com", "first_name": name})

    assert SignUp.objects.get().first_name == name


def test_of_several_values_for_one_field_the_last_is_taken(browser: Client) -> None:
    browser.post(
        "/daily/subscribe/", {"email": ["eve@example.com", "ada@example.com"], "first_name": ["E", "A"]}
    )

    assert SignUp.objects.values_list("email", "first_name").get() == ("ada@example.com", "A")


def test_hidden_fields_with_nonsense_in_them_do_no_harm(browser: Client, daily: Newsletter) -> None:
    nonsense = "\0" + "é🌉\u202e" * 500
    names = ("wording", f"wording_{daily.pk}", "shown", "utm_source", "ref", "page", "referrer", "language")

    answer = browser.post("/daily/subscribe/", {"email": "ada@example.com"} | dict.fromkeys(names, nonsense))

    assert answer.status_code == 200
    sign_up = SignUp.objects.get()
    assert sign_up.newsletters == {str(daily.pk): None}
    assert sign_up.source.keys() == {"utm_source", "ref"}
    assert all(len(value) <= 100 and "\0" not in value for value in sign_up.source.values())


@pytest.mark.parametrize(
    "path", [*PATHS, "/daily/subscribe/again/", "/daily/embed/again/", "/subscribe/again/"]
)
def test_post_that_is_too_large_is_refused_before_it_is_read(browser: Client, path: str) -> None:
    huge = b"email=" + b"a" * 10_000_000

    answer = browser.generic("POST", path, huge, content_type=URLENCODED)

    assert answer.status_code == 413
    assert "That is too much for this form" in answer.text


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"&".join(b"a%d=1" % number for number in range(2000)), URLENCODED),
        (b"--b\r\nnothing", "multipart/form-data"),
        (b"--b\r\nnothing", "multipart/form-data; boundary=\xe9"),
        (b"email=a", f"{URLENCODED}; charset=utf-16"),
    ],
)
def test_post_that_cannot_be_read_is_a_page(
    browser: Client, path: str, body: bytes, content_type: str
) -> None:
    answer = browser.generic("POST", path, body, content_type=content_type)

    assert answer.status_code == 400
    assert "That could not be read" in answer.text


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"", URLENCODED),
        (b"\xff\xfe=\xff&email=%ff%00", URLENCODED),
        (b'{"email": "ada@example.com"}', "application/json"),
        (b"--b\r\nno end", "multipart/form-data; boundary=b"),
    ],
)
def test_post_without_an_address_shows_the_form_again(
    browser: Client, body: bytes, content_type: str
) -> None:
    answer = browser.generic("POST", "/daily/subscribe/", body, content_type=content_type)

    assert answer.status_code == 422
    assert not SignUp.objects.exists()


def test_length_that_is_no_number_is_refused(browser: Client) -> None:
    answer = browser.post("/daily/subscribe/", {"email": "a@example.com"}, CONTENT_LENGTH="9" * 30)

    assert (answer.status_code, LARGEST) == (413, 65_536)


@pytest.mark.parametrize("count", [1, 3])
def test_page_of_all_newsletters_costs_the_same_for_one_and_for_three(
    browser: Client, count: int, django_assert_num_queries: Any
) -> None:
    for number in range(1, count):
        factories.newsletter(f"other{number}")

    with django_assert_num_queries(4):
        browser.get("/subscribe/")


@pytest.mark.parametrize("path", ["/nothing/subscribe/", "/nothing/embed/", "/nothing/subscribe/again/"])
def test_newsletter_that_is_not_here_is_not_found(browser: Client, path: str) -> None:
    assert [browser.get(path).status_code, browser.post(path).status_code] == [404, 404]


def test_name_that_looks_like_a_part_of_the_page_that_is_filled_in_stays_as_it_is(browser: Client) -> None:
    """Of Unicode's private use, as an icon font has its letters."""
    name = "The \ue000tide\ue001"
    Newsletter.objects.update(name=name)

    answer = browser.post("/daily/subscribe/", {"email": "ada@example.com"})

    assert (answer.status_code, name in answer.text) == (200, True)
    assert "<bdi>ada@example.com</bdi>" in answer.text
