"""Signing up: the pages of one newsletter, the small ones for frames on other sites, and those of all newsletters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from subscribers.views import doors
from subscribers.views.bounds import form_page, framed
from subscribers.views.entering import enter, enter_again

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


@form_page
def subscribe(request: HttpRequest, slug: str) -> HttpResponse:
    return enter(request, doors.of_newsletter(request, slug))


@form_page
def resend(request: HttpRequest, slug: str) -> HttpResponse:
    return enter_again(request, doors.of_newsletter(request, slug))


@framed
@form_page
def embed(request: HttpRequest, slug: str) -> HttpResponse:
    return enter(request, doors.in_a_frame(request, slug))


@framed
@form_page
def embed_resend(request: HttpRequest, slug: str) -> HttpResponse:
    return enter_again(request, doors.in_a_frame(request, slug))


@form_page
def subscribe_all(request: HttpRequest) -> HttpResponse:
    return enter(request, doors.of_all(request))


@form_page
def resend_all(request: HttpRequest) -> HttpResponse:
    return enter_again(request, doors.of_all(request))
