"""Who is in a newsletter's team: coming, changing roles, leaving. A newsletter that has a publisher keeps one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.auth import get_user_model
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from newsletter.models import Member, Newsletter

if TYPE_CHECKING:
    from django.contrib.auth.models import User

Role = Member.Role


class Refused(Exception):
    """Cannot be done; the message says to whoever asked what to do instead."""


def add(newsletter: Newsletter, *, email: str, role: str) -> Member:
    """Whoever has an account by this address is a member at once; to the others one is given, without a password.

    The answer is the same in both cases, so that it tells nobody who else works here. Raises Refused.
    """
    email = email.strip().lower()
    with transaction.atomic():
        user = _account(email)
        member, is_new = Member.objects.get_or_create(
            newsletter=newsletter, user=user, defaults={"role": role}
        )
    if not is_new:
        raise Refused(
            _("This team has %(email)s already. The role is changed in the list.") % {"email": email}
        )
    return member


def change_role(member: Member, *, role: str) -> bool:
    """False when it was that already. Raises Refused for the last publisher."""
    with transaction.atomic():
        if role != Role.PUBLISHER:
            _keep_a_publisher(member)
        rows = Member.objects.select_for_update(of=("self",))
        stored = rows.filter(pk=member.pk).exclude(role=role).first()
        if stored is None:
            return False
        stored.role = role
        stored.save(update_fields=["role"])  # and not by an UPDATE alone: what they approved may end with it
        return True


def remove(member: Member) -> bool:
    """False when they had left already. Account and words stay. Raises Refused for the last publisher."""
    with transaction.atomic():
        _keep_a_publisher(member)
        return Member.objects.filter(pk=member.pk).delete()[0] == 1


def _account(email: str) -> User:
    found = _found(email) or _made(email)
    if not (found.is_active and found.is_staff):
        raise Refused(
            _("The account of %(email)s is closed. Please ask whoever runs this site.") % {"email": email}
        )
    return found


def _found(email: str) -> User | None:
    users = get_user_model().objects
    return (
        users.filter(username__iexact=email).first()
        or users.filter(email__iexact=email).order_by("pk").first()
    )


def _made(email: str) -> User:
    """Without a password: it cannot be used to log in. Of two who ask at once, the second finds what the first made."""
    users = get_user_model().objects
    try:
        with transaction.atomic():
            return users.create_user(email, email, is_staff=True)
    except IntegrityError:
        return users.get(username=email)


def _keep_a_publisher(member: Member) -> None:
    """The newsletter's row is locked: of two publishers who let each other go at once, the second sees the first."""
    Newsletter.objects.select_for_update(no_key=True).filter(pk=member.newsletter_id).first()
    publishers = Member.objects.filter(newsletter=member.newsletter_id, role=Role.PUBLISHER)
    if [pk for (pk,) in publishers.values_list("pk")] == [member.pk]:
        raise Refused(_("A newsletter needs a publisher. Make somebody else publisher first."))
