"""Pixels: a picture turned upright, made small, in the colours of the web, written as JPEG, PNG or a small GIF."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from PIL import Image, ImageCms

from newsletter.models import Picture

Format = Picture.Format

# Twice the width of a mail's card: sharp on fine screens.
WIDEST, TALLEST = 1200, 8000
QUALITY = 82
# A drawing or a screenshot is sharp as PNG; a photograph would be many times larger than as JPEG.
PNG_MAY_BE_LARGER = 1.5
LARGEST_PNG = 600_000  # bytes; a larger one gets a palette
LARGEST_GIF, MOST_FRAMES, MOST_GIF_PIXELS = 2_000_000, 300, 60_000_000
EXIF_ORIENTATION = 0x0112
SIDEWAYS = frozenset({5, 6, 7, 8})
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


@dataclass(frozen=True, slots=True)
class Drawn:
    data: bytes
    format: Picture.Format
    width: int
    height: int
    is_cut: bool = False  # it moved, and does not any more


def drawn(image: Image.Image) -> Drawn:
    """Raises whatever Pillow raises for a broken file."""
    moves = image.format == "GIF" and getattr(image, "is_animated", False)
    if moves and (animation := _animation(image)):
        return animation
    if moves:
        image.seek(0)
    still = _small(image)
    if still.mode == "RGBA":
        data, format = _png(still), Format.PNG
    elif image.format in {"JPEG", "MPO"}:
        data, format = _jpeg(still), Format.JPEG
    else:
        data, format = _shorter(still)
    return Drawn(data, format, *still.size, is_cut=moves)


def _small(image: Image.Image) -> Image.Image:
    """Upright, no larger than a mail shows it, sRGB; RGB, L, or RGBA where something can be seen through."""
    orientation = image.getexif().get(EXIF_ORIENTATION, 1)
    width, height = reversed(image.size) if orientation in SIDEWAYS else image.size
    share = min(1.0, WIDEST / width, TALLEST / height)
    size = [max(1, round(side * share)) for side in image.size]
    profile = image.info.get("icc_profile")
    if share < 1:  # a JPEG then unpacks no more than it must
        image.draft(None, (size[0] * 3 // 2, size[1] * 3 // 2))
    whole = _plain(image)
    if share < 1:
        whole = whole.resize((size[0], size[1]), Image.Resampling.LANCZOS, reducing_gap=3.0)
    upright = _upright(whole, orientation)
    return _without_empty_alpha(_in_srgb(upright, profile))


def _plain(image: Image.Image) -> Image.Image:
    """In a mode whose pixels can be mixed: L, RGB, RGBA or CMYK."""
    image.load()
    if image.mode.startswith("I"):  # 16 bits of grey
        return image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    if image.mode in {"RGBA", "LA", "PA", "La", "RGBa"} or "transparency" in image.info:
        return image if image.mode == "RGBA" else image.convert("RGBA")
    if image.mode in {"L", "RGB", "CMYK"}:
        return image
    return image.convert("L" if image.mode == "1" else "RGB")


def _upright(image: Image.Image, orientation: int) -> Image.Image:
    turns = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_270,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_90,
    }
    return image.transpose(turns[orientation]) if orientation in turns else image


def _in_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    mode = "RGBA" if image.mode == "RGBA" else "RGB"
    if profile:
        # A profile that is none, or one of other colours, says nothing.
        with suppress(ImageCms.PyCMSError, OSError, ValueError, TypeError):
            given = ImageCms.ImageCmsProfile(BytesIO(profile))
            converted = ImageCms.profileToProfile(image, given, SRGB, outputMode=mode)
            if converted is not None:
                return converted
    return image if image.mode == "L" else image.convert(mode)


def _without_empty_alpha(image: Image.Image) -> Image.Image:
    if image.mode != "RGBA":
        return image
    least, _most = image.getchannel("A").getextrema()
    return image.convert("RGB") if least == 255 else image


def _shorter(image: Image.Image) -> tuple[bytes, Picture.Format]:
    as_jpeg, as_png = _jpeg(image), _written(image, "PNG")
    if len(as_png) <= min(PNG_MAY_BE_LARGER * len(as_jpeg), LARGEST_PNG):
        return _png(image), Format.PNG
    return as_jpeg, Format.JPEG


def _jpeg(image: Image.Image) -> bytes:
    return _written(image, "JPEG", quality=QUALITY, optimize=True, progressive=True)


def _png(image: Image.Image) -> bytes:
    """Packed with care when it is small: of a photograph that takes seconds and saves nothing."""
    if len(_written(image, "PNG")) > LARGEST_PNG:
        image = image.quantize(256, method=Image.Quantize.FASTOCTREE)
    return _written(image, "PNG", optimize=True)


def _written(image: Image.Image, format: str, **options: Any) -> bytes:
    image.info = {}  # Pillow would write some of it: comments, profiles
    buffer = BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def _animation(image: Image.Image) -> Drawn | None:
    """The GIF once more, without its comments; None where it is too large to be sent."""
    frames: list[Image.Image] = []
    durations: list[int] = []
    loop = image.info.get("loop")
    share = min(1.0, WIDEST / image.width)
    size = (max(1, round(image.width * share)), max(1, round(image.height * share)))
    said = image.size
    with suppress(EOFError):  # how many there are is known only at the end
        while True:
            image.seek(len(frames))
            # Looked at when it was opened; Pillow would now make it as large as this frame says.
            if image.size != said:
                raise ValueError("a frame that is larger than the picture")
            if len(frames) == MOST_FRAMES or (len(frames) + 1) * image.width * image.height > MOST_GIF_PIXELS:
                return None
            frame = image.convert("RGBA")
            frames.append(frame.resize(size, Image.Resampling.LANCZOS) if share < 1 else frame)
            durations.append(int(image.info.get("duration", 100)))
    first, *others = frames
    first.info = {}
    looping = {} if loop is None else {"loop": loop}
    buffer = BytesIO()
    first.save(buffer, "GIF", save_all=True, append_images=others, duration=durations, disposal=2, **looping)
    data = buffer.getvalue()
    return Drawn(data, Format.GIF, *size) if len(data) <= LARGEST_GIF else None
