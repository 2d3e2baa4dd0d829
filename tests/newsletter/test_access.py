"""Every page of the desk, asked for by everybody who should and who should not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.core.cache import cache
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, get_resolver, reverse
from django.utils import timezone

from delivery.models import Attempt, Batch, Delivery, MailerState, SendingDomain
from newsletter import revisions
from newsletter.models import Member
from subscribers.models import Burst, Subscriber, Subscription, Suppression
from tests import factories
from tests.delivery.ledgers import ledger
from tests.newsletter.rules import RULES, Rule, Who

SECRET = "quokka"  # stands in all that the first newsletter has, and nobody else may read it
PERSONAS = ("anonymous", "stranger", "writer", "editor", "publisher", "elsewhere", "superuser")
RANKS = {"stranger": Who.STAFF, "elsewhere": Who.PUBLISHER} | {
    name: Who[name.upper()] for name in PERSONAS[2:5]
}


def pages(
    patterns: Any = None, namespaces: tuple[str, ...] = (), start: str = ""
) -> Iterator[tuple[str, frozenset]]:
    """(name, names of its values) of everything below /admin/. What has no name are Django's redirects to these."""
    for each in get_resolver().url_patterns if patterns is None else patterns:
        way = start + str(each.pattern)
        if isinstance(each, URLPattern):
            if each.name and way.startswith("admin/"):
                yield ":".join((*namespaces, each.name)), frozenset(each.pattern.regex.groupindex)
        else:
            inner = (*namespaces, each.namespace) if each.namespace else namespaces
            yield from pages(each.url_patterns, inner, way)


@pytest.fixture
def world(db: None) -> dict[str, Any]:
    """Two newsletters, of which the first has everything, and a person of each kind."""
    cache.clear()
    people = {
        name: User.objects.create_user(name, f"{name}@team.example", is_staff=True) for name in PERSONAS[1:-1]
    }
    people["superuser"] = User.objects.create_superuser("superuser")
    first = factories.newsletter("first", name=f"The {SECRET} times", sender_name=SECRET)
    second = factories.newsletter("second", name="The other")
    for role in ("writer", "editor", "publisher"):
        Member.objects.create(newsletter=first, user=people[role], role=role)
    Member.objects.create(newsletter=second, user=people["elsewhere"], role="publisher")
    sent = factories.issue(first, subject=f"{SECRET} went out")
    dispatch = ledger(sent, accepted=1, failed=1, uncertain=1)
    Subscriber.objects.update(first_name=SECRET)
    draft = factories.issue(first, f"{SECRET}-draft", subject=f"A {SECRET} draft")
    revisions.save(draft, by=people["writer"], kind="saved", changes={"preheader": "New"})
    factories.issue(second)
    rows = {
        "newsletter_newsletter": first,
        "delivery_dispatch": dispatch,
        "delivery_batch": Batch.objects.first(),
        "delivery_attempt": Attempt.objects.first(),
        "delivery_delivery": Delivery.objects.first(),
        "delivery_mailerstate": MailerState.objects.get_or_create(alias="bulk")[0],
        "delivery_sendingdomain": SendingDomain.objects.create(
            domain="a.example", warm_up_from=date(2026, 1, 1)
        ),
        "subscribers_subscriber": Subscriber.objects.first(),
        "subscribers_subscription": Subscription.objects.first(),
        "subscribers_suppression": Suppression.objects.create(address_key="1" * 64, reason="request"),
        "auth_user": people["writer"],
        "auth_group": Group.objects.create(name="helpers"),
    }
    burst = Burst.objects.create(
        newsletter=first, network=SECRET, began_at=timezone.now(), ended_at=timezone.now(), readers=10
    )
    return people | {"first": first, "draft": draft, "dispatch": dispatch, "burst": burst, "rows": rows}


def values(world: dict[str, Any], name: str) -> dict[str, Any]:
    model = name.removeprefix("admin:").rpartition("_")[0]
    row = world["rows"].get(model, world["draft"])
    return {
        "object_id": row.pk,
        "id": world["writer"].pk,
        "pk": world["draft"].pk,
        "issue_id": world["draft"].pk,
        "dispatch_id": world["dispatch"].pk,
        "newsletter_id": world["first"].pk,
        "member_id": Member.objects.get(user=world["writer"]).pk,
        "number": 1,
        "face": "web",
        "kind": "welcome",
        "look": "mail",
        "state": "failed",
        "verb": "pause",
        "burst_id": world["burst"].pk,
        "verdict": "dismiss",
        "app_label": "newsletter",
        "uidb64": "MQ",
        "token": "1-2",
    }


def expected(rule: Rule, persona: str, *, names_something: bool) -> str:
    if rule.who == Who.ANYBODY:
        return "in"
    if persona == "anonymous":
        return "login"
    if persona == "superuser":
        return "out" if rule.who == Who.NOBODY else "in"
    is_of_another = persona == "elsewhere" and names_something and not rule.is_shared and rule.who > Who.STAFF
    return "in" if RANKS[persona] >= rule.who and not is_of_another else "out"


def verdict(answer: Any) -> str:
    if answer.status_code == 302 and answer["Location"].startswith("/admin/login/"):
        return "login"
    if answer.status_code in {403, 404}:
        return "out"
    return "in" if answer.status_code < 500 and answer.status_code != 405 else str(answer.status_code)


def asked(person: User | None, path: str, method: str) -> tuple[str, str]:
    """The verdict and the text; whatever it changed is taken back."""
    client = Client(raise_request_exception=False)
    with transaction.atomic():
        if person:
            client.force_login(person)
        answer = client.generic(method, path, content_type="application/x-www-form-urlencoded")
        text = b"".join(answer.streaming_content).decode() if answer.streaming else answer.text
        transaction.set_rollback(True)
    return verdict(answer), text


def test_every_page_of_the_desk_has_a_rule() -> None:
    named = {name for name, _ in pages()}

    assert named - RULES.keys() == set(), "Say in tests/newsletter/rules.py who may open these."
    assert RULES.keys() - named == set(), "These pages are gone; so may be their rules."


@pytest.mark.parametrize("persona", PERSONAS)
def test_pages_open_to_whom_they_should_and_tell_others_nothing(world: dict[str, Any], persona: str) -> None:
    wrong, told = [], []
    for name, wanted in sorted(pages(), key=lambda page: page[0]):
        if not (rule := RULES.get(name)):
            continue  # the test above says so
        path = reverse(
            name, kwargs={key: value for key, value in values(world, name).items() if key in wanted}
        )
        found, text = asked(world.get(persona), path + rule.query, rule.method)
        if found != expected(rule, persona, names_something=bool(wanted)):
            wrong.append(f"{name}: {found}")
        if persona in {"anonymous", "stranger", "elsewhere"} and SECRET in text:
            told.append(name)

    assert (wrong, told) == ([], [])
