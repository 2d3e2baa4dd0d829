from __future__ import annotations

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.test import Client

from newsletter import membership, team
from newsletter.models import Issue, Member, Newsletter
from newsletter.team import Right
from subscribers.models import Subscriber
from tests import factories


def person(name: str, newsletter: Newsletter | None = None, role: str = "writer") -> User:
    user = User.objects.create_user(name, f"{name}@team.example", "courant", is_staff=True)
    if newsletter:
        Member.objects.create(newsletter=newsletter, user=user, role=role)
    return user


def at_desk(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def weekly(db: None) -> Newsletter:
    return factories.newsletter("weekly", name="The Weekly")


@pytest.mark.parametrize(
    ("role", "rights"),
    [
        ("writer", {Right.SEE, Right.WRITE, Right.WATCH}),
        ("editor", {Right.SEE, Right.WRITE, Right.WATCH, Right.SEND, Right.READERS}),
        ("publisher", set(Right)),
    ],
)
def test_role_gives_its_rights_in_its_newsletter_alone(
    draft: Issue, weekly: Newsletter, role: str, rights: set[Right]
) -> None:
    user = person("ada", draft.newsletter, role)

    assert {right for right in Right if team.may(user, right, draft)} == rights
    assert [right for right in Right if team.may(user, right, weekly)] == []
    assert {right for right in Right if list(team.newsletters(user, right)) == [draft.newsletter]} == rights


def test_permission_given_in_djangos_own_way_holds_everywhere(draft: Issue, weekly: Newsletter) -> None:
    user = person("ada")
    user.user_permissions.add(Permission.objects.get(codename="change_issue"))

    assert [team.may(user, Right.WRITE, of) for of in (draft, weekly)] == [True, True]
    assert set(team.newsletters(user, Right.WRITE)) == {draft.newsletter, weekly}
    assert not team.may(user, Right.SEND, draft)


@pytest.mark.parametrize("field", ["is_active", "is_staff"])
def test_account_that_was_closed_may_nothing(draft: Issue, field: str) -> None:
    user = person("ada", draft.newsletter, "publisher")
    setattr(user, field, False)

    assert [right for right in Right if team.may(user, right, draft)] == []


@pytest.mark.parametrize(
    ("role", "edited_by", "may"),
    [
        ("writer", "self", True),
        ("writer", "other", False),
        ("writer", None, False),
        ("editor", "other", True),
    ],
)
def test_writer_deletes_only_drafts_with_their_own_last_word(
    draft: Issue, role: str, edited_by: str | None, may: bool
) -> None:
    user, other = person("ada", draft.newsletter, role), person("bob")
    Issue.objects.update(edited_by={"self": user, "other": other, None: None}[edited_by])

    answer = at_desk(user).post(f"/admin/newsletter/issue/{draft.pk}/delete/", {"post": "yes"})

    assert (answer.status_code, Issue.objects.exists()) == ((302, False) if may else (403, True))


def test_newsletter_is_chosen_among_those_where_one_may_write(daily: Newsletter, weekly: Newsletter) -> None:
    factories.newsletter("secret", name="The Secret")
    user = person("ada", daily)
    Member.objects.create(newsletter=weekly, user=user, role="editor")
    desk = at_desk(user)

    page = desk.get("/admin/newsletter/issue/add/")

    assert list(page.context["adminform"].form.fields["newsletter"].queryset) == [daily, weekly]
    assert "The Secret" not in page.text + desk.get("/admin/newsletter/issue/").text


def test_readers_of_other_newsletters_are_not_told_of(daily: Newsletter, weekly: Newsletter) -> None:
    reads_both = factories.subscription(daily, "ada@example.com").subscriber
    factories.subscription(weekly, "ada@example.com")
    factories.subscription(weekly, "bob@example.com")
    desk = at_desk(person("eve", daily, "publisher"))

    people = desk.get("/admin/subscribers/subscriber/").text
    ada = desk.get(f"/admin/subscribers/subscriber/{reads_both.pk}/change/").text

    assert ("ada@example.com" in people, "bob@example.com" in people) == (True, False)
    assert (daily.name in ada, weekly.name in ada) == (True, False)


def test_person_is_not_known_by_having_been_put_on_a_list(daily: Newsletter, weekly: Newsletter) -> None:
    reader = factories.subscription(weekly, "ada@example.com").subscriber
    Subscriber.objects.filter(pk=reader.pk).update(first_name="Countess")
    desk = at_desk(person("eve", daily, "publisher"))
    desk.post("/admin/subscribers/subscription/add/", {"email": "ada@example.com", "newsletter": daily.pk})
    path = f"/admin/subscribers/subscriber/{reader.pk}/change/"

    asked = (desk.get(path).status_code, "Countess" in desk.get("/admin/subscribers/subscriber/").text)
    desk.post(
        path, {"first_name": "Eve", "subscriptions-TOTAL_FORMS": "0", "subscriptions-INITIAL_FORMS": "0"}
    )

    reader.refresh_from_db()
    assert (asked, reader.first_name) == ((404, False), "Countess")
    assert "ada@example.com" in desk.get("/admin/subscribers/subscription/").text


@pytest.mark.parametrize(("others", "changed"), [(0, "Ada"), (1, "")])
def test_reader_of_other_newsletters_is_not_given_another_name(
    daily: Newsletter, weekly: Newsletter, others: int, changed: str
) -> None:
    reader = factories.subscription(daily, "ada@example.com").subscriber
    for newsletter in [weekly][:others]:
        factories.subscription(newsletter, "ada@example.com", status="unsubscribed")
    path = f"/admin/subscribers/subscriber/{reader.pk}/change/"
    desk = at_desk(person("eve", daily, "publisher"))

    desk.post(
        path, {"first_name": "Ada", "subscriptions-TOTAL_FORMS": "0", "subscriptions-INITIAL_FORMS": "0"}
    )

    reader.refresh_from_db()
    assert (desk.get(path).status_code, reader.first_name) == (200, changed)


def test_readers_that_one_only_sees_are_not_unsubscribed_with_the_others(
    daily: Newsletter, weekly: Newsletter
) -> None:
    user = person("ada", daily, "publisher")
    Member.objects.create(newsletter=weekly, user=user, role="editor")
    mine, theirs = (factories.subscription(each, "bob@example.com") for each in (daily, weekly))

    at_desk(user).post(
        "/admin/subscribers/subscription/",
        {"action": "unsubscribe", "_selected_action": [mine.pk, theirs.pk]},
    )

    for each in (mine, theirs):
        each.refresh_from_db()
    assert (mine.status, theirs.status) == ("unsubscribed", "active")


@pytest.mark.parametrize(
    ("role", "menu"),
    [
        ("writer", {"newsletter": ["Issue", "Newsletter"], "delivery": ["Dispatch"]}),
        (
            "editor",
            {
                "newsletter": ["Issue", "Newsletter"],
                "subscribers": ["Subscription", "Subscriber"],
                "delivery": ["Dispatch", "Delivery"],
            },
        ),
    ],
)
def test_menu_shows_what_a_role_works_with(daily: Newsletter, role: str, menu: dict[str, list[str]]) -> None:
    page = at_desk(person("ada", daily, role)).get("/admin/newsletter/newsletter/")

    shown = page.context["available_apps"]
    assert {app["app_label"]: [model["object_name"] for model in app["models"]] for app in shown} == menu


def test_row_of_another_team_looks_as_if_it_were_not_there(draft: Issue, weekly: Newsletter) -> None:
    desk = at_desk(person("ada", weekly, "publisher"))

    there, nowhere = (desk.get(f"/admin/newsletter/issue/{pk}/change/") for pk in (draft.pk, draft.pk + 999))

    assert (there.status_code, nowhere.status_code) == (404, 404)


def test_roles_cost_one_query_for_a_page(draft: Issue, django_assert_num_queries) -> None:
    user = person("ada", draft.newsletter, "editor")

    with django_assert_num_queries(3):  # the roles; Django's own permissions of the user and of their groups
        answers = [team.may(user, right, draft) for right in Right for _ in range(3)]

    assert len(answers) == 3 * len(Right)


def people_path(newsletter: Newsletter, member: Member | None = None, verb: str = "") -> str:
    path = f"/admin/newsletter/newsletter/{newsletter.pk}/team/"
    return f"{path}{member.pk}/{verb}/" if member else path


def test_last_publisher_is_neither_removed_nor_made_less(daily: Newsletter) -> None:
    ada = person("ada", daily, "publisher")
    member = ada.memberships.get()

    for act in (lambda: membership.remove(member), lambda: membership.change_role(member, role="writer")):
        with pytest.raises(membership.Refused, match="Make somebody else publisher first"):
            act()

    assert team.may(ada, Right.PEOPLE, daily)


def test_removed_person_sees_nothing_of_it_any_more(draft: Issue) -> None:
    ada, bob = person("ada", draft.newsletter, "publisher"), person("bob", draft.newsletter, "editor")
    desk, his = at_desk(ada), at_desk(bob)
    path = people_path(draft.newsletter, bob.memberships.get(), "remove")
    before = his.get(f"/admin/newsletter/issue/{draft.pk}/change/").status_code

    asked = desk.get(path)
    still = bob.memberships.count()
    desk.post(path)

    after = his.get(f"/admin/newsletter/issue/{draft.pk}/change/").status_code
    assert (before, still, after) == (200, 1, 403)
    assert "bob@team.example" in asked.text
    assert "No longer in the team: bob@team.example." in LogEntry.objects.latest("pk").change_message


def test_own_role_is_given_up_only_after_a_question(daily: Newsletter) -> None:
    ada = person("ada", daily, "publisher")
    person("bob", daily, "publisher")
    desk, member = at_desk(ada), ada.memberships.get()
    path = people_path(daily, member, "role")

    asked = desk.post(path, {"role": "writer"})
    member.refresh_from_db()
    before = member.role
    desk.post(path, {"role": "writer", "confirmed": "1"})

    member.refresh_from_db()
    assert (before, member.role) == ("publisher", "writer")
    assert "only another publisher can give back" in asked.text


def test_whoever_removes_themselves_lands_on_the_desk(daily: Newsletter) -> None:
    ada = person("ada", daily, "publisher")
    person("bob", daily, "publisher")
    path = people_path(daily, ada.memberships.get(), "remove")

    warned = at_desk(ada).get(path)
    answer = at_desk(ada).post(path)

    assert "You could no longer open its issues" in warned.text
    assert (answer.status_code, answer["Location"]) == (302, "/admin/")


def test_member_of_one_newsletter_cannot_be_reached_through_another(
    daily: Newsletter, weekly: Newsletter
) -> None:
    ada, bob = person("ada", daily, "publisher"), person("bob", weekly, "writer")

    answer = at_desk(ada).post(people_path(daily, bob.memberships.get(), "role"), {"role": "publisher"})

    assert answer.status_code == 404
    assert bob.memberships.get().role == "writer"


def test_long_list_is_neither_counted_nor_selected_to_its_end(
    daily: Newsletter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("newsletter.adminsite.Paginator.most", 2)
    desk = at_desk(person("ada", daily, "publisher"))
    pages = []
    for count in (2, 3):
        factories.subscription(daily, f"reader{count}@example.com")
        factories.subscription(daily, f"more{count}@example.com")
        pages.append(desk.get("/admin/subscribers/subscription/").text)

    assert ["The newest 2 subscriptions." in page for page in pages] == [False, True]
    assert 'class="question hidden"' not in pages[1]


def test_newest_reader_is_found_by_the_beginning_of_an_address(daily: Newsletter, weekly: Newsletter) -> None:
    for newsletter, names in ((daily, "anna andrew bob"), (weekly, "angela")):
        for name in names.split():
            factories.subscription(newsletter, f"{name}@example.com")
    desk = at_desk(person("ada", daily, "editor"))

    page = desk.get("/admin/subscribers/subscription/?q=an")

    found = [row.subscriber.email for row in page.context["cl"].result_list]
    assert found == ["andrew@example.com", "anna@example.com"]
