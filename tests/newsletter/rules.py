"""Who may open which page of the desk. A new page gets its line here; without one the matrix in test_access.py fails.

`Rule(WRITER)`: whoever is at least a writer of the newsletter that the page's address names. Where an address names
none (lists, forms for something new), a part in any newsletter will do, and the page shows what is theirs.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Who(IntEnum):
    ANYBODY = 0  # also without logging in
    STAFF = 1  # whoever may log in, without a part in any newsletter
    WRITER = 2
    EDITOR = 3
    PUBLISHER = 4
    SUPERUSER = 5
    NOBODY = 6


ANYBODY, STAFF, WRITER, EDITOR, PUBLISHER, SUPERUSER, NOBODY = Who


@dataclass(frozen=True)
class Rule:
    who: Who
    method: str = "GET"
    is_shared: bool = False  # a part in any newsletter will do, though the address names something
    query: str = ""


def _model(name: str, *, see: Who, add: Who, delete: Who, is_shared: bool = False) -> dict[str, Rule]:
    """Django's five pages of a model."""
    seen = {
        f"admin:{name}_{page}": Rule(see, is_shared=is_shared) for page in ("changelist", "change", "history")
    }
    return seen | {
        f"admin:{name}_add": Rule(add, is_shared=is_shared),
        f"admin:{name}_delete": Rule(delete, is_shared=is_shared),
    }


RULES = {
    # before and around logging in
    "admin_password_reset": Rule(ANYBODY),
    "admin_password_reset_done": Rule(ANYBODY),
    "password_reset_confirm": Rule(ANYBODY),
    "admin:login": Rule(ANYBODY),
    "admin:logout": Rule(ANYBODY, "POST"),
    "admin:index": Rule(STAFF),
    "admin:password_change": Rule(STAFF),
    "admin:password_change_done": Rule(STAFF),
    "admin:jsi18n": Rule(STAFF),
    "admin:app_list": Rule(WRITER, is_shared=True),
    "admin:autocomplete": Rule(NOBODY),  # no form of ours asks for it
    # content
    **_model("newsletter_issue", see=WRITER, add=WRITER, delete=WRITER),
    "admin:newsletter_picture_upload": Rule(WRITER, "POST"),
    "admin:newsletter_issue_autosave": Rule(WRITER, "POST"),
    "admin:newsletter_issue_presence": Rule(WRITER, "POST"),
    "admin:newsletter_issue_revisions": Rule(WRITER),
    "admin:newsletter_issue_compare": Rule(WRITER, query="?before=1&after=1"),
    "admin:newsletter_issue_revision": Rule(WRITER),
    "admin:newsletter_issue_revision_page": Rule(WRITER),
    "admin:newsletter_issue_restore": Rule(WRITER, "POST"),
    "admin:newsletter_issue_take_over": Rule(WRITER, "POST"),
    "admin:newsletter_issue_drop": Rule(WRITER, "POST"),
    "desk:check": Rule(WRITER),
    "desk:check_panel": Rule(WRITER),
    "desk:check_findings": Rule(WRITER),
    "desk:check_links": Rule(WRITER),
    "desk:check_follow": Rule(WRITER, "POST"),
    "desk:accept": Rule(WRITER, "POST"),
    "desk:preview": Rule(WRITER),
    "desk:face": Rule(WRITER),
    "desk:readers": Rule(EDITOR),
    "desk:test": Rule(WRITER),
    "desk:proofs": Rule(WRITER),
    # a newsletter, its settings and its team
    **_model("newsletter_newsletter", see=WRITER, add=SUPERUSER, delete=NOBODY),  # not with an issue in it
    "admin:newsletter_newsletter_team": Rule(WRITER),
    "admin:newsletter_newsletter_member_role": Rule(PUBLISHER, "POST"),
    "admin:newsletter_newsletter_member_remove": Rule(PUBLISHER),
    "admin:newsletter_newsletter_member_invite": Rule(PUBLISHER, "POST"),
    "desk:site_form": Rule(WRITER),
    "desk:letters": Rule(PUBLISHER),
    "desk:letter": Rule(PUBLISHER),
    "desk:letter_face": Rule(PUBLISHER),
    # sending
    "delivery:dispatch": Rule(WRITER),
    "delivery:progress": Rule(WRITER),
    "delivery:uncertain": Rule(EDITOR),
    "delivery:export": Rule(EDITOR),
    "delivery:control": Rule(EDITOR, "POST"),
    "desk:send": Rule(WRITER),  # a writer asks for it to be sent
    "desk:ask": Rule(WRITER, "POST"),
    "desk:approve": Rule(WRITER, "POST"),  # planning says to a writer, in words, who has to do that
    "desk:withdraw": Rule(WRITER, "POST"),  # as any edit would
    "desk:correct": Rule(EDITOR),
    "desk:running": Rule(STAFF),
    "desk:bursts": Rule(EDITOR),
    "desk:settle_burst": Rule(EDITOR, "POST"),
    "desk:sieges": Rule(EDITOR),
    **_model("delivery_dispatch", see=WRITER, add=NOBODY, delete=NOBODY),
    **_model("delivery_delivery", see=EDITOR, add=NOBODY, delete=NOBODY),
    **_model("delivery_batch", see=SUPERUSER, add=NOBODY, delete=NOBODY),
    **_model("delivery_attempt", see=SUPERUSER, add=NOBODY, delete=NOBODY),
    **_model("delivery_mailerstate", see=PUBLISHER, add=NOBODY, delete=NOBODY, is_shared=True),
    **_model("delivery_sendingdomain", see=SUPERUSER, add=SUPERUSER, delete=SUPERUSER),
    # people
    **_model("subscribers_subscriber", see=EDITOR, add=SUPERUSER, delete=SUPERUSER),
    "admin:subscribers_subscriber_proof": Rule(EDITOR),
    "admin:subscribers_subscriber_receipt": Rule(EDITOR),
    **_model("subscribers_subscription", see=EDITOR, add=PUBLISHER, delete=NOBODY),
    **_model("subscribers_suppression", see=SUPERUSER, add=SUPERUSER, delete=SUPERUSER),
    **_model("auth_user", see=SUPERUSER, add=SUPERUSER, delete=SUPERUSER),
    "admin:auth_user_password_change": Rule(SUPERUSER),
    **_model("auth_group", see=SUPERUSER, add=SUPERUSER, delete=SUPERUSER),
}
