"""What the layer below saves is looked at here: a form's words are kept as soon as they can be shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver

from newsletter.models import Issue, Newsletter, ReaderField, UsualTime
from subscribers import facts, wordings

if TYPE_CHECKING:
    from collections.abc import Callable


@receiver(post_save, sender=Newsletter)
def keep_its_words(sender: Any, *, instance: Newsletter, raw: bool, **kwargs: Any) -> None:
    if not raw:
        transaction.on_commit(_keeping(instance.pk))


# How often it comes is part of what is said.
@receiver(post_delete, sender=UsualTime)
@receiver(post_save, sender=UsualTime)
def keep_the_words_of_its_newsletter(sender: Any, *, instance: UsualTime, **kwargs: Any) -> None:
    if not kwargs.get("raw"):
        transaction.on_commit(_keeping(instance.newsletter_id))


@receiver([post_save, post_delete], sender=Newsletter)
@receiver([post_save, post_delete], sender=ReaderField)
@receiver([post_save, post_delete], sender=Issue)
def look_at_it_anew(sender: Any, **kwargs: Any) -> None:
    facts.forget()


def _keeping(newsletter_id: int) -> Callable[[], None]:
    """Once all of it is saved, and as it is then."""

    def keep() -> None:
        if newsletter := Newsletter.objects.filter(pk=newsletter_id).first():
            wordings.keep(newsletter)

    return keep
