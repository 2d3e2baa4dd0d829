"""Who may do what: each member's role in one newsletter, as Django's permissions.

Writers write; editors also approve and send; publishers also look after settings and people. Permissions that were
given to a user or a group in Django's own way hold for every newsletter.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any

from django.contrib.auth.backends import BaseBackend, ModelBackend

from newsletter.models import Member, Newsletter

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
        "newsletter.view_issue",
        "newsletter.add_issue",
        "newsletter.change_issue",
        "newsletter.delete_issue",
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
    *(
        f"subscribers.{verb}_{model}"
        for verb in ("add", "change")
        for model in ("subscriber", "subscription")
    ),
    "delivery.view_mailerstate",
    "delivery.change_mailerstate",
}
PERMISSIONS = {Role.WRITER: WRITER, Role.EDITOR: EDITOR, Role.PUBLISHER: PUBLISHER}


class TeamBackend(BaseBackend):
    """Django asks it (AUTHENTICATION_BACKENDS) whenever somebody asks `user.has_perm`.

    Without an object the answer is whether they may in any newsletter; with one (a newsletter, or what belongs to one)
    whether they may in that.
    """

    def has_perm(self, user_obj: Any, perm: str, obj: Any = None) -> bool:
        if not user_obj.is_active or user_obj.is_anonymous:
            return False
        if obj is not None and ModelBackend().has_perm(user_obj, perm):
            return True  # given in Django's own way, which says nothing of objects
        return any(perm in PERMISSIONS[role] for role in _roles(user_obj, newsletter_id_of(obj)))

    def has_module_perms(self, user_obj: Any, app_label: str) -> bool:
        if not user_obj.is_active or user_obj.is_anonymous:
            return False
        held = (perm for role in _roles(user_obj, None) for perm in PERMISSIONS[role])
        return any(perm.startswith(f"{app_label}.") for perm in held)


def may(user: Any, right: str, of: Any = None) -> bool:
    """`of` is a newsletter or what belongs to one; None asks whether they may anywhere."""
    return bool(user.is_staff and user.has_perm(str(right), of))


def newsletters(user: Any, right: str = Right.SEE) -> QuerySet[Newsletter]:
    """Where they have this right."""
    every = Newsletter.objects.all()
    if user.is_superuser or ModelBackend().has_perm(user, str(right)):
        return every
    ids = [pk for pk, role in _memberships(user).items() if right in PERMISSIONS[role]]
    return every.filter(pk__in=ids)


def newsletter_id_of(obj: Any) -> int | None:
    """Of a newsletter itself, of what has one, and of what belongs to an issue."""
    if obj is None:
        return None
    if isinstance(obj, Newsletter):
        return obj.pk
    if hasattr(obj, "newsletter_id"):
        return int(obj.newsletter_id)
    return newsletter_id_of(obj.issue)


def _roles(user: Any, newsletter_id: int | None) -> list[Role]:
    roles = _memberships(user)
    if newsletter_id is None:
        return list(roles.values())
    return [roles[newsletter_id]] if newsletter_id in roles else []


def _memberships(user: Any) -> dict[int, Role]:
    """Asked for once for each request, as Django does with its own: by newsletter's key."""
    if not hasattr(user, "_memberships"):
        rows = Member.objects.filter(user_id=user.pk).values_list("newsletter_id", "role")
        user._memberships = {pk: Role(role) for pk, role in rows}
    found: dict[int, Role] = user._memberships
    return found
