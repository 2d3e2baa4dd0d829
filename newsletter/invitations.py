"""The mails that go to the people of a team: what they were made, and a link by which to choose a password."""

from __future__ import annotations

from datetime import timedelta
from email.utils import make_msgid
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.contrib.auth.tokens import default_token_generator
from django.contrib.contenttypes.models import ContentType
from django.core.mail import EmailMultiAlternatives
from django.db.models import Q
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from newsletter.locale import spoken_by
from newsletter.models import Member, Newsletter
from newsletter.site import absolute_url, mail_domain

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django.db.models import QuerySet

# To one person, whoever asked for them: nobody's mailbox is to be filled by a form on our log-in page.
MOST_AN_HOUR = 4
# By one person: each may be an account for somebody new.
MOST_INVITATIONS_AN_HOUR = 20
NOTE = "Was mailed a link by which to choose a password."
INVITED = "Was invited by mail."


def tell(member: Member, *, by: User) -> None:
    """What they are now, and where; new ones get the link to choose a password. Raises what the mailer raises.

    Counted before: whom no mailer reaches was invited all the same.
    """
    _note(member.user, INVITED, by=by)
    newsletter = member.newsletter
    is_new = not member.user.has_usable_password()
    with spoken_by(newsletter):
        context = {
            "newsletter": newsletter,
            "role": member.get_role_display(),
            "by": by.get_full_name() or by.get_username(),
            "is_new": is_new,
            "username": member.user.get_username(),
            "link": password_link(member.user) if is_new else absolute_url(reverse("admin:index")),
            "days": settings.PASSWORD_RESET_TIMEOUT // 86400,
        }
        message = _message("invitation", context, sender=newsletter.sender, to=address(member.user))
        message.attach_alternative(render_to_string("newsletter/email/invitation.html", context), "text/html")
    message.send(using="default")


def send_password_link(user: User) -> bool:
    """To somebody who says they forgot it. False when they were mailed so many that this one would be a nuisance."""
    if was_mailed_enough(user):
        return False
    context = {
        "link": password_link(user),
        "username": user.get_username(),
        "days": settings.PASSWORD_RESET_TIMEOUT // 86400,
        "site": mail_domain(),
    }
    _message("password", context, sender=_sender(user), to=address(user)).send(using="default")
    _note(user, NOTE, by=user)
    return True


def may_choose_password(email: str) -> QuerySet[User]:
    """Whose account goes by this address, and may be entered: also those who were invited and have not come yet."""
    users: QuerySet[User] = get_user_model().objects.all()
    named = Q(email__iexact=email) | Q(email="", username__iexact=email)
    has_none = Q(password__startswith=UNUSABLE_PASSWORD_PREFIX)
    found = users.filter(named, is_active=True, is_staff=True)
    return found.exclude(has_none, memberships__isnull=True).distinct()


def was_mailed_enough(user: User) -> bool:
    return _notes(NOTE, INVITED).filter(object_id=str(user.pk)).count() >= MOST_AN_HOUR


def has_invited_enough(user: User) -> bool:
    return _notes(INVITED).filter(user=user).count() >= MOST_INVITATIONS_AN_HOUR


def password_link(user: User) -> str:
    """Works once, and for as long as PASSWORD_RESET_TIMEOUT says."""
    uid = urlsafe_base64_encode(force_bytes(user.pk))
    token = default_token_generator.make_token(user)
    return absolute_url(reverse("password_reset_confirm", args=[uid, token]))


def address(user: User) -> str:
    return user.email or user.get_username()


def _notes(*words: str) -> QuerySet[LogEntry]:
    """Of this hour."""
    accounts = ContentType.objects.get_for_model(get_user_model())
    found = LogEntry.objects.filter(content_type=accounts, change_message__in=words)
    return found.filter(action_time__gt=timezone.now() - timedelta(hours=1))


def _note(user: User, words: str, *, by: User) -> None:
    """In the account's history, where a superuser finds it; and it is what the limits count."""
    LogEntry.objects.log_actions(by.pk, [user], CHANGE, words, single_object=True)


def _sender(user: User) -> str:
    """A newsletter's own sender: of that address we know that mail can go out by it."""
    theirs = Newsletter.objects.filter(members__user=user).first() or Newsletter.objects.first()
    return theirs.sender if theirs else settings.DEFAULT_FROM_EMAIL


def _message(kind: str, context: dict[str, Any], *, sender: str, to: str) -> EmailMultiAlternatives:
    subject, text = (
        render_to_string(f"newsletter/email/{kind}.{ending}", context) for ending in ("subject.txt", "txt")
    )
    return EmailMultiAlternatives(
        subject=" ".join(subject.split()),
        body=text,
        from_email=sender,
        to=[to],
        headers={  # RFC 3834 5, as for a reader's mail
            "Auto-Submitted": "auto-generated",
            "X-Auto-Response-Suppress": "OOF, AutoReply",
            "Message-ID": make_msgid(domain=mail_domain()),
        },
    )
