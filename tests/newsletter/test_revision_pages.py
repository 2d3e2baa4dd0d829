from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import User
from django.test import Client
from lxml import html

from newsletter import publishing, revisions
from newsletter.models import Issue, Member, Revision
from tests import factories

NASTY = '"><script>alert(1)</script>'


@pytest.fixture
def ada(db: None) -> User:
    return User.objects.create_superuser("ada", first_name="Ada")


@pytest.fixture
def desk(ada: User, client: Client) -> Client:
    client.force_login(ada)
    return client


def at(issue: Issue, rest: str = "") -> str:
    return f"/admin/newsletter/issue/{issue.pk}/revisions/{rest}"


def choice(issue: Issue, verb: str) -> str:
    return f"/admin/newsletter/issue/{issue.pk}/kept/{verb}/"


def chosen(issue: Issue, kept: Revision) -> dict[str, str]:
    """What the page sends that offered this text."""
    return {"kept": str(kept.number), "version": issue.updated_at.isoformat()}


def test_list_says_who_what_and_how_much(draft: Issue, ada: User, desk: Client) -> None:
    revisions.save(draft, by=ada, changes={"body": draft.body.replace("Good morning.", "Good evening, all.")})

    page = desk.get(at(draft)).text

    assert "<ins>+2</ins>" in page
    assert "<del>−1</del>" in page
    assert "Ada" in page


@pytest.mark.parametrize("number", ["9" * 5000, "9" * 30, "0"])
def test_number_of_no_row_leads_nowhere(draft: Issue, ada: User, desk: Client, number: str) -> None:
    revisions.save(draft, by=ada, changes={"subject": "Ebb"})

    compared = desk.get(at(draft, f"compare/?before={number}&after=1"))
    dropped = desk.post(choice(draft, "drop"), {"kept": number})
    saved = desk.post(f"/admin/newsletter/issue/{number}/change/", {"subject": "Tides"})

    assert (compared.status_code, dropped.status_code, saved.status_code) == (404, 302, 200)


def test_list_of_an_issue_without_any_says_so(draft: Issue, desk: Client) -> None:
    assert "There are none yet" in desk.get(at(draft)).text


def test_two_revisions_are_compared_and_everything_is_escaped(draft: Issue, ada: User, desk: Client) -> None:
    revisions.save(draft, by=ada, changes={"subject": NASTY})

    page = desk.get(at(draft, "compare/?before=2&after=1")).text

    assert "<script>alert" not in page
    assert "&lt;script&gt;" in page or "&lt;</ins>" in page
    assert [desk.get(at(draft, f"compare/?{query}")).status_code for query in ("", "before=1&after=9")] == [
        404,
        404,
    ]


def test_formatting_alone_is_no_difference_in_words(draft: Issue, ada: User, desk: Client) -> None:
    revisions.save(draft, by=ada, changes={"body": draft.body.replace("Good", "<em>Good</em>")})

    page = desk.get(at(draft, "compare/?before=1&after=2")).text

    assert "only their formatting differs" in page


def test_revision_is_shown_in_a_frame_that_runs_nothing(draft: Issue, ada: User, desk: Client) -> None:
    revisions.save(draft, by=ada, changes={"body": "<p>Now</p>"})

    whole = desk.get(at(draft, "1/"))
    frame = desk.get(at(draft, "1/page/"))

    assert f'src="{at(draft, "1/page/")}" sandbox=""' in whole.text
    assert "high at nine" in frame.text
    assert frame.headers["Content-Security-Policy"].startswith("sandbox; default-src 'none';")


def test_restoring_is_one_press_and_says_so(draft: Issue, ada: User, desk: Client) -> None:
    was = draft.subject
    revisions.save(draft, by=ada, changes={"subject": "Ebb"})

    looked = desk.get(at(draft, "1/restore/")).status_code
    page = desk.post(at(draft, "1/restore/"), version(draft), follow=True).text
    again = desk.post(at(draft, "1/restore/"), version(draft), follow=True).text

    draft.refresh_from_db()
    assert (looked, draft.subject) == (405, was)
    assert "Revision 1 is what the issue says again." in page
    assert "The issue says that already." in again


def version(issue: Issue) -> dict[str, str]:
    """What a page sends that was opened now."""
    issue.refresh_from_db()
    return {"version": issue.updated_at.isoformat()}


def test_restoring_over_what_was_saved_meanwhile_asks_to_compare_once_more(
    draft: Issue, ada: User, desk: Client
) -> None:
    revisions.save(draft, by=ada, changes={"subject": "Ebb"})
    page = html.fromstring(desk.get(at(draft, "1/")).text)
    compared = {"version": page.xpath("//form//input[@name='version']/@value")[0]}
    revisions.save(draft, by=ada, changes={"subject": "Flood"})

    told = desk.post(at(draft, "1/restore/"), compared, follow=True)

    draft.refresh_from_db()
    assert (told.redirect_chain[0][0], draft.subject) == (at(draft, "1/"), "Flood")
    assert "saved meanwhile" in told.text


def test_kept_text_is_offered_compared_and_taken_over(draft: Issue, ada: User, desk: Client) -> None:
    publishing.publish(draft)
    kept = revisions.keep(draft, by=ada, changes={"subject": "Corrected"})
    change = f"/admin/newsletter/issue/{draft.pk}/change/"

    offered = desk.get(change).text
    taken = desk.post(choice(draft, "take"), chosen(draft, kept), follow=True).text

    draft.refresh_from_db()
    assert "that is not in the issue" in offered
    assert draft.subject == "Corrected"
    assert "Your text is what the issue says now." in taken
    assert "mails that went out stay as they are" in taken
    assert "that is not in the issue" not in taken


def test_text_that_was_offered_is_taken_and_not_what_was_written_since(
    draft: Issue, ada: User, desk: Client
) -> None:
    publishing.publish(draft)
    offered = revisions.keep(draft, by=ada, changes={"subject": "Offered"})
    revisions.keep(draft, by=ada, changes={"subject": "Written since"})

    desk.post(choice(draft, "drop"), chosen(draft, offered))
    still_kept = revisions.kept(draft, by=ada)
    desk.post(choice(draft, "take"), chosen(draft, offered))

    draft.refresh_from_db()
    assert still_kept
    assert still_kept.content["subject"] == "Written since"
    assert draft.subject == "Offered"


def test_kept_text_goes_over_nothing_that_nobody_compared_it_with(
    draft: Issue, ada: User, desk: Client
) -> None:
    publishing.publish(draft)
    kept = revisions.keep(draft, by=ada, changes={"subject": "Mine"})
    form = chosen(draft, kept)
    revisions.save(draft, by=None, changes={"preheader": "Theirs"})

    page = desk.post(choice(draft, "take"), form, follow=True).text

    draft.refresh_from_db()
    assert (draft.subject == "Mine", draft.preheader) == (False, "Theirs")
    assert "Somebody else saved this issue meanwhile." in page
    assert "that is not in the issue" in page


def test_first_button_of_a_form_with_a_choice_is_save(draft: Issue, ada: User, desk: Client) -> None:
    publishing.publish(draft)
    revisions.keep(draft, by=ada, changes={"subject": "Corrected"})

    page = html.fromstring(desk.get(f"/admin/newsletter/issue/{draft.pk}/change/").text)

    first = page.xpath("//form[@id='issue_form']//*[@type='submit']")[0]
    assert (first.get("name"), first.get("formaction")) == ("_save", None)


def test_text_that_was_dropped_can_be_restored(draft: Issue, ada: User, desk: Client) -> None:
    kept = revisions.keep(draft, by=ada, changes={"subject": "Thrown away too soon"})
    desk.post(choice(draft, "drop"), chosen(draft, kept))

    desk.post(at(draft, f"{kept.number}/restore/"), version(draft))

    draft.refresh_from_db()
    assert draft.subject == "Thrown away too soon"


def test_saving_a_scheduled_issue_says_what_became_of_the_schedule(
    draft: Issue, ada: User, desk: Client
) -> None:
    revisions.save(draft, by=ada, changes={"subject": "Ebb"})
    publishing.schedule(draft, at=datetime(2030, 1, 1, tzinfo=UTC))

    page = desk.post(at(draft, "1/restore/"), version(draft), follow=True).text

    draft.refresh_from_db()
    assert draft.status == "draft"
    assert "schedule" in page.partition("messagelist")[2].partition("</ul>")[0]


def test_history_is_for_those_who_may_see_and_change_the_issue(
    draft: Issue, ada: User, client: Client
) -> None:
    revisions.save(draft, by=ada, changes={"subject": "Ebb"})
    writer, other = (User.objects.create_user(name, is_staff=True) for name in ("writer", "other"))
    Member.objects.create(user=writer, newsletter=draft.newsletter, role="writer")
    Member.objects.create(user=other, newsletter=factories.newsletter("weekly"), role="publisher")
    pages = ("", "1/", "1/page/", "compare/?before=1&after=2")

    codes = []
    for user in (writer, other):
        client.force_login(user)
        codes.append([client.get(at(draft, page)).status_code for page in pages])
        codes.append([client.post(at(draft, "1/restore/")).status_code])

    assert codes == [[200] * 4, [302], [404] * 4, [404]]
