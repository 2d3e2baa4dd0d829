"""Uploaded pictures: looked at before they are unpacked, made small, written anew without what the camera noted.

What readers get is made here once; nothing of the file as it came is kept.
"""

from __future__ import annotations

import hashlib
import re
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import IO, TYPE_CHECKING

from django.utils.translation import gettext as _
from PIL import Image, UnidentifiedImageError

from newsletter import drawing
from newsletter.models import Picture

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.contrib.auth.models import User

LARGEST_FILE = 20 * 1024 * 1024  # bytes
# Unpacked, a pixel takes three or four bytes. A JPEG is unpacked at a half, a quarter or an eighth of its size.
MOST_PIXELS = 25_000_000
MOST_PIXELS_OF_A_JPEG, MOST_PIXELS_IN_LAYERS = 110_000_000, 50_000_000
Image.MAX_IMAGE_PIXELS = MOST_PIXELS_OF_A_JPEG  # Pillow itself stops at twice as many
# Pillow calls a phone's JPEG with a second picture behind it MPO once it is open.
FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "AVIF")
# Of the formats that people upload and no mail can show, by how they begin.
HEIC = re.compile(rb"^.{4}ftyp(hei[cmsx]|hev[cmsx])", re.DOTALL)
AVIF = re.compile(rb"^.{4}ftypavi[fs]", re.DOTALL)
SVG = re.compile(rb"<svg[\s>]|<!DOCTYPE svg", re.IGNORECASE)
# One at a time in each process: what a picture takes while it is unpacked must not add up.
_at_work = threading.Lock()


class Refused(Exception):
    """This file cannot become a picture of ours. The message says what to do."""


@dataclass(frozen=True, slots=True)
class Stored:
    picture: Picture
    note: str = ""  # what became of it that an editor would not expect


def store(file: IO[bytes], *, name: str, by: User | None = None) -> Stored:
    """The picture as readers get it; the same one again when it is here already. Raises Refused."""
    data = file.read(LARGEST_FILE + 1)
    if len(data) > LARGEST_FILE:
        raise too_large()
    with _at_work:
        drawn = _drawn(data)
    picture, _is_new = Picture.objects.get_or_create(
        digest=hashlib.blake2b(drawn.data, digest_size=16).hexdigest(),
        defaults={
            "format": drawn.format,
            "width": drawn.width,
            "height": drawn.height,
            "data": drawn.data,
            "name": " ".join(re.sub(r"[^\w .,()'-]", " ", name).split())[-200:],
            "uploaded_by": by,
        },
    )
    cut = _("Only its first frame was kept: the animation is too large for a mail.")
    return Stored(picture, cut if drawn.is_cut else "")


def too_large() -> Refused:
    return Refused(_("This file is larger than 20 MB. Save the picture smaller and upload that."))


def _drawn(data: bytes) -> drawing.Drawn:
    try:
        with Image.open(BytesIO(data), formats=FORMATS) as image:
            _look_at_size(image)
            with _at_most(_most_pixels(image)):
                return drawing.drawn(image)
    except Refused:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning, MemoryError):
        raise _too_many_pixels() from None
    except UnidentifiedImageError:
        raise _unknown(data) from None
    except Exception as error:  # a broken file makes Pillow's readers raise whatever it makes them raise
        raise _damaged() from error


def _look_at_size(image: Image.Image) -> None:
    """From the file's header: a bomb is small until it is unpacked."""
    if image.width * image.height > _most_pixels(image):
        raise _too_many_pixels()


@contextmanager
def _at_most(pixels: int) -> Iterator[None]:
    """A frame may say that it is larger than the picture: Pillow unpacks none of more than twice as many."""
    Image.MAX_IMAGE_PIXELS, before = pixels, Image.MAX_IMAGE_PIXELS
    try:
        yield
    finally:
        Image.MAX_IMAGE_PIXELS = before


def _most_pixels(image: Image.Image) -> int:
    if image.format not in {"JPEG", "MPO"}:
        return MOST_PIXELS
    # In layers, all of it is in memory until the last one has come.
    return MOST_PIXELS_IN_LAYERS if "progressive" in image.info else MOST_PIXELS_OF_A_JPEG


def _too_many_pixels() -> Refused:
    return Refused(_("This picture has too many pixels. Save it at most 5,000 pixels wide and upload that."))


def _damaged() -> Refused:
    return Refused(
        _("This picture cannot be read: the file is damaged or cut off. Save it once more and upload that.")
    )


def _unknown(data: bytes) -> Refused:
    if HEIC.match(data):
        return Refused(
            _("This is a HEIC picture, which mail programs cannot show. Save it as JPEG and upload that.")
        )
    if AVIF.match(data):
        return _damaged()
    if SVG.search(data[:4096]):
        return Refused(
            _("This is an SVG drawing, which mail programs do not show. Save it as PNG and upload that.")
        )
    if not data:
        return Refused(_("This file is empty."))
    return Refused(
        _("This is not a picture that can be used here. Upload a JPEG, PNG, GIF, WebP or AVIF file.")
    )
