"""What a sign-up form holds beside what is typed into it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.html import format_html_join

from newsletter import claims
from subscribers import known, wordings

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from django.utils.safestring import SafeString

    from newsletter.models import Newsletter
    from subscribers.forms import SubscribeForm
    from subscribers.repeats import Asked


DIGEST = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Offer:
    """One newsletter as a form offers it."""

    newsletter: Newsletter
    words: str  # what whoever signs up agrees to
    digest: str  # by which the post says that these were the words
    readers_claim: str
    is_chosen: bool


def offer(newsletter: Newsletter, *, form: SubscribeForm) -> Offer:
    shown = wordings.shown(newsletter)
    chosen = form["newsletters"].value() if "newsletters" in form.fields else None
    return Offer(
        newsletter,
        words=shown.text,
        digest=shown.digest,
        readers_claim=claims.readers_claim(newsletter),
        is_chosen=str(newsletter.pk) in (chosen or ()),
    )


def wording(posted: Mapping[str, str], number: int) -> str:
    """The digest of what stood at the form, if the post says so. Of several newsletters each has its own."""
    said = str(posted.get(f"wording_{number}", posted.get("wording", "")))
    return said if DIGEST.fullmatch(said) else ""


def repeated(asked: Asked, *, is_of_several: bool) -> list[tuple[str, str]]:
    """As hidden fields, all but the address, so that the same can be posted with another one."""
    pairs = [("first_name", asked.wish.first_name)]
    pairs += [(f"{known.PREFIX}{name}", value) for name, value in asked.wish.fields.items()]
    pairs += list(asked.wish.source.items())
    for number, digest in asked.newsletters.items():
        if is_of_several:
            pairs.append(("newsletters", str(number)))
        pairs.append((f"wording_{number}", digest))
    return [(name, value) for name, value in pairs if value]


def inputs(pairs: Iterable[tuple[str, str]]) -> SafeString:
    return format_html_join("", '<input type="hidden" name="{}" value="{}">', pairs)
