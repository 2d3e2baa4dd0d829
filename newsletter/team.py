"""Who may do what: each member's role in one newsletter, as Django's permissions.

Writers write; editors also approve and send; publishers also look after settings and people. Permissions that were
given to a user or a group in Django's own way hold for every newsletter.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any

from django.contrib.auth.backends import BaseBackend, ModelBackend

from newsletter.models import Issue, Member, Newsletter

if TYPE_CHECKING:
    from django.db.models import QuerySet

Role = Member.Role


class Right(StrEnum):
    """What the desk asks for, by the name of the permission that stands for it."""

    SEE = "newsletter.view_issue"
    WRITE = "newsletter.change_issue"
    SEND = "delivery.add_dispatch"  # approve, schedule, send, pause, stop
    WATCH = "delivery.view_dispatch"
    READERS = "subscribers.view_subscription"  # see who the readers are
    SETTINGS = "newsletter.change_newsletter"
    PEOPLE = "newsletter.change_member"


WRITER = frozenset(
    {
        "newsletter.view_newsletter",
        "newsletter.view_member",
        "newsletter.view_issue",
        "newsletter.add_issue",
        "newsletter.change_issue",
        "newsletter.delete_issue",  # of their own: see _is_anothers
        "delivery.view_dispatch",
    }
)
EDITOR = WRITER | {
    "delivery.add_dispatch",
    "delivery.view_delivery",
    "subscribers.view_subscriber",
    "subscribers.view_subscription",
}
SETTINGS = ("member", "readerfield", "usualtime")
PUBLISHER = EDITOR | {
    "newsletter.change_newsletter",
    *(f"newsletter.{verb}_{model}" for verb in ("view", "add", "change", "delete") for model in SETTINGS),
    # A person is put on a list by a subscription: whoever is on none of a publisher's lists is not theirs to make.
    "subscribers.change_subscriber",
    "subscribers.add_subscription",
    "subscribers.change_subscription",
    "delivery.view_mailerstate",
    "delivery.change_mailerstate",
}
PERMISSIONS = {Role.WRITER: WRITER, Role.EDITOR: EDITOR, Role.PUBLISHER: PUBLISHER}

# By which attribute a row leads to what it belongs to.
TOWARDS_THE_NEWSLETTER = ("issue", "dispatch", "batch")


class TeamBackend(BaseBackend):
    """Django asks it (AUTHENTICATION_BACKENDS) whenever somebody asks `user.has_perm`.

    Without an object the answer is whether they may in any newsletter; with one (a newsletter, or what belongs to one)
    whether they may in that.
    """

    def has_perm(self, user_obj: Any, perm: str, obj: Any = None) -> bool:
        if not user_obj.is_active or user_obj.is_anonymous:
            return False
        if obj is None:
            return any(perm in PERMISSIONS[role] for role in _memberships(user_obj).values())
        if ModelBackend().has_perm(user_obj, perm):
            return True  # given in Django's own way, which says nothing of objects
        role = role_in(user_obj, obj)
        return role is not None and perm in PERMISSIONS[role] and not _is_anothers(user_obj, role, perm, obj)

    def has_module_perms(self, user_obj: Any, app_label: str) -> bool:
        if not user_obj.is_active or user_obj.is_anonymous:
            return False
        held = (perm for role in _memberships(user_obj).values() for perm in PERMISSIONS[role])
        return any(perm.startswith(f"{app_label}.") for perm in held)


def may(user: Any, right: str, of: Any = None) -> bool:
    """`of` is a newsletter or what belongs to one; None asks whether they may anywhere."""
    return bool(user.is_staff and user.has_perm(str(right), of))


def newsletters(user: Any, right: str = Right.SEE) -> QuerySet[Newsletter]:
    """Where they have this right."""
    ids = newsletter_ids(user, right)
    return Newsletter.objects.all() if ids is None else Newsletter.objects.filter(pk__in=ids)


def newsletter_ids(user: Any, *rights: str) -> list[int] | None:
    """Where they have one of these rights, by key; None: everywhere, so that nothing need be asked of any row."""
    names = {str(right) for right in rights}
    if not user.is_active or user.is_anonymous:
        return []
    if user.is_superuser or any(ModelBackend().has_perm(user, name) for name in names):
        return None
    return [pk for pk, role in _memberships(user).items() if not names.isdisjoint(PERMISSIONS[role])]


def role_in(user: Any, of: Any) -> Role | None:
    newsletter_id = newsletter_id_of(of)
    return None if newsletter_id is None else _memberships(user).get(newsletter_id)


def newsletter_id_of(obj: Any) -> int | None:
    """Of a newsletter itself, of what has one, and of what belongs to an issue. None: of none, or of none yet."""
    if isinstance(obj, Newsletter):
        return obj.pk
    if hasattr(obj, "newsletter_id"):
        found: int | None = obj.newsletter_id
        return found
    nearer = (getattr(obj, name, None) for name in TOWARDS_THE_NEWSLETTER if hasattr(obj, f"{name}_id"))
    return next((newsletter_id_of(parent) for parent in nearer if parent is not None), None)


def forget(user: Any) -> None:
    """Their roles were changed within this request: the next question is answered anew."""
    if hasattr(user, "_memberships"):
        del user._memberships


def _is_anothers(user: Any, role: Role, perm: str, obj: Any) -> bool:
    """A writer deletes only drafts in which the last word is their own: the others may be missed by somebody."""
    is_deletion = perm == "newsletter.delete_issue" and isinstance(obj, Issue)
    return is_deletion and role == Role.WRITER and obj.edited_by_id != user.pk


def _memberships(user: Any) -> dict[int, Role]:
    """Asked for once for each request, as Django does with its own: by newsletter's key."""
    if not hasattr(user, "_memberships"):
        rows = Member.objects.filter(user_id=user.pk).values_list("newsletter_id", "role")
        user._memberships = {pk: Role(role) for pk, role in rows}
    found: dict[int, Role] = user._memberships
    return found
