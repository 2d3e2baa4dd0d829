"""Bursts at the desk: who sees them, and what the two buttons do."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from newsletter.models import Member, Newsletter
from subscribers import bursts, lifecycle, tasks
from subscribers.consent import Circumstances, Method
from subscribers.models import Burst, Subscription
from tests import factories


@pytest.fixture
def burst(daily: Newsletter) -> Burst:
    for number in range(12):
        reader = factories.subscription(daily, f"reader{number}@example.com")
        how = Circumstances(Method.LINK, "198.51.100.0/24", "Scanner/1.0", details={"seconds": 2 + number})
        lifecycle.unsubscribe(reader, circumstances=how)
    bursts.look(now=timezone.now())
    return Burst.objects.get()


@pytest.fixture
def editor(daily: Newsletter, client: Client) -> User:
    found = User.objects.create_user("edith", is_staff=True)
    Member.objects.create(newsletter=daily, user=found, role="editor")
    client.force_login(found)
    return found


def active() -> int:
    return Subscription.objects.filter(status="active").count()


def test_editor_sees_it_at_home_and_brings_them_back(burst: Burst, editor: User, client: Client) -> None:
    home = client.get("/admin/").text
    page = client.get("/admin/desk/bursts/").text
    path = f"/admin/desk/bursts/{burst.pk}/bring_back/"

    told = [client.post(path, follow=True).text for _ in range(2)]

    assert "12 readers left from the network" in home
    for words in (
        "12 readers left",
        "Scanner/1.0",
        "2 s at the soonest, 7 s typically",
        "reader3@example.com",
    ):
        assert words in page
    assert "Bring these 12 readers back" in page
    assert ["12 readers are back." in text for text in told] == [True, False]
    assert "Nobody was left to bring back." in told[1]
    assert "Nothing waits for a decision." in told[1]
    assert (active(), "left from the network" in client.get("/admin/").text) == (12, False)


def test_editor_lets_them_go(burst: Burst, editor: User, client: Client) -> None:
    path = f"/admin/desk/bursts/{burst.pk}/dismiss/"

    told = [client.post(path, follow=True).text for _ in range(2)]

    assert ["They stay unsubscribed." in text for text in told] == [True, False]
    assert "This was decided already." in told[1]
    assert active() == 0


def test_writer_sees_nothing_of_it(burst: Burst, client: Client) -> None:
    writer = User.objects.create_user("wanda", is_staff=True)
    Member.objects.create(newsletter=burst.newsletter, user=writer, role="writer")
    client.force_login(writer)

    answers = [client.get("/admin/desk/bursts/"), client.post(f"/admin/desk/bursts/{burst.pk}/dismiss/")]

    assert [answer.status_code for answer in answers] == [403, 403]
    assert "left from the network" not in client.get("/admin/").text
    assert Burst.objects.get().state == "open"


def test_only_these_two_things_can_be_decided(burst: Burst, editor: User, client: Client) -> None:
    paths = [f"/admin/desk/bursts/{burst.pk}/{verb}/" for verb in ("erase", "dismiss")]

    assert client.post(paths[0]).status_code == 404
    assert client.get(paths[1]).status_code == 405
    assert client.post(f"/admin/desk/bursts/{burst.pk + 1}/dismiss/").status_code == 404
    assert Burst.objects.get().state == "open"


@pytest.mark.parametrize("count", [1, 3])
def test_page_asks_the_same_number_of_questions_of_each_burst(
    daily: Newsletter, editor: User, client: Client, django_assert_max_num_queries, count: int
) -> None:
    now = timezone.now()
    for number in range(count):
        began = now - timedelta(hours=number)
        Burst.objects.create(
            newsletter=daily, network="192.0.2.0/24", began_at=began, ended_at=began, readers=10
        )

    with django_assert_max_num_queries(10 + 3 * count):
        client.get("/admin/desk/bursts/")


def test_readers_who_are_back_are_counted_at_once(
    burst: Burst, editor: User, client: Client, daily: Newsletter
) -> None:
    client.post(f"/admin/desk/bursts/{burst.pk}/bring_back/")

    daily.refresh_from_db()
    assert daily.active_readers == 12
    assert daily.days.latest("day").active == 12


def test_millions_are_counted_by_a_worker_once_all_are_back(
    burst: Burst,
    editor: User,
    client: Client,
    daily: Newsletter,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks,
) -> None:
    Newsletter.objects.update(active_readers=3_000_000)
    monkeypatch.setattr(bursts, "BROUGHT_AT_ONCE", 7)
    told: list[int] = []
    monkeypatch.setattr(tasks.recount, "apply_async", lambda args, *_, **__: told.extend(args))
    after = []
    for _ in range(2):
        with django_capture_on_commit_callbacks(execute=True):
            client.post(f"/admin/desk/bursts/{burst.pk}/bring_back/")
        after.append(list(told))

    tasks.recount(daily.pk)

    daily.refresh_from_db()
    assert (after, daily.active_readers) == ([[], [daily.pk]], 12)
