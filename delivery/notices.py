"""Who is told of a plan by mail: whoever may approve it, that it is asked for; whoever asked, what became of it.

What is to be told stands in the plan itself, so a mail that cannot go out now, or a worker that dies with it, costs
time and not the mail. Told once, unless a worker dies between the mailer's yes and our note of it.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from email.utils import make_msgid
from typing import TYPE_CHECKING

from django.contrib.auth.models import User
from django.core.mail import EmailMessage
from django.db.models import Q
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from delivery import planning
from delivery.models import Plan
from newsletter import team
from newsletter.locale import spoken_by
from newsletter.models import Member
from newsletter.site import absolute_url, mail_domain

if TYPE_CHECKING:
    from datetime import datetime

logger = logging.getLogger(__name__)

News = Plan.News
LEASE = timedelta(minutes=10)  # longer than any mailer takes; whoever died with it is followed by another
AT_ONCE = 50
# An approval that nobody could be told of for so long is not news any more.
GIVE_UP_AFTER = timedelta(days=1)
MODEL_BACKEND = "django.contrib.auth.backends.ModelBackend"  # rights that hold for every newsletter


def due() -> list[int]:
    """Plans of which somebody is to be told, by number."""
    return list(Plan.objects.with_news().order_by("pk").values_list("pk", flat=True)[:AT_ONCE])


def tell(plan_id: int) -> bool:
    """False when there is nothing to tell, or another is at it. Raises what the mailer raises; it stays due."""
    people = ("asked_by", "approved_by", "ended_by", "issue__edited_by")
    plan = Plan.objects.select_related("issue__newsletter", *people).filter(pk=plan_id).first()
    if plan is None or not Plan.objects.take_news(plan, lease=LEASE):
        return False
    to = addresses(plan)
    is_news = timezone.now() - (plan.ended_at or plan.approved_at or plan.asked_at) < GIVE_UP_AFTER
    if to and is_news:
        _message(plan, to=to).send(using="default")
    else:
        logger.warning("Plan %s: nobody can be told by mail (%s).", plan.pk, plan.news)
    Plan.objects.filter(pk=plan.pk, news=plan.news).update(news="", news_due_at=None)
    return bool(to) and is_news


def addresses(plan: Plan) -> list[str]:
    """Of those whom it concerns, but for who did it."""
    if plan.news == News.ASKED:
        people = approvers(plan)
    else:
        concerned = [plan.asked_by, plan.approved_by if plan.news == News.ENDED else None]
        did_it = plan.ended_by if plan.news == News.ENDED else plan.approved_by
        people = [each for each in concerned if each and each != did_it and each.is_active]
    return list(dict.fromkeys(each.email for each in people if each.email))


def approvers(plan: Plan, *, by_mail: bool = True) -> list[User]:
    """The newsletter's owners and whoever may send in its team; where there is nobody, whoever else may send."""
    newsletter = plan.issue.newsletter
    may_send = [Member.Role.EDITOR, Member.Role.PUBLISHER]
    of_team = Q(memberships__newsletter=newsletter, memberships__role__in=may_send)
    everywhere = User.objects.with_perm(team.Right.SEND.value, backend=MODEL_BACKEND)  # superusers as well
    active = User.objects.filter(is_active=True, is_staff=True).order_by("pk")
    if by_mail:
        active = active.exclude(email="")
    for found in (
        active.filter(of_team | Q(pk__in=newsletter.owners.all())),
        active.filter(pk__in=everywhere.values("pk")),
    ):
        if people := [each for each in found.distinct() if not planning.objection(plan, each)]:
            return people
    return []


def silence(plan: Plan) -> str:
    """Why nobody is told that it waits for an approval, and what to do about it; "" when somebody is."""
    if approvers(plan):
        return ""
    if people := approvers(plan, by_mail=False):
        words = _("No mail address is known of those who may approve it, so tell them yourself: %(names)s.")
        return words % {"names": ", ".join(map(planning.name, people))}
    words = _(
        "At present nobody else may approve it, so nobody is told. A publisher of %(newsletter)s has to take another "
        "editor into its team, who finds it on their first page."
    )
    return words % {"newsletter": plan.issue.newsletter.name}


def _message(plan: Plan, *, to: list[str]) -> EmailMessage:
    issue, newsletter = plan.issue, plan.issue.newsletter
    with spoken_by(newsletter):
        context = {
            "plan": plan,
            "issue": issue,
            "newsletter": newsletter,
            "asked_by": planning.name(plan.asked_by),
            "approved_by": planning.name(plan.approved_by),
            "at": _clock(plan.at) if plan.at else "",
            "site": absolute_url("/").rstrip("/"),
        }
        subject = _subject(plan) % {"newsletter": newsletter.name, "issue": issue.subject}
        text = render_to_string("email/plan.txt", context)
    return EmailMessage(
        subject=" ".join(subject.split()),
        body=text,
        from_email=newsletter.sender,
        to=to,
        headers={  # RFC 3834 5, as for a reader's mail
            "Auto-Submitted": "auto-generated",
            "X-Auto-Response-Suppress": "OOF, AutoReply",
            "Message-ID": make_msgid(domain=mail_domain()),
        },
    )


def _subject(plan: Plan) -> str:
    match plan.news:
        case News.ASKED:
            return _("%(newsletter)s: “%(issue)s” waits for your approval")
        case News.APPROVED:
            return _("%(newsletter)s: “%(issue)s” is approved")
        case _ if plan.approved_at:
            return _("%(newsletter)s: “%(issue)s” does not go out as planned")
        case _:
            return _("%(newsletter)s: “%(issue)s” is not approved")


def _clock(moment: datetime) -> str:
    here = timezone.localtime(moment)
    return f"{date_format(here, 'l j F Y, H:i')} ({timezone.get_current_timezone_name()})"
