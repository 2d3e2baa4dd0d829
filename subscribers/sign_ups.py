"""From a post at a form to subscriptions: the page notes it, a worker takes it in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from newsletter.models import Newsletter
from subscribers import consent, lifecycle, managing
from subscribers.models import SignUp

if TYPE_CHECKING:
    from collections.abc import Mapping

    from subscribers.consent import Circumstances

AGAIN = "again"  # stands with the source of a sign-up, whose own names it is none of (sources.KEYS)


def note(
    email: str,
    *,
    newsletters: Mapping[int, int | None],
    wish: lifecycle.Wish,
    circumstances: Circumstances,
) -> SignUp:
    """Write down what was posted, and nothing else: known or not, it costs the same. `email` is canonical;
    `newsletters`: by number, the wording that was shown."""
    return SignUp.objects.create(
        email=email,
        first_name=wish.first_name,
        newsletters={str(pk): wording for pk, wording in newsletters.items()},
        fields=dict(wish.fields),
        source=dict(wish.source) | ({AGAIN: "yes"} if wish.is_again else {}),
        language=wish.language,
        network=circumstances.network,
        agent=circumstances.agent,
        posted_at=timezone.now(),
    )


def take_in(sign_up_id: int) -> bool:
    """Make subscriptions of it, or mail the link that was asked for. False when another worker has done so."""
    with transaction.atomic():
        sign_up = SignUp.objects.select_for_update(skip_locked=True).filter(pk=sign_up_id).first()
        if sign_up is None:
            return False
        if not sign_up.newsletters:
            managing.grant(sign_up)
        circumstances = consent.Circumstances(
            consent.Method.FORM, sign_up.network, sign_up.agent, sign_up.language
        )
        for newsletter in Newsletter.objects.filter(pk__in=sign_up.newsletters).order_by("pk"):
            wish = _wish(sign_up, newsletter)
            lifecycle.subscribe(newsletter, email=sign_up.email, wish=wish, circumstances=circumstances)
        SignUp.objects.filter(pk=sign_up_id).delete()
    return True


def _wish(sign_up: SignUp, newsletter: Newsletter) -> lifecycle.Wish:
    known = set(newsletter.reader_fields.values_list("name", flat=True)) if sign_up.fields else set()
    return lifecycle.Wish(
        first_name=sign_up.first_name,
        fields={name: value for name, value in sign_up.fields.items() if name in known},
        source={name: value for name, value in sign_up.source.items() if name != AGAIN},
        is_again=AGAIN in sign_up.source,
        # What the page spoke is a choice only where the newsletter itself speaks another.
        language="" if sign_up.language == newsletter.language else sign_up.language,
        wording_id=sign_up.newsletters[str(newsletter.pk)],
    )
