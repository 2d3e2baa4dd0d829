"""The publisher's order of what readers are asked, wherever it is asked or shown."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from django.utils import timezone

from subscribers import facts
from subscribers.models import Subscription
from subscribers.proof.export import everything
from tests import factories
from tests.newsletter.test_team import at_desk, person
from tests.subscribers.manage_page import link

if TYPE_CHECKING:
    from django.test import Client

    from newsletter.models import Newsletter

ORDER = ["zodiac", "town", "age"]


@pytest.fixture
def reader(daily: Newsletter) -> Subscription:
    """Of a newsletter that asks for three things, in an order that is neither of their labels nor of their names."""
    for position, name in ((3, "age"), (2, "town"), (1, "zodiac")):
        daily.reader_fields.create(name=name, label=name.title(), is_asked=True, position=position)
    facts.forget()
    known = {"age": "40", "old": "kept", "town": "Faro", "zodiac": "Leo"}
    return factories.subscription(daily, "ada@example.com", fields=known)


def asked(page: str) -> list[str]:
    return list(dict.fromkeys(re.findall(r'name="(?:[a-z0-9_]+-)?known_([a-z]+)"', page)))


@pytest.mark.parametrize("path", ["/daily/subscribe/", "/daily/embed/", "/subscribe/"])
def test_sign_up_forms_ask_in_the_publishers_order(reader: Subscription, client: Client, path: str) -> None:
    assert asked(client.get(path).text) == ORDER


def test_code_for_other_sites_and_own_page_follow_it(reader: Subscription, client: Client) -> None:
    desk = at_desk(person("ada", reader.newsletter, "publisher"))

    code = desk.get(f"/admin/desk/newsletters/{reader.newsletter_id}/form/").text
    own_page = client.get(link(reader)).text

    assert (asked(code.replace("&quot;", '"')), asked(own_page)) == (ORDER, ORDER)


def test_download_follows_it_and_loses_nothing(reader: Subscription) -> None:
    (held,) = everything(reader.subscriber, now=timezone.now())["subscriptions"]

    assert list(held["fields"].items()) == [
        ("zodiac", "Leo"),
        ("town", "Faro"),
        ("age", "40"),
        ("old", "kept"),
    ]
