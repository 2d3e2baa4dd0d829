"""What the layers below tell: a reader left, and by a link of which issue; a text, or who may send, is another."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models.signals import post_delete, post_save, pre_delete
from django.dispatch import receiver
from django.utils.translation import gettext as _

from delivery import epoch, held, planning, tasks
from delivery.models import Delivery, Dispatch, Plan
from newsletter.models import Issue, Member, Newsletter
from newsletter.signals import content_changed
from subscribers.models import Subscriber
from subscribers.signals import collecting, erasing, letters_leave, unsubscribed, when_mailed

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from datetime import datetime

LONGEST_NUMBER = 18  # digits that any database takes


@receiver(unsubscribed)
def attribute_to_issue(sender: Any, *, via: str, **kwargs: Any) -> None:
    """The mark in the link is the dispatch it came in (delivery/links.py). Counted when the leaving is on the disk: the
    count itself waits for none, and all who leave by this issue wait for one another."""
    if (number := _dispatch(via)) is not None:
        transaction.on_commit(partial(Dispatch.objects.count_left, number))


@receiver(collecting)
def tell_what_is_held(sender: Any, *, subscriber: Subscriber, **kwargs: Any) -> dict[str, Any]:
    return held.of(subscriber)


@receiver(erasing)
def take_out_what_is_held(sender: Any, *, subscribers: Collection[Subscriber], **kwargs: Any) -> None:
    held.take_out(subscribers)


@receiver(when_mailed)
def tell_when_it_went_out(sender: Any, *, subscription_id: int, via: str, **kwargs: Any) -> datetime | None:
    """The beginning of the hand-over that their copy was in: what became of it may be learnt much later."""
    number = _dispatch(via)
    return None if number is None else Delivery.objects.handed_over_at(number, subscription_id)


def _dispatch(via: str) -> int | None:
    return int(via) if via.isdecimal() and len(via) <= LONGEST_NUMBER else None


@receiver(content_changed)
def end_its_plan(sender: Any, *, issue: Issue, by: User | None, **kwargs: Any) -> str:
    """What was approved is not what would go out. The sentence is for whoever saved."""
    because = _("%(who)s changed the text.") % {"who": planning.name(by)}
    plan = planning.void(issue, because=because, by=by)
    if plan is None:
        return ""
    tasks.wake_notices(plan.pk)
    if plan.approved_at:
        return _("It was to go out. Since the text is another now, it is a draft again: plan it anew.")
    return _("It waited for an approval. Since the text is another now, ask for it anew.")


# Whoever writes these settings, and however: what readers would see of an issue has its newsletter's name, look and
# sender in it. A second person may be asked for from now on, too.
@receiver(post_save, sender=Newsletter)
def end_its_plans(sender: Any, *, instance: Newsletter, created: bool, raw: bool, **kwargs: Any) -> None:
    if created or raw:
        return
    because = _("The settings of %(newsletter)s were changed.") % {"newsletter": instance.name}
    with transaction.atomic():
        for issue in _planned(issue__newsletter=instance):
            _tell_of(planning.void(issue, because=because, by=None) or planning.recheck(issue))


# Told in time rather than at the hour when it should go out; `planning.approved` asks once more then, since a right can
# be taken away in other ways, too.
@receiver(post_delete, sender=Member)
@receiver(post_save, sender=Member)
@receiver(post_save, sender=User)
def end_what_they_approved(
    sender: Any, *, instance: Member | User, created: bool = False, raw: bool = False, **kwargs: Any
) -> None:
    """They were deactivated, left a team, or have another role in it."""
    if created or raw or kwargs.get("update_fields") == {"last_login"}:
        return
    approver = instance.user_id if isinstance(instance, Member) else instance.pk
    with transaction.atomic():
        for issue in _planned(approved_by=approver):
            _tell_of(planning.recheck(issue))


@receiver(pre_delete, sender=User)
def end_what_nobody_answers_for(sender: Any, *, instance: User, **kwargs: Any) -> None:
    """Once they are gone, what they approved looks as if a command had."""
    because = _("%(who)s approved it, and is not here any more.") % {"who": planning.name(instance)}
    with transaction.atomic():
        for issue in _planned(approved_by=instance.pk):
            planning.give_back(issue, because=because)


def _planned(**which: Any) -> Iterator[Issue]:
    """Each with its row held."""
    for issue_id in Plan.objects.open().filter(**which).order_by("issue").values_list("issue", flat=True):
        yield Issue.objects.select_for_update().get(pk=issue_id)


def _tell_of(ended: Plan | None) -> None:
    if ended:
        tasks.wake_notices(ended.pk)


@receiver(letters_leave)
def hold_letters_back(sender: Any, **kwargs: Any) -> str:
    """A restored backup does not know which letters went out after it was made, either."""
    return "" if epoch.may_send() else epoch.frozen() or "Sending is frozen."
