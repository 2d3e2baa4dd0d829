from __future__ import annotations

import re
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.db import connection
from django.test import Client

from newsletter import invitations, membership, tasks
from newsletter.models import Member, Newsletter
from tests import factories
from tests.newsletter.test_team import at_desk, people_path, person

LINK = re.compile(r"http://testserver(/admin/password/\S+)")
NONCE = re.compile(r'nonce="[^"]+"')
PASSWORD = "long-enough-and-odd"
NOBODY_LISTENS = {
    "BACKEND": "django.core.mail.backends.smtp.EmailBackend",
    "OPTIONS": {"host": "localhost", "port": 9},
}


@pytest.fixture
def mails(mailoutbox: list[mail.EmailMessage]) -> list[mail.EmailMessage]:
    return mailoutbox


@pytest.fixture
def desk(daily: Newsletter) -> Client:
    return at_desk(person("ada", daily, "publisher"))


def invite(desk: Client, newsletter: Newsletter, email: str = "Bob@Example.com", role: str = "editor") -> str:
    return desk.post(people_path(newsletter), {"email": email, "role": role}, follow=True).text


def link_in(message: mail.EmailMessage) -> str:
    found = LINK.search(str(message.body))
    assert found
    return found[1]


def choose(path: str, password: str = PASSWORD) -> tuple[Client, str]:
    """As a browser does: the link leads to a page that has the token no more in its address."""
    browser = Client()
    page = browser.get(path, follow=True)
    if not page.redirect_chain:
        return browser, page.text
    answer = browser.post(
        page.redirect_chain[-1][0], {"new_password1": password, "new_password2": password}, follow=True
    )
    return browser, answer.text


def test_invited_person_chooses_a_password_and_is_at_the_desk(daily: Newsletter, desk: Client, mails) -> None:
    said = invite(desk, daily)
    account = User.objects.get(username="bob@example.com")
    could_log_in = account.has_usable_password()
    browser, _page = choose(link_in(mails[0]))

    assert (mails[0].to, mails[0].from_email) == (["bob@example.com"], daily.sender)
    assert "In the team as editor: bob@example.com. A mail tells them how to begin." in said
    assert "invited, has not come yet" in said
    assert (could_log_in, account.is_staff, account.is_superuser) == (False, True, False)
    assert browser.get("/admin/newsletter/issue/").status_code == 200
    assert Client().login(username="bob@example.com", password=PASSWORD)


def test_link_works_once(daily: Newsletter, desk: Client, mails) -> None:
    invite(desk, daily)
    choose(link_in(mails[0]))

    _browser, page = choose(link_in(mails[0]), "another-odd-one")

    assert "This link has run out" in page
    assert Client().login(username="bob@example.com", password=PASSWORD)


def test_link_runs_out(daily: Newsletter, desk: Client, mails, settings) -> None:
    invite(desk, daily)
    settings.PASSWORD_RESET_TIMEOUT = -1

    assert "This link has run out" in choose(link_in(mails[0]))[1]


def test_link_opens_no_account_that_was_closed_since(daily: Newsletter, desk: Client, mails) -> None:
    invite(desk, daily)
    User.objects.filter(username="bob@example.com").update(is_staff=False)

    assert "This link has run out" in choose(link_in(mails[0]))[1]


def test_who_has_an_account_is_a_member_at_once_and_the_answer_is_the_same(
    daily: Newsletter, desk: Client, mails
) -> None:
    bob = person("bob", factories.newsletter("weekly", name="The Weekly"))

    said = invite(desk, daily, "BOB@team.example")

    assert daily.members.get(user=bob).role == "editor"
    assert "In the team as editor: bob@team.example. A mail tells them how to begin." in said
    assert "The Weekly" not in said + str(mails[0].body)
    assert LINK.search(str(mails[0].body)) is None
    assert "http://testserver/admin/" in str(mails[0].body)


@pytest.mark.parametrize("field", ["is_active", "is_staff"])
def test_account_that_was_closed_is_not_opened_by_a_publisher(
    daily: Newsletter, desk: Client, mails, field: str
) -> None:
    bob = person("bob")
    User.objects.filter(pk=bob.pk).update(**{field: False})

    said = invite(desk, daily, "bob@team.example")

    assert "The account of bob@team.example is closed." in said
    assert (Member.objects.filter(user=bob).count(), mails) == (0, [])


def test_same_person_twice_is_one_member(daily: Newsletter, desk: Client, mails) -> None:
    invite(desk, daily)

    said = invite(desk, daily, role="publisher")

    assert "This team has bob@example.com already." in said
    assert [member.role for member in daily.members.filter(user__username="bob@example.com")] == ["editor"]
    assert len(mails) == 1


def test_invitation_is_sent_again_but_not_for_ever(daily: Newsletter, desk: Client, mails) -> None:
    invite(desk, daily)
    path = people_path(daily, Member.objects.get(user__username="bob@example.com"), "invite")

    said = [desk.post(path, follow=True).text for _ in range(invitations.MOST_AN_HOUR)]

    assert len(mails) == invitations.MOST_AN_HOUR
    assert "on its way to bob@example.com" in said[0]
    assert "Please wait a while" in said[-1]


def test_mailbox_is_not_filled_by_adding_and_removing(daily: Newsletter, desk: Client, mails) -> None:
    bob = person("bob")
    said = []

    for _ in range(invitations.MOST_AN_HOUR + 2):
        said.append(invite(desk, daily, "bob@team.example"))
        desk.post(people_path(daily, Member.objects.get(user=bob), "remove"))

    assert len(mails) == invitations.MOST_AN_HOUR
    assert "In the team as editor: bob@team.example. They were mailed several times" in said[-1]


@pytest.mark.parametrize("mailer", ["works", "refuses"])
def test_one_person_makes_only_so_many_accounts_an_hour(
    daily: Newsletter, desk: Client, settings, monkeypatch: pytest.MonkeyPatch, mailer: str
) -> None:
    monkeypatch.setattr(invitations, "MOST_INVITATIONS_AN_HOUR", 3)
    if mailer == "refuses":
        settings.MAILERS = settings.MAILERS | {"default": NOBODY_LISTENS}

    said = [invite(desk, daily, f"invented{number}@example.com") for number in range(4)]
    again = desk.post(people_path(daily, Member.objects.latest("pk"), "invite"), follow=True).text

    assert User.objects.filter(username__startswith="invented").count() == 3
    assert "You have invited many people within this hour." not in said[2]
    assert "You have invited many people within this hour. Please wait a while." in said[3]
    assert "You have invited many people within this hour. Please wait a while." in again


@pytest.mark.django_db(transaction=True)
def test_same_new_address_four_times_at_once_is_one_account(daily: Newsletter) -> None:
    ready = threading.Barrier(4)

    def add(_number: int) -> str:
        ready.wait()
        try:
            return membership.add(daily, email="bob@example.com", role="editor").role
        except membership.Refused:
            return "had already"
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as threads:
        said = sorted(threads.map(add, range(4)))

    assert said == ["editor", "had already", "had already", "had already"]
    assert User.objects.filter(username="bob@example.com").count() == 1


def test_mailer_that_refuses_costs_only_the_mail(daily: Newsletter, desk: Client, settings) -> None:
    settings.MAILERS = settings.MAILERS | {"default": NOBODY_LISTENS}

    said = invite(desk, daily)

    assert "But the mail to them could not be sent." in said
    assert daily.members.filter(user__username="bob@example.com").exists()


def test_names_in_the_mail_cannot_break_out_of_it(daily: Newsletter, desk: Client, mails) -> None:
    User.objects.filter(username="ada").update(first_name="<b>Ada</b>\r\nBcc: all@example.com")

    invite(desk, daily)

    html = str(mails[0].alternatives[0][0])
    assert "&lt;b&gt;Ada" in html
    assert "<b>Ada" not in html
    assert mails[0].bcc == []


def forgotten(email: str) -> str:
    """Through the page and, in place of a worker, the task it asked for."""
    page = Client().post("/admin/password/forgotten/", {"email": email}, follow=True)
    tasks.send_password_links(list(invitations.may_choose_password(email).values_list("pk", flat=True)))
    return page.text


def test_forgotten_password_is_chosen_anew(daily: Newsletter, mails) -> None:
    person("bob", daily)

    forgotten("BOB@team.example")
    choose(link_in(mails[0]))

    assert mails[0].to == ["bob@team.example"]
    assert Client().login(username="bob", password=PASSWORD)


def test_page_says_the_same_to_everybody(daily: Newsletter, mails) -> None:
    person("bob", daily)

    known, unknown = forgotten("bob@team.example"), forgotten("nobody@team.example")

    assert NONCE.sub("", known) == NONCE.sub("", unknown)
    assert "If there is an account by this address" in known
    assert len(mails) == 1


def test_somebody_who_was_invited_and_lost_the_mail_gets_another(
    daily: Newsletter, desk: Client, mails
) -> None:
    invite(desk, daily)

    forgotten("bob@example.com")

    assert len(mails) == 2
    assert choose(link_in(mails[1]))[0].get("/admin/").status_code == 200


def test_account_without_password_and_without_team_gets_no_link(db: None, mails) -> None:
    User.objects.create_user("bob", "bob@team.example", is_staff=True)

    forgotten("bob@team.example")

    assert mails == []


def test_mailbox_is_not_filled_by_the_page(daily: Newsletter, mails) -> None:
    person("bob", daily)

    for _ in range(invitations.MOST_AN_HOUR + 3):
        forgotten("bob@team.example")

    assert len(mails) == invitations.MOST_AN_HOUR
