"""What the layers below tell: a reader left, and by a link of which issue; a text is another than it was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import F
from django.db.models.signals import post_save
from django.dispatch import receiver
from django.utils.translation import gettext as _

from delivery import planning, tasks
from delivery.models import Dispatch, Plan
from newsletter.models import Issue, Newsletter
from newsletter.signals import content_changed
from subscribers.signals import unsubscribed

if TYPE_CHECKING:
    from django.contrib.auth.models import User


@receiver(unsubscribed)
def attribute_to_issue(sender: Any, *, via: str, **kwargs: Any) -> None:
    """The mark in the link is the dispatch it came in (delivery/links.py)."""
    if via.isdigit():
        Dispatch.objects.filter(pk=int(via)).update(readers_left=F("readers_left") + 1)


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
# sender in it.
@receiver(post_save, sender=Newsletter)
def end_its_plans(sender: Any, *, instance: Newsletter, created: bool, raw: bool, **kwargs: Any) -> None:
    if created or raw:
        return
    because = _("The settings of %(newsletter)s were changed.") % {"newsletter": instance.name}
    with transaction.atomic():
        for plan in Plan.objects.open().filter(issue__newsletter=instance):
            issue = Issue.objects.select_for_update().get(pk=plan.issue_id)
            if ended := planning.void(issue, because=because, by=None):
                tasks.wake_notices(ended.pk)
