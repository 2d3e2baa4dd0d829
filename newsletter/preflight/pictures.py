"""Pictures: what is said instead of them, and how much they weigh."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from newsletter.preflight.findings import Finding, Level, mark, some
from newsletter.preflight.reading import quoted

if TYPE_CHECKING:
    from newsletter.preflight.reading import Copy, Image

LETTERS_EACH = 150  # of text that one picture asks for beside it
HEAVY = 2_000_000  # bytes that all pictures of a mail may weigh on a phone's allowance
FILE_NAMES = (".jpg", ".jpeg", ".png", ".gif", ".webp", ".heic")


def findings(copy: Copy, *, cover_alt: str | None = None, weight: int = 0) -> list[Finding]:
    """`cover_alt`: of the cover, None when there is none; `weight`: bytes of the pictures that are ours."""
    found = [*_alt(copy), *_cover(cover_alt), *_heavy(copy, weight=weight)]
    if not found and (copy.images or cover_alt is not None):
        found.append(Finding("pictures", Level.FINE, _("Every picture says what it shows."), "body"))
    return found


def _alt(copy: Copy) -> list[Finding]:
    silent = [image for image in copy.images if says_nothing(image)]
    if not silent:
        return []
    text = ngettext(
        "A picture does not say what it shows. Write it for those who do not see it, or mark it as decoration.",
        "%(count)s pictures do not say what they show. Write it for those who do not see them, or mark them as "
        "decoration.",
        len(silent),
    ) % {"count": len(silent)}
    places = [quoted(image.caption) or image.src.rsplit("/", 1)[-1] for image in silent]
    marked = mark(*sorted(image.src for image in silent))
    return [Finding("no_alt", Level.WARNING, text, "body", marked, some(places))]


def says_nothing(image: Image) -> bool:
    """A camera's name for a file says nothing, either. `alt=""` is decoration, on purpose."""
    return image.alt is None or image.alt.strip().lower().endswith(FILE_NAMES)


def _cover(alt: str | None) -> list[Finding]:
    if alt is None or alt.strip():
        return []
    text = _("The cover picture does not say what it shows. Write it for those who do not see it.")
    return [Finding("no_cover_alt", Level.WARNING, text, "cover_alt", mark("cover"))]


def _heavy(copy: Copy, *, weight: int) -> list[Finding]:
    found = []
    if copy.images and copy.letters < LETTERS_EACH * len(copy.images):
        text = _(
            "There is little text beside the pictures. Many mail programs hide pictures at first, and spam filters "
            "mistrust such mails: say in words what matters."
        )
        found.append(Finding("image_heavy", Level.WARNING, text, "body", mark(len(copy.images))))
    if weight > HEAVY:
        text = _("The pictures weigh %(size)s MB together. On the way to work that is a long wait.")
        size = f"{weight / 1_000_000:.1f}"
        found.append(
            Finding("heavy_pictures", Level.WARNING, text % {"size": size}, "body", mark(weight // 500_000))
        )
    return found
