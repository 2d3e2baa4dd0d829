"""What every page of the desk has around it."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from newsletter.models import Member, Newsletter


def at_desk(newsletter: Newsletter, role: str) -> Client:
    user = User.objects.create_user("ada", is_staff=True, is_superuser=not role)
    if role:
        Member.objects.create(newsletter=newsletter, user=user, role=role)
    browser = Client()
    browser.force_login(user)
    return browser


def test_refused_at_the_desk_stays_at_the_desk_and_is_one_line_of_the_log(daily: Newsletter, caplog) -> None:
    desk = at_desk(daily, "writer")

    refused = desk.get("/admin/newsletter/newsletter/add/")

    assert refused.status_code == 403
    assert "You may not do this here" in refused.text
    assert 'class="parts"' in refused.text
    assert [(record.name, record.levelname, record.exc_info) for record in caplog.records] == [
        ("django.request", "WARNING", None)
    ]


@pytest.mark.parametrize(("role", "is_shown"), [("writer", False), ("publisher", True)])
def test_settings_are_in_the_head_of_whoever_may_change_some(
    daily: Newsletter, role: str, is_shown: bool
) -> None:
    page = at_desk(daily, role).get("/admin/").text

    assert (">Settings</a>" in page.split('class="parts"')[1].split("</nav>")[0]) == is_shown


@pytest.mark.parametrize("page", ["", "add/", "{pk}/change/", "{pk}/delete/", "{pk}/history/"])
def test_way_to_a_page_leads_through_no_list_of_models(daily: Newsletter, page: str) -> None:
    desk = at_desk(daily, "")

    shown = desk.get("/admin/newsletter/newsletter/" + page.format(pk=daily.pk)).text

    way = shown.split('<ol class="breadcrumbs">')[1].split("</ol>")[0]
    assert ("Home" in way, way.count("Newsletters"), "/admin/newsletter/" + '"' in way) == (True, 1, False)
