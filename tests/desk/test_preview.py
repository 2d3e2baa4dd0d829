"""Each face of an issue as its readers will see it: saved or not, for anybody or for one of them."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from lxml import html
from pytest_django import DjangoAssertNumQueries

from delivery.models import Dispatch
from newsletter.models import Issue, Member, Newsletter, Picture, ReaderField
from subscribers.models import Subscription
from tests import factories
from tests.delivery.digesting import look, out, weekly_of
from tests.delivery.people import editor, helper

FACES = ["web", "mail", "phone", "dark", "text"]
NAMED = '<p>Dear <span class="field" data-field="first_name" data-fallback="friend">friend</span>,</p>'


def face(issue: Issue, name: str, **query: object) -> str:
    return reverse("desk:face", args=[issue.pk, name], query=query)


def member(issue: Issue, role: str) -> Client:
    user = User.objects.create_user(role, password="courant", is_staff=True)
    Member.objects.create(user=user, newsletter=issue.newsletter, role=role)
    browser = Client()
    browser.force_login(user)
    return browser


@pytest.fixture
def zoe(draft: Issue) -> Subscription:
    draft.body = NAMED
    draft.save(update_fields=["body"])
    reader = factories.subscription(draft.newsletter, "zoe@example.com")
    reader.subscriber.first_name = "Zoë <3"
    reader.subscriber.save(update_fields=["first_name"])
    return reader


@pytest.mark.parametrize("name", FACES)
def test_face_shows_what_is_saved(draft: Issue, name: str) -> None:
    answer = editor().get(face(draft, name))

    assert answer.status_code == 200
    assert "The tide keeps its own clock" in answer.text
    assert "high at nine" in answer.text


@pytest.mark.parametrize("name", FACES)
def test_face_shows_what_stands_in_the_form_and_saves_nothing(draft: Issue, name: str) -> None:
    form = {"subject": "Unsaved & new", "preheader": "Soon", "authors": "Bo", "body": "<p>Not yet kept</p>"}

    answer = editor().post(
        face(draft, name), form | {"slug": "unsaved", "cover": "", "visibility": "readers"}
    )

    assert "Unsaved" in answer.text
    assert "Not yet kept" in answer.text
    assert "high at nine" not in answer.text
    assert Issue.objects.get().subject == "The tide keeps its own clock"


@pytest.mark.parametrize(
    ("named", "is_shown"), [("{digest}", True), ("{pk}", False), ("9" * 5000, False), ("\0", False)]
)
def test_face_shows_only_a_cover_that_one_was_shown_before(draft: Issue, named: str, is_shown: bool) -> None:
    picture = Picture.objects.create(digest="ab" * 16, format="jpg", width=12, height=6, data=b"x")
    cover = named.replace("{digest}", picture.digest).replace("{pk}", str(picture.pk))

    answer = editor().post(face(draft, "web"), {"slug": "tides", "cover": cover})

    assert (answer.status_code, picture.get_absolute_url() in answer.text) == (200, is_shown)


@pytest.mark.parametrize("name", FACES)
def test_face_of_an_invalid_form_is_shown_as_far_as_it_goes(draft: Issue, name: str) -> None:
    form = {"subject": "x" * 600, "slug": "no slug!", "cover": "nonsense", "body": "<p>Still <b>here"}

    answer = editor().post(face(draft, name), form)

    assert answer.status_code == 200
    assert "x" * 60 in re.sub(r"\s", "", answer.text)
    assert "here" in answer.text


@pytest.mark.parametrize("name", FACES)
def test_face_runs_nothing(draft: Issue, name: str) -> None:
    hostile = '<script>alert(1)</script><p onclick="x()">Hi</p><a href="javascript:x()">y</a>'
    hostile += '<iframe src="/"></iframe>'

    answer = editor().post(face(draft, name), {"body": hostile, "subject": "<script>alert(2)</script>"})

    root = html.document_fromstring(answer.text)
    assert (
        root.xpath("//script | //iframe | //@*[starts-with(name(), 'on')] | //@href[contains(., 'script:')]")
        == []
    )
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith(
        "sandbox allow-same-origin allow-popups allow-popups-to-escape-sandbox; default-src 'none';"
    )
    assert "script" not in policy
    assert answer.headers["X-Frame-Options"] == "SAMEORIGIN"
    assert answer.headers["Cache-Control"] == "no-store, private"
    assert answer.headers["Referrer-Policy"] == "no-referrer"


def test_only_a_face_may_be_framed(draft: Issue) -> None:
    page = editor().get(reverse("desk:preview", args=[draft.pk]))

    assert page.headers["X-Frame-Options"] == "DENY"
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]


def test_dark_is_dark_and_mail_is_light_whatever_the_editors_system_shows(draft: Issue) -> None:
    browser = editor()

    dark, light = browser.get(face(draft, "dark")).text, browser.get(face(draft, "mail")).text

    assert "prefers-color-scheme" not in dark + light
    assert "@media (min-width:0)" in dark
    assert "@media (max-width:0)" in light
    assert re.findall(r'name="color-scheme" content="([a-z ]+)"', dark + light) == ["dark", "light"]


def test_an_article_about_dark_mode_keeps_its_words(draft: Issue) -> None:
    words = "<p>Write @media (prefers-color-scheme: dark) and color-scheme: light dark.</p>"

    answer = editor().post(face(draft, "dark"), {"body": words})

    assert "@media (prefers-color-scheme: dark) and color-scheme: light dark." in answer.text


def test_face_bears_the_date_that_it_would_go_out_on(draft: Issue) -> None:
    text = editor().get(face(draft, "text")).text

    assert re.search(r"The Daily\n\w+, \d+ \w+ 20\d\d\n", text)


def test_links_of_a_reader_are_nobodys(zoe: Subscription, draft: Issue) -> None:
    browser = editor()

    mail = browser.get(face(draft, "mail", reader=zoe.pk)).text
    [link] = re.findall(r"/s/unsubscribe/[^\"]+", mail)
    Client().post(link, {"List-Unsubscribe": "One-Click"})

    zoe.refresh_from_db()
    assert zoe.status == Subscription.Status.ACTIVE
    assert "Nobody was unsubscribed" in Client().get(link).text


def test_face_says_what_a_reader_would_read(zoe: Subscription, draft: Issue) -> None:
    browser = editor()

    assert "Dear Zoë &lt;3," in browser.get(face(draft, "mail", reader=zoe.pk)).text
    assert "Dear Zoë &lt;3," in browser.post(face(draft, "text", reader=zoe.pk), {"body": NAMED}).text
    assert "Dear friend," in browser.get(face(draft, "mail")).text
    assert "Dear friend," in browser.get(face(draft, "web", reader=zoe.pk)).text


@pytest.mark.parametrize("body", ["<p>x</p>" * 280_000, "&" * 500_000])
def test_a_text_that_is_too_long_is_not_looked_at(draft: Issue, body: str) -> None:
    answer = editor().post(face(draft, "web"), {"body": body})

    assert answer.status_code == 413
    assert "too long" in answer.text
    assert answer.headers["Content-Security-Policy"].startswith("sandbox")


def test_who_may_not_see_readers_is_shown_none(zoe: Subscription, draft: Issue) -> None:
    writer = member(draft, Member.Role.WRITER)

    assert writer.get(face(draft, "mail")).status_code == 200
    assert writer.get(face(draft, "mail", reader=zoe.pk)).status_code == 403
    assert writer.get(reverse("desk:readers", args=[draft.pk], query={"q": "z"})).status_code == 403
    assert "begins with" not in writer.get(reverse("desk:preview", args=[draft.pk])).text


def test_another_newsletters_team_sees_nothing(draft: Issue) -> None:
    other = factories.issue(factories.newsletter("weekly"), slug="other")
    stranger = member(other, Member.Role.PUBLISHER)

    assert stranger.get(face(draft, "web")).status_code == 403
    assert stranger.get(reverse("desk:preview", args=[draft.pk])).status_code == 403
    assert stranger.get(reverse("desk:readers", args=[draft.pk])).status_code == 403


def test_another_newsletters_reader_cannot_be_chosen(draft: Issue) -> None:
    stranger = factories.subscription(factories.newsletter("weekly"), "eve@example.com")

    assert editor().get(face(draft, "mail", reader=stranger.pk)).status_code == 404


def test_who_sits_at_no_desk_is_asked_to_log_in(draft: Issue) -> None:
    helper(name="idle")

    assert Client().get(face(draft, "web")).status_code == 302
    assert Client().post(face(draft, "web")).status_code == 302


def test_readers_are_found_by_the_beginning_of_their_address(
    draft: Issue, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    ReaderField.objects.create(newsletter=draft.newsletter, name="town", label="Town")
    factories.subscription(draft.newsletter, "ann@example.com", fields={"town": "Ystad", "gone": "x"})
    factories.subscription(draft.newsletter, "anna_b@example.com")
    factories.subscription(draft.newsletter, "annie@example.com", status="unsubscribed")
    factories.subscription(draft.newsletter, "joanna@example.com")
    factories.subscription(factories.newsletter("weekly"), "annette@example.com")
    browser = editor()

    with django_assert_num_queries(5):  # session, user, issue, labels, readers
        found = browser.get(reverse("desk:readers", args=[draft.pk], query={"q": " ANN"})).json()["readers"]

    assert [(each["address"], each["known"]) for each in found] == [
        ("ann@example.com", "Town: Ystad"),
        ("anna_b@example.com", ""),
    ]


@pytest.mark.parametrize("q", ["%", "_nn", "ann%", "\\", "'"])
def test_wildcards_are_letters(draft: Issue, q: str) -> None:
    factories.subscription(draft.newsletter, "ann@example.com")

    assert editor().get(reverse("desk:readers", args=[draft.pk], query={"q": q})).json() == {"readers": []}


def test_page_without_script_finds_and_shows_a_reader(zoe: Subscription, draft: Issue) -> None:
    browser = editor()
    page = reverse("desk:preview", args=[draft.pk])

    found = browser.get(page, {"q": "zo", "face": "mail"}).text
    chosen = browser.get(page, {"reader": zoe.pk, "face": "mail"}).text

    assert f'href="?face=mail&amp;reader={zoe.pk}"' in found
    assert "As <strong>zoe@example.com</strong> gets it." in chosen
    assert f'src="{face(draft, "mail", reader=zoe.pk)}"' in chosen


@pytest.mark.parametrize("name", FACES)
@pytest.mark.parametrize("number", ["9" * 30, "9" * 5000])
def test_cover_that_cannot_be_one_is_none(draft: Issue, name: str, number: str) -> None:
    assert editor().post(face(draft, name), {"cover": number, "slug": "tides"}).status_code == 200


def test_what_no_database_looks_for_is_left_out(zoe: Subscription, draft: Issue) -> None:
    browser, odd = editor(), {"q": "zo\0e"}

    found = browser.get(reverse("desk:readers", args=[draft.pk]), odd).json()["readers"]
    page = browser.get(reverse("desk:preview", args=[draft.pk]), odd)
    faces = [
        browser.post(face(draft, name), dict.fromkeys(("tags", "authors", "body"), "\0")) for name in FACES
    ]

    assert [each["address"] for each in found] == ["zoe@example.com"]
    assert "zoe@example.com" in page.text
    assert [answer.status_code for answer in faces] == [200] * len(FACES)


def test_form_has_the_pane_beside_it(draft: Issue) -> None:
    form = reverse("admin:newsletter_issue_change", args=[draft.pk])

    for_editor, for_writer = editor().get(form).text, member(draft, Member.Role.WRITER).get(form).text

    assert f'data-preview="{face(draft, "web")}"' in for_editor
    assert f'data-preview="{face(draft, "web")}"' in for_writer
    assert ("data-readers" in for_editor, "data-readers" in for_writer) == (True, False)


def test_faces_cost_few_queries(draft: Issue, django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    browser = editor()
    for name in FACES:
        with django_assert_max_num_queries(6):
            browser.post(face(draft, name), {"body": "<p>Hello</p>"})


def test_web_face_of_a_digest_leads_to_pages_for_readers_as_its_mail_does(daily: Newsletter) -> None:
    weekly = weekly_of(daily)
    tides = out(weekly, "tides", days=2, visibility="readers")
    Dispatch.objects.create(issue=tides, mailer="bulk", batch_size=10, started_at=timezone.now())
    digest = look()
    assert digest is not None

    browser = editor()
    pages = {name: browser.get(face(digest, name)).text for name in FACES}
    found = {name: set(re.findall(r"/s/read/[^/]+/", page)) for name, page in pages.items()}
    nobodys = found["web"] & found["mail"] & found["text"]

    assert (len(found["web"]), len(nobodys)) == (1, 1)
    assert "/daily/tides/" not in pages["web"]
    assert Client().get(nobodys.pop()).status_code == 200
