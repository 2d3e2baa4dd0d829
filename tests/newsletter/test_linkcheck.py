"""An issue's links: which are followed, how often, and what is left for another look."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from newsletter import linkcheck
from newsletter.linkcheck.probing import Found, Outcome, Prober
from newsletter.models import CheckedLink, Newsletter
from tests import factories


@pytest.fixture
def following(settings: Any) -> None:
    settings.LINK_CHECKS = True


def body(*urls: str) -> str:
    return "".join(f'<p><a href="{each}">a page</a></p>' for each in urls)


def outcomes() -> dict[str, str]:
    return dict(CheckedLink.objects.values_list("url", "outcome"))


class Answering(Prober):
    """Gives what its dictionary has, and counts."""

    __slots__ = ("answers", "asked", "pause")

    def follow(self, url: str) -> Found:
        self.asked.append(url)
        time.sleep(self.pause)
        return self.answers[url]


def answering(answers: dict[str, Found], *, pause: float = 0.0, seconds: float = 5.0) -> Answering:
    prober = Answering(agent="Courant test", seconds=seconds)
    object.__setattr__(prober, "answers", answers)
    object.__setattr__(prober, "asked", [])
    object.__setattr__(prober, "pause", pause)
    return prober


def test_check_asks_each_link_once_a_day_and_what_was_wanting_when_told(
    daily: Newsletter, following: None
) -> None:
    fine, broken = "https://example.org/fine", "https://example.org/gone"
    prober = answering({fine: Found(Outcome.FINE, "200"), broken: Found(Outcome.BROKEN, "404")})
    issue = factories.issue(daily, body=body(fine, f"{fine}#more", broken, "http://127.1/", "/own/"))

    left = [linkcheck.check(issue, prober=prober), linkcheck.check(issue, prober=prober)]
    first = sorted(prober.asked)
    CheckedLink.objects.update(checked_at=timezone.now() - timedelta(minutes=5))
    linkcheck.check(issue, prober=prober, again=True)

    assert (left, first) == ([False, False], [fine, broken])
    assert prober.asked[2:] == [broken]
    assert outcomes() == {fine: "fine", broken: "broken"}


def test_check_leaves_what_it_has_no_time_for_to_the_next(daily: Newsletter, following: None) -> None:
    urls = [f"https://example.org/{number}" for number in range(9)]
    prober = answering({each: Found(Outcome.FINE, "200") for each in urls}, pause=0.3)
    issue = factories.issue(daily, body=body(*urls))

    left = linkcheck.check(issue, prober=prober, budget=0.1)
    known = linkcheck.of(issue)

    assert (left, len(known.known), len(known.waiting)) == (True, 6, 3)
    assert linkcheck.check(issue, prober=prober) is False
    assert linkcheck.of(issue).waiting == []


def test_check_does_not_wait_for_a_resolver_that_hangs(daily: Newsletter, following: None) -> None:
    url = "https://example.org/"
    prober = answering({url: Found(Outcome.FINE, "200")}, pause=1.0, seconds=-0.8)
    issue = factories.issue(daily, body=body(url))
    begin = time.monotonic()

    linkcheck.check(issue, prober=prober, budget=0.1)

    assert time.monotonic() - begin < 0.9
    assert outcomes() == {url: "silent"}


def test_check_forgets_what_is_old_and_follows_nothing_where_it_is_off(
    daily: Newsletter, settings: Any
) -> None:
    CheckedLink.objects.create(
        url_hash="old",
        url="https://old.example.org/",
        outcome="fine",
        checked_at=timezone.now() - timedelta(days=31),
    )
    issue = factories.issue(daily, body=body("https://example.org/"))
    prober = answering({"https://example.org/": Found(Outcome.FINE, "200")})

    settings.LINK_CHECKS = False
    linkcheck.check(issue, prober=prober)
    off = outcomes()
    settings.LINK_CHECKS = True
    linkcheck.check(issue, prober=prober)

    assert off == {"https://old.example.org/": "fine"}
    assert outcomes() == {"https://example.org/": "fine"}


def test_unanswered_are_those_that_were_wanting_before(daily: Newsletter, following: None) -> None:
    fine, broken, new = "https://example.org/a", "https://example.org/b", "https://example.org/c"
    prober = answering({fine: Found(Outcome.FINE, "200"), broken: Found(Outcome.BROKEN, "404")})
    linkcheck.check(factories.issue(daily, body=body(fine, broken)), prober=prober)
    links = linkcheck.of(factories.issue(daily, "more", body=body(fine, broken, new)))

    assert links.unanswered(None) == [new]
    assert links.unanswered(timezone.now() + timedelta(seconds=1)) == [broken, new]
