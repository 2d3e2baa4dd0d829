"""Whether anybody hears that an issue waits for an approval."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission, User

from delivery import notices
from delivery.models import Plan
from newsletter.models import Issue, Member, Newsletter


@pytest.fixture
def plan(draft: Issue) -> Plan:
    """Asked for by edda, who is alone; somebody else has to approve it."""
    Newsletter.objects.update(needs_second_person=True)
    draft.newsletter.refresh_from_db()
    return Plan(issue=draft, asked_by=person("edda", draft.newsletter))


def person(name: str, newsletter: Newsletter, *, email: str = "", role: str = "editor") -> User:
    user = User.objects.create_user(name, email, is_staff=True)
    Member.objects.create(newsletter=newsletter, user=user, role=role)
    return user


def test_nobody_who_may_approve_is_said_with_what_to_do(plan: Plan) -> None:
    person("wim", plan.issue.newsletter, email="wim@daily.example", role="writer")

    words = notices.silence(plan)

    assert words == (
        "At present nobody else may approve it, so nobody is told. A publisher of The Daily has to take another "
        "editor into its team, who finds it on their first page."
    )


def test_approvers_without_an_address_are_named(plan: Plan) -> None:
    person("eddie", plan.issue.newsletter)

    words = notices.silence(plan)

    assert words == "No mail address is known of those who may approve it, so tell them yourself: eddie."


def test_whoever_may_send_by_a_right_of_their_own_is_told_where_the_team_has_nobody(plan: Plan) -> None:
    ruth = User.objects.create_user("ruth", "ruth@daily.example", is_staff=True)
    ruth.user_permissions.set(Permission.objects.filter(codename="add_dispatch"))

    found = notices.approvers(plan), notices.silence(plan)

    assert found == ([ruth], "")
