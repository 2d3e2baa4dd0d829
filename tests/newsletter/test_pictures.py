from __future__ import annotations

import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from newsletter import pictures
from newsletter.models import Picture
from tests.newsletter import files
from tests.newsletter.files import gradient, stored, written

pytestmark = pytest.mark.django_db
MB = 1024 * 1024


def refusal(data: bytes) -> str:
    with pytest.raises(pictures.Refused) as refused:
        pictures.store(io.BytesIO(data), name="x")
    assert not Picture.objects.exists()
    return str(refused.value)


@pytest.mark.parametrize(
    ("data", "format", "size"),
    [
        (lambda: written(gradient(3000, 2000), "JPEG"), "jpg", (1200, 800)),
        (lambda: written(gradient(300, 200), "JPEG"), "jpg", (300, 200)),
        (lambda: written(gradient(1600, 400), "PNG"), "jpg", (1200, 300)),
        (lambda: written(gradient(300, 200), "WEBP"), "jpg", (300, 200)),
        (lambda: written(gradient(300, 200), "AVIF"), "jpg", (300, 200)),
        (lambda: written(Image.new("RGB", (900, 600), "#b3261e"), "PNG"), "png", (900, 600)),
        (lambda: written(Image.new("RGBA", (900, 600), (9, 9, 9, 90)), "PNG"), "png", (900, 600)),
        (lambda: written(Image.new("RGBA", (900, 600), (9, 9, 9, 90)), "WEBP"), "png", (900, 600)),
        (lambda: written(Image.new("P", (90, 60)), "GIF"), "png", (90, 60)),
        (lambda: written(gradient(500, 9000), "JPEG"), "jpg", (444, 8000)),
        (lambda: written(gradient(300, 200, "CMYK"), "JPEG"), "jpg", (300, 200)),
        (lambda: written(gradient(300, 200, "L"), "JPEG"), "jpg", (300, 200)),
        (lambda: written(Image.new("I;16", (30, 20), 40_000), "PNG"), "png", (30, 20)),
        (lambda: written(Image.new("1", (30, 20)), "PNG"), "png", (30, 20)),
        (lambda: written(Image.new("P", (90, 60), 0), "PNG", transparency=0), "png", (90, 60)),
        (lambda: written(Image.new("LA", (30, 20), (9, 90)), "PNG"), "png", (30, 20)),
        (lambda: files.moving(3), "gif", (40, 30)),
        (lambda: files.moving(3, (2400, 30)), "gif", (1200, 15)),
        (lambda: written(gradient(1, 1), "JPEG"), "jpg", (1, 1)),
    ],
)  # fmt: skip
def test_picture_becomes_what_mails_can_show(data: Any, format: str, size: tuple[int, int]) -> None:
    picture, shown = stored(data())

    assert (picture.format, picture.width, picture.height) == (format, *size)
    assert (shown.size, shown.format) == (size, {"jpg": "JPEG", "png": "PNG", "gif": "GIF"}[format])
    assert shown.mode in {"RGB", "RGBA", "L", "P"}


@pytest.mark.parametrize(("orientation", "bright"), [(1, "right"), (3, "left"), (6, "left"), (8, "right")])
def test_picture_is_turned_as_the_camera_was_held_and_forgets_the_camera(
    orientation: int, bright: str
) -> None:
    half = Image.new("L", (40, 20), 0)
    half.paste(255, (20, 0, 40, 20))

    picture, shown = stored(files.with_camera_notes(half.convert("RGB"), orientation=orientation))

    upright = orientation in {1, 3}
    assert shown.size == ((40, 20) if upright else (20, 40))
    first, last = (
        shown.convert("L").getpixel((2, 2)),
        shown.convert("L").getpixel((shown.width - 3, shown.height - 3)),
    )
    expected_last = {1: 255, 3: 0, 6: 255, 8: 0}[orientation]
    assert abs(last - expected_last) < 12
    assert abs(first - (255 - expected_last)) < 12
    data = bytes(picture.data)
    assert b"Secret" not in data
    assert (dict(shown.getexif()), shown.info.keys() & {"exif", "comment", "icc_profile"}) == ({}, set())


def test_colours_of_another_space_become_those_of_the_web() -> None:
    lab = Image.new("RGB", (30, 20), (200, 30, 30))
    data = files.in_other_colours(lab, "sRGB")
    broken = written(lab, "JPEG", icc_profile=b"this is no profile")

    for each in (data, broken):
        _picture, shown = stored(each)
        assert "icc_profile" not in shown.info
        red, green, blue = shown.getpixel((10, 10))
        assert (abs(red - 200) < 6, abs(green - 30) < 6, abs(blue - 30) < 6) == (True, True, True)


def test_sixteen_bits_of_grey_stay_as_bright_as_they_were() -> None:
    _picture, shown = stored(written(Image.new("I;16", (30, 20), 40_000), "PNG"))

    assert abs(shown.convert("L").getpixel((5, 5)) - 156) <= 1


def test_what_can_be_seen_through_stays_so() -> None:
    _picture, shown = stored(written(Image.new("RGBA", (30, 20), (200, 0, 0, 128)), "PNG"))

    assert shown.convert("RGBA").getpixel((5, 5)) == (200, 0, 0, 128)


def test_large_photograph_with_soft_edges_is_no_megabyte() -> None:
    photograph = gradient(1400, 1000, "RGBA")
    photograph.putalpha(Image.linear_gradient("L").resize((1400, 1000)))

    picture, shown = stored(written(photograph, "PNG", compress_level=1))

    assert (picture.format, shown.has_transparency_data) == ("png", True)
    assert len(bytes(picture.data)) < MB


def test_animation_keeps_its_time_and_loses_its_comment() -> None:
    picture, shown = stored(files.moving(4, comment=b"SecretComment"))

    assert (shown.n_frames, shown.info["duration"], shown.info["loop"]) == (4, 70, 0)
    assert b"Secret" not in bytes(picture.data)


def test_animation_too_large_for_a_mail_stands_still_and_says_so() -> None:
    stored = pictures.store(io.BytesIO(files.noisy_gif(6, 900)), name="noise.gif")

    assert stored.picture.format in {"png", "jpg"}
    assert stored.note == "Only its first frame was kept: the animation is too large for a mail."


def test_same_picture_twice_is_one() -> None:
    data = written(gradient(300, 200), "JPEG")

    assert stored(data, "a.jpg")[0] == stored(data, "b.jpg")[0]
    assert Picture.objects.get().name == "a.jpg"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (files.SVG, "This is an SVG drawing, which mail programs do not show. Save it as PNG and upload that."),
        (files.HEIC, "This is a HEIC picture, which mail programs cannot show. Save it as JPEG and upload that."),
        (b"", "This file is empty."),
        (b"%PDF-1.7", "This is not a picture that can be used here. Upload a JPEG, PNG, GIF, WebP or AVIF file."),
        (b"\0" * (20 * MB + 1), "This file is larger than 20 MB. Save the picture smaller and upload that."),
        (written(Image.new("RGB", (9, 9)), "BMP"),
         "This is not a picture that can be used here. Upload a JPEG, PNG, GIF, WebP or AVIF file."),
        (files.png_that_says(60_000, 60_000),
         "This picture has too many pixels. Save it at most 5,000 pixels wide and upload that."),
        (files.png_that_says(6_000, 5_000),
         "This picture has too many pixels. Save it at most 5,000 pixels wide and upload that."),
        (files.jpeg_that_says(60_000, 60_000),
         "This picture has too many pixels. Save it at most 5,000 pixels wide and upload that."),
        (files.jpeg_that_says(8_000, 7_000, progressive=True),
         "This picture has too many pixels. Save it at most 5,000 pixels wide and upload that."),
        (files.png_that_says(300, 200),
         "This picture cannot be read: the file is damaged or cut off. Save it once more and upload that."),
        (files.growing_gif(900, 600),
         "This picture cannot be read: the file is damaged or cut off. Save it once more and upload that."),
        (files.growing_gif(90, 60, says=(10_000, 6_000)),
         "This picture has too many pixels. Save it at most 5,000 pixels wide and upload that."),
    ],
    ids=["svg", "heic", "empty", "pdf", "20 MB", "bmp", "bomb", "large png", "large jpeg", "in layers", "hollow",
         "growing gif", "gif that says it grows"],
)  # fmt: skip
def test_what_is_no_picture_of_ours_is_refused_with_what_to_do(data: bytes, words: str) -> None:
    assert refusal(data) == words


@pytest.mark.parametrize("format", ["JPEG", "PNG", "GIF", "WEBP", "AVIF"])
def test_file_that_was_cut_off_is_refused(format: str) -> None:
    data = written(gradient(300, 200), format)

    assert "damaged or cut off" in refusal(data[: len(data) // 2])


@given(
    st.sampled_from(["JPEG", "PNG", "GIF", "WEBP"]), st.integers(0, 2000), st.binary(min_size=1, max_size=12)
)
def test_damaged_file_is_a_picture_or_refused(format: str, place: int, damage: bytes) -> None:
    data = written(gradient(40, 30), format)
    place %= len(data)

    try:
        stored = pictures.store(io.BytesIO(data[:place] + damage + data[place + len(damage) :]), name="x")
    except pictures.Refused:
        return

    assert max(stored.picture.width, stored.picture.height) <= 8000
