from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from newsletter.linkcheck.probing import Halt, Outcome
from newsletter.models import Newsletter
from subscribers import guard, tasks
from subscribers.guard import mailboxes, tallies
from subscribers.models import SignUp, Subscriber

Ask = Callable[[str, str], list[str]]
GONE, SILENT = Halt(Outcome.BROKEN, "host"), Halt(Outcome.SILENT, "lookup")


@pytest.fixture(autouse=True)
def looks_up(settings: Any) -> None:
    settings.LINK_CHECKS = True


def resolver(answers: dict[str, list[str] | Halt], asked: list[str] | None = None) -> Ask:
    def ask(name: str, kind: str) -> list[str]:
        if asked is not None:
            asked.append(f"{kind} {name}")
        answer = answers[name]
        if isinstance(answer, Halt):
            raise answer
        return answer

    return ask


WORLD: dict[str, list[str] | Halt] = {"example.com": ["192.0.2.1"]}


@pytest.mark.parametrize(
    ("answers", "takes"),
    [
        ({"a.example": ["10 mx.a.example."]}, True),
        ({"a.example": []}, True),  # RFC 5321 5.1: the domain itself is its mail server then
        ({"a.example": ["0 ."]}, False),  # RFC 7505
        ({"a.example": GONE, **WORLD}, False),
        ({"a.example": GONE, "example.com": GONE}, True),  # a resolver that knows nothing at all
        ({"a.example": GONE, "example.com": SILENT}, True),
        ({"a.example": SILENT}, True),
    ],
)
def test_takes_mail_unless_it_is_clear_that_it_does_not(
    answers: dict[str, list[str] | Halt], takes: bool
) -> None:
    assert guard.takes_mail("a.example", ask=resolver(answers)) is takes


def test_takes_mail_asks_once_for_all() -> None:
    asked: list[str] = []
    ask = resolver({"a.example": ["10 mx."], "b.example": ["0 ."]}, asked)

    found = [guard.takes_mail(domain, ask=ask) for domain in ("a.example", "b.example") * 2]

    assert (found, asked) == ([True, False] * 2, ["MX a.example", "MX b.example"])


def test_takes_mail_leaves_a_silent_name_server_alone_for_a_while() -> None:
    asked: list[str] = []

    found = [guard.takes_mail("a.example", ask=resolver({"a.example": SILENT}, asked)) for _ in range(2)]

    assert (found, asked) == ([True, True], ["MX a.example"])


def test_takes_mail_looks_nothing_up_where_that_is_switched_off(settings: Any) -> None:
    settings.LINK_CHECKS = False

    assert guard.takes_mail("a.example", ask=resolver({})) is True


def test_objection_is_of_domains() -> None:
    guard.takes_mail("gone.example", ask=resolver({"gone.example": GONE, **WORLD}))

    assert guard.objection("ada@example.com") == ""
    assert guard.objection("ada@gone.example").startswith("“gone.example” takes no mail.")
    assert guard.objection("ada@mailinator.com").startswith("This address is one of those that stop")
    assert guard.objection("ada@sub.mailinator.com").startswith("This address is one of those that stop")
    assert guard.objection("ada@notmailinator.example") == ""


@pytest.mark.parametrize(
    ("email", "words"),
    [
        ("ada@mailinator.com", "stop working after a short time"),
        ("ada@gone.example", "“gone.example” takes no mail."),
    ],
)
def test_the_form_says_so_at_the_field(daily: Newsletter, client: Client, email: str, words: str) -> None:
    guard.takes_mail("gone.example", ask=resolver({"gone.example": ["0 ."]}))

    answer = client.post("/daily/subscribe/", {"email": email})

    assert (answer.status_code, SignUp.objects.count()) == (422, 0)
    assert words in answer.text


def test_a_worker_makes_nothing_of_a_sign_up_that_no_mail_can_reach(
    daily: Newsletter, client: Client
) -> None:
    client.post("/daily/subscribe/", {"email": "ada@gone.example"})
    client.post("/daily/subscribe/", {"email": "bob@fine.example"})
    guard.takes_mail("gone.example", ask=resolver({"gone.example": ["0 ."]}))
    guard.takes_mail("fine.example", ask=resolver({"fine.example": ["10 mx."]}))

    tasks.take_in()

    assert list(Subscriber.objects.values_list("email", flat=True)) == ["bob@fine.example"]
    assert SignUp.objects.count() == 0


def test_page_remembers_for_a_moment_what_it_was_told(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(tallies, "kept", lambda key: asked.append(key))

    answers = [mailboxes.is_known_to_refuse("example.com") for _ in range(3)]
    mailboxes.forget()
    mailboxes.is_known_to_refuse("example.com")

    assert answers == [False, False, False]
    assert len(asked) == 2


def test_worker_that_learns_of_a_domain_is_heard_in_its_own_process_at_once() -> None:
    before = mailboxes.is_known_to_refuse("nowhere.example")

    mailboxes.takes_mail("nowhere.example", ask=lambda name, kind: [mailboxes.NO_MAIL])

    assert (before, mailboxes.is_known_to_refuse("nowhere.example")) == (False, True)
