from __future__ import annotations

import pytest

from subscribers import sources

HOST = "news.example.com"


def told(*, came_from: str = "", query: dict[str, str] | None = None, **posted: str) -> dict[str, str]:
    return sources.told(posted, query=query or {}, came_from=came_from, host=HOST)


def test_source_of_a_box_on_our_page_is_that_page_and_its_campaign() -> None:
    found = told(came_from=f"https://{HOST}/daily/tides/?utm_source=chat&ref=ada&secret=1#box")

    assert found == {"page": "/daily/tides/", "utm_source": "chat", "ref": "ada"}


def test_source_on_another_site_is_its_host_alone() -> None:
    found = told(came_from="https://user:word@Blog.example:8443/private/?utm_source=mine")

    assert found == {"referrer": "blog.example:8443"}


def test_what_a_form_says_outweighs_its_address_and_that_where_it_stood() -> None:
    found = told(
        came_from=f"https://{HOST}/daily/?utm_source=page&utm_medium=page&utm_term=page",
        query={"utm_source": "query", "utm_medium": "query"},
        utm_source="form",
    )

    assert found == {"page": "/daily/", "utm_source": "form", "utm_medium": "query", "utm_term": "page"}


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("a\r\nBcc: b@example.com", "a Bcc: b@example.com"),
        ("nul\0l", "nul l"),
        ("\u202egnp.exe", "gnp.exe"),
        ("zero\u200bwidth", "zerowidth"),
        ("x" * 100_000, "x" * 100),
        ("  \n ", None),
        ("한국 🌉", "한국 🌉"),
    ],
)
def test_value_is_kept_on_one_short_line(given: str, kept: str | None) -> None:
    assert told(utm_campaign=given) == ({} if kept is None else {"utm_campaign": kept})


@pytest.mark.parametrize(
    "page", ["/s/read/12.~secret/", "/admin/newsletter/", "//evil.example/", "javascript:alert(1)", "daily"]
)
def test_page_that_is_private_or_none_is_not_kept(page: str) -> None:
    assert told(page=page) == {}


@pytest.mark.parametrize("host", ["<b>", "a b", "a/b", "ada@example.com", "\0"])
def test_referrer_that_is_no_host_is_not_kept(host: str) -> None:
    assert told(referrer=host) == {}


@pytest.mark.parametrize(
    "address", ["", "nonsense", "http://[", "data:text/html,x", "https://a.example:99999999/", "//"]
)
def test_address_that_leads_nowhere_tells_nothing(address: str) -> None:
    assert told(came_from=address) == {}


def test_page_with_a_reader_s_own_link_tells_only_the_campaign() -> None:
    assert told(came_from=f"https://{HOST}/s/read/1.~x/?utm_source=mail") == {"utm_source": "mail"}


def test_address_of_a_thousand_parts_tells_only_its_page() -> None:
    many = "&".join(f"utm_source={number}" for number in range(1000))

    assert told(came_from=f"https://{HOST}/daily/?{many}") == {"page": "/daily/"}
