"""Before sending: whether the sender's address may send, and how long the provider's allowance lasts."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from delivery.models import (
    Attempt,
    Batch,
    SendingDomain,
)
from delivery.preflight import Level, allowance, sender
from newsletter.linkcheck import checking
from newsletter.linkcheck.probing import Found, Outcome
from newsletter.models import Newsletter
from tests.delivery.checked import AT, MAILGUN, by_code, dispatched


def mailgun(settings: Any, *, domain: str = "mg.daily.org", **hand_over: int) -> None:
    options = {"api_key": "key", "sender_domain": domain}
    settings.MAILERS = {**settings.MAILERS, "bulk": {**MAILGUN, "OPTIONS": options}}
    settings.HAND_OVER = {"bulk": {"scheme": "mailgun", **hand_over}}
    settings.SITE_URL = "https://news.daily.org"


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("editors@daily.org", {}),
        ("editors@news.daily.org", {}),
        ("editors@gmail.com", {"free_mail_sender": Level.BLOCKER}),
        ("editors@yahoo.co.uk", {"free_mail_sender": Level.BLOCKER}),
        ("editors@hotmail.fr", {"free_mail_sender": Level.BLOCKER}),
        ("editors@daily.example", {"made_up_sender": Level.BLOCKER}),
        ("editors@example.com", {"made_up_sender": Level.BLOCKER}),
        ("editors@daily.test", {"made_up_sender": Level.BLOCKER}),
        ("editors@weekly.org", {"other_domain": Level.DECISION}),
        ("no-reply@daily.org", {"nobody_answers": Level.WARNING}),
        ("donotreply@daily.org", {"nobody_answers": Level.WARNING}),
        ("norbert@daily.org", {}),
    ],
)
def test_sender(settings: Any, address: str, expected: dict[str, Level]) -> None:
    mailgun(settings)

    assert by_code(sender.findings(Newsletter(sender_email=address), aliases=["bulk"])) == expected


@pytest.mark.parametrize(
    ("outcome", "missing", "expected"),
    [
        ("fine", "", {}),
        ("fine", "spf", {}),
        ("fine", "mx", {"no_mx": Level.WARNING}),
        ("fine", "mx dmarc", {"no_dmarc": Level.WARNING}),
        ("fine", "spf dmarc", {"domain_not_set_up": Level.DECISION}),
        ("broken", "host", {"no_domain": Level.BLOCKER}),
        ("silent", "lookup", {}),
    ],
)
def test_what_the_dns_says_of_the_sender(
    db: None, settings: Any, outcome: str, missing: str, expected: dict[str, Level]
) -> None:
    newsletter = Newsletter(sender_email="editors@Daily.org")
    settings.LINK_CHECKS = True
    checking._remember("dns:daily.org", Found(Outcome(outcome), missing))

    into_the_outbox = by_code(sender.findings(newsletter, aliases=["bulk"]))
    mailgun(settings)

    assert into_the_outbox == {}
    assert by_code(sender.findings(newsletter, aliases=["bulk"])) == expected


@pytest.mark.parametrize(
    ("one", "other", "are_related"),
    [
        ("mg.daily.org", "daily.org", True),
        ("mg.daily.co.uk", "daily.co.uk", True),
        ("daily.co.uk", "weekly.co.uk", False),
        ("daily.org", "weekly.org", False),
    ],
)
def test_domains_of_one_owner(one: str, other: str, *, are_related: bool) -> None:
    assert sender.are_related(one, other) is are_related


def test_site_that_no_reader_reaches_is_in_the_way_of_real_mail_only(settings: Any) -> None:
    newsletter = Newsletter(sender_email="editors@daily.org")
    outbox = by_code(sender.findings(newsletter, aliases=["bulk"]))
    mailgun(settings)
    settings.SITE_URL = "http://localhost:8000"
    real = by_code(sender.findings(newsletter, aliases=["bulk"]))
    settings.MAILERS["bulk"]["OPTIONS"]["api_url"] = "http://127.0.0.1:9999"
    tried_out = by_code(sender.findings(newsletter, aliases=["bulk"]))

    assert (outbox, real, tried_out) == ({}, {"local_site": Level.BLOCKER}, {})


def test_allowance_that_lasts_says_nothing(db: None, settings: Any) -> None:
    mailgun(settings, per_hour=1000)

    assert allowance.findings("bulk", domain="daily.org", readers=1000, at=AT) == []


@pytest.mark.parametrize(
    ("hand_over", "readers", "words"),
    [
        ({"per_hour": 1000}, 1001, "1 hour"),
        ({"per_hour": 1000}, 24_000, "23 hours"),
        ({"per_day": 10_000}, 114_032, "11 days"),
        ({"per_hour": 1000, "per_day": 2000}, 3000, "24 hours"),
    ],
)
def test_allowance_that_does_not_says_how_long_it_takes(
    db: None, settings: Any, hand_over: dict[str, int], readers: int, words: str
) -> None:
    mailgun(settings, **hand_over)

    [found] = allowance.findings("bulk", domain="daily.org", readers=readers, at=AT)

    assert (found.code, found.level) == ("allowance", Level.WARNING)
    assert found.text.endswith(f"the last gets it {words} after the first.")


def test_allowance_counts_what_was_used_up(settings: Any, daily: Newsletter) -> None:
    mailgun(settings, per_hour=1000)
    batch = Batch.objects.create(dispatch=dispatched(daily, readers=3), number=1)
    Attempt.objects.create(batch=batch, fence=1, mailer="bulk", readers=900)
    now = timezone.now()

    found = allowance.findings("bulk", domain="daily.org", readers=200, at=now)
    tomorrow = allowance.findings("bulk", domain="daily.org", readers=200, at=now + timedelta(days=1))

    assert (by_code(found), tomorrow) == ({"allowance": Level.WARNING}, [])


def test_warm_up_grows_while_it_goes_out(db: None, settings: Any) -> None:
    mailgun(settings)
    SendingDomain.objects.create(domain="Daily.org", warm_up_from=AT.date(), first_day=200)

    [found] = allowance.findings("bulk", domain="daily.org", readers=700, at=AT)
    later = allowance.findings("bulk", domain="daily.org", readers=700, at=AT + timedelta(days=43))

    assert "daily.org is being warmed up, with 200 readers a day at first." in found.text
    assert found.text.endswith("the last gets it 2 days after the first.")
    assert later == []


def test_pace_of_the_provider_is_said_where_it_takes_a_while(db: None, settings: Any) -> None:
    mailgun(settings, per_second=100)

    [found] = allowance.findings("bulk", domain="daily.org", readers=30_000, at=AT)

    assert (found.level, found.text) == (
        Level.FINE,
        "The last reader gets it about 5 minutes after the first.",
    )
