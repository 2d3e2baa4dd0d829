"""What sign-up forms say readers agree to, word for word, and which words somebody saw who posted one.

A form carries the digest of its words. Every text that a newsletter has ever shown is kept under its digest, so that a
page from a cache or another site, with yesterday's words on it, still leads to just those.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Max, prefetch_related_objects
from django.utils import translation

from newsletter import agreement
from subscribers.models import Wording

if TYPE_CHECKING:
    from newsletter.models import Newsletter

TRIES = 5
MOST_REMEMBERED = 1000
_numbers: dict[tuple[int, str], int] = {}
DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Shown:
    language: str
    text: str

    @property
    def digest(self) -> str:
        return agreement.digest(self.text)


def shown(newsletter: Newsletter) -> Shown:
    """In the language that is spoken at the moment; a newsletter's own words are in its own, and not translated."""
    text = agreement.words(newsletter)
    is_own = bool(newsletter.consent_words.strip())
    return Shown(newsletter.language if is_own else translation.get_language() or newsletter.language, text)


def note(newsletter: Newsletter, digest: str) -> int | None:
    """The number of the wording that a form's `digest` stands for. None for what this newsletter never said."""
    if not DIGEST.fullmatch(digest):
        return None
    if found := _known(newsletter, digest):
        return found
    if digest not in {each.digest for each in _all(newsletter)}:
        return None
    keep(newsletter)  # not kept yet: a release may have mended our words
    return _known(newsletter, digest)


def keep(newsletter: Newsletter) -> None:
    """Write down what its forms say now, in every language. Harmless when repeated, or done by two at once."""
    for _try in range(TRIES):
        known = set(Wording.objects.filter(newsletter=newsletter).values_list("language", "digest"))
        new = [each for each in _all(newsletter) if (each.language, each.digest) not in known]
        if not new or _written(newsletter, new):
            return


def _written(newsletter: Newsletter, new: list[Shown]) -> bool:
    """False when somebody else wrote the same versions: look again."""
    last = Wording.objects.filter(newsletter=newsletter).aggregate(last=Max("version"))["last"] or 0
    rows = [
        Wording(
            newsletter=newsletter,
            version=version,
            language=each.language,
            text=each.text,
            digest=each.digest,
        )
        for version, each in enumerate(new, start=last + 1)
    ]
    try:
        with transaction.atomic():
            Wording.objects.bulk_create(rows)
    except IntegrityError:
        return False
    return True


def _known(newsletter: Newsletter, digest: str) -> int | None:
    """What is written down stays, so each process asks for it once."""
    found = _numbers.get((newsletter.pk, digest))
    if found is None:
        those = Wording.objects.filter(newsletter=newsletter, digest=digest).order_by("version")
        found = those.values_list("pk", flat=True).first()
        if found and len(_numbers) < MOST_REMEMBERED:
            _numbers[newsletter.pk, digest] = found
    return found


def forget() -> None:
    _numbers.clear()


def _all(newsletter: Newsletter) -> list[Shown]:
    languages = dict.fromkeys([newsletter.language, *dict(settings.READER_LANGUAGES)])
    found = []
    prefetch_related_objects([newsletter], "usual_times")  # asked once, not for each language
    for language in languages:
        with translation.override(language):
            found.append(shown(newsletter))
    return list(dict.fromkeys(found))
