"""Pictures as writers upload them and everybody is given them."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from newsletter.models import Member, Newsletter, Picture
from newsletter.views import pictures as views
from tests.newsletter import files
from tests.newsletter.files import gradient, stored, written

pytestmark = pytest.mark.django_db
MB = 1024 * 1024


@pytest.fixture(autouse=True)
def nothing_kept() -> None:
    views._data.cache_clear()


# --- Uploading ---


@pytest.fixture
def writer(daily: Newsletter) -> Client:
    user = User.objects.create_user("wren", is_staff=True)
    Member.objects.create(newsletter=daily, user=user, role=Member.Role.WRITER)
    client = Client()
    client.force_login(user)
    return client


def uploaded(client: Client, data: bytes, name: str = "bridge.jpg") -> Any:
    return client.post(reverse("admin:newsletter_picture_upload"), {"file": SimpleUploadedFile(name, data)})


def test_upload_says_where_the_picture_is_and_readers_get_it(writer: Client, client: Client) -> None:
    answer = uploaded(writer, written(gradient(300, 200), "JPEG"), "die <brücke>b?.jpg")

    picture = Picture.objects.get()
    assert (answer.status_code, answer.json()) == (
        200,
        {"src": f"/media/{picture.digest}.jpg", "width": 300, "height": 200, "id": picture.digest},
    )
    assert (picture.name, picture.uploaded_by.username) == ("die brücke b .jpg", "wren")
    assert client.get(answer.json()["src"]).content == bytes(picture.data)


def test_upload_that_cannot_be_used_is_refused_in_words(writer: Client) -> None:
    assert (uploaded(writer, files.SVG).status_code, uploaded(writer, files.SVG).json()) == (
        400,
        {"error": "This is an SVG drawing, which mail programs do not show. Save it as PNG and upload that."},
    )
    nothing = writer.post(reverse("admin:newsletter_picture_upload"))
    assert (nothing.status_code, nothing.json()) == (
        400,
        {"error": "No file arrived. Choose the picture once more."},
    )


def test_upload_of_more_than_20_mb_is_refused_without_writing_it_down(writer: Client) -> None:
    answer = uploaded(writer, b"\xff" * (21 * MB))

    assert (answer.status_code, answer.json()) == (
        400,
        {"error": "This file is larger than 20 MB. Save the picture smaller and upload that."},
    )


def test_upload_needs_the_token_and_a_writer(writer: Client, daily: Newsletter) -> None:
    url = reverse("admin:newsletter_picture_upload")
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(User.objects.get())
    stranger = Client()
    stranger.force_login(User.objects.create_user("stranger", is_staff=True))

    answers = [strict.post(url), stranger.post(url), Client().post(url), writer.get(url)]

    assert [answer.status_code for answer in answers] == [403, 403, 302, 405]
    strict.cookies["csrftoken"] = "t" * 32
    assert strict.post(url, headers={"X-CSRFToken": "t" * 32}).status_code == 400


# --- Serving ---


def test_picture_is_given_to_everybody_and_kept_for_ever(client: Client) -> None:
    picture, _shown = stored(written(gradient(300, 200), "JPEG"))
    url = picture.get_absolute_url()

    first = client.get(url)
    again = client.get(url, headers={"If-None-Match": first["ETag"]})
    head = client.head(url)

    assert (
        first.status_code,
        first["Content-Type"],
        first["Cache-Control"],
        first["X-Content-Type-Options"],
    ) == (
        200,
        "image/jpeg",
        "public, max-age=31536000, immutable",
        "nosniff",
    )
    assert first["Content-Length"] == head["Content-Length"] == str(len(bytes(picture.data)))
    assert (again.status_code, again.content, head.content, first.cookies.output()) == (304, b"", b"", "")


def test_picture_is_read_from_the_database_once(client: Client, django_assert_num_queries: Any) -> None:
    picture, _shown = stored(written(gradient(300, 200), "JPEG"))

    with django_assert_num_queries(1):
        for _ in range(3):
            client.get(picture.get_absolute_url())


@pytest.mark.parametrize("path", [f"/media/{'0' * 32}.jpg", "/media/x.jpg", "/media/", "/media/a/b/"])
def test_picture_that_is_not_there_is_not_found(client: Client, path: str) -> None:
    assert client.get(path).status_code == 404


def test_picture_of_another_format_is_not_found(client: Client) -> None:
    picture, _shown = stored(written(gradient(300, 200), "JPEG"))

    assert client.get(f"/media/{picture.digest}.png").status_code == 404


def test_covers_come_without_their_bytes(daily: Newsletter) -> None:
    picture, _shown = stored(written(gradient(300, 200), "JPEG"))
    issue = daily.issues.create(slug="a", subject="A", cover=picture)

    assert type(issue)._default_manager.get(pk=issue.pk).cover.get_deferred_fields() == {"data"}
