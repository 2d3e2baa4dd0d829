"""Files as people upload them, and as nobody should."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

from PIL import Image, ImageCms

from newsletter import pictures
from newsletter.models import Picture


def gradient(width: int, height: int, mode: str = "RGB") -> Image.Image:
    """Like a photograph: many colours. Its upper left is dark, its lower right is light."""
    across = Image.linear_gradient("L").resize((width, height))
    down = across.transpose(Image.Transpose.ROTATE_90).resize((width, height))
    noise = Image.effect_noise((width, height), 24)
    return Image.merge("RGB", (across, down, noise)).convert(mode)


def written(image: Image.Image, format: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def with_camera_notes(image: Image.Image, *, orientation: int = 1) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010F] = "SecretCamera"
    exif.get_ifd(0x8825)[1] = "N"  # where it was taken
    return written(image, "JPEG", exif=exif, comment=b"SecretComment", quality=95)


def in_other_colours(image: Image.Image, space: str) -> bytes:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile(space)).tobytes()
    return written(image, "JPEG", icc_profile=profile)


def moving(frames: int, size: tuple[int, int] = (40, 30), **options: Any) -> bytes:
    first, *others = [Image.new("RGB", size, (number * 8 % 256, 80, 80)) for number in range(frames)]
    return written(first, "GIF", save_all=True, append_images=others, duration=70, loop=0, **options)


def noisy_gif(frames: int, side: int) -> bytes:
    first, *others = [Image.effect_noise((side, side), 90).convert("P") for _ in range(frames)]
    return written(first, "GIF", save_all=True, append_images=others)


def growing_gif(width: int, height: int, *, says: tuple[int, int] | None = None) -> bytes:
    """One pixel first, and then a frame that is larger than the picture; or says so."""
    small, large = (written(Image.new("P", size), "GIF") for size in ((1, 1), (width, height)))
    place = large.index(struct.pack("<BHHHH", ord(","), 0, 0, width, height))
    said = struct.pack("<BHHHH", ord(","), 0, 0, *(says or (width, height)))
    return small[:-1] + said + large[place + len(said) :]


def png_that_says(width: int, height: int) -> bytes:
    """A bomb: some hundred bytes that would be unpacked to so many pixels."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = [(b"IHDR", head), (b"IDAT", zlib.compress(b"\0" * 100)), (b"IEND", b"")]
    chunks = [
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in parts
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def jpeg_that_says(width: int, height: int, *, progressive: bool = False) -> bytes:
    data = bytearray(written(Image.new("RGB", (16, 16)), "JPEG", progressive=progressive))
    place = data.index(b"\xff\xc2" if progressive else b"\xff\xc0") + 5
    data[place : place + 4] = struct.pack(">HH", height, width)
    return bytes(data)


SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
HEIC = b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + b"\0" * 64


def stored(data: bytes, name: str = "bridge.jpg") -> tuple[Picture, Image.Image]:
    picture = pictures.store(io.BytesIO(data), name=name).picture
    return picture, Image.open(
        io.BytesIO(bytes(Picture.objects.values_list("data", flat=True).get(pk=picture.pk)))
    )
