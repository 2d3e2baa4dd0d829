"""Pages in their reader's language: as chosen at the foot of the page, else as is known of them, else as guessed.

The choice travels in the address (?language=de) from page to page, so that no page sets a cookie and none changes
anything by being opened. Pages that caches keep for everybody are not made here: those speak as their newsletter does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.conf import settings
from django.shortcuts import render
from django.utils import translation
from django.utils.cache import patch_vary_headers

from newsletter.locale import preferred, readers_language, spoken_by

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager

    from django.http import HttpRequest, HttpResponse

    from newsletter.models import Newsletter

PARAMETER = "language"


@dataclass(frozen=True, slots=True)
class Choice:
    """A language at the foot of a page, in its own words, and the same page in it."""

    code: str
    name: str
    url: str
    is_rtl: bool
    is_spoken: bool


def asked_for(request: HttpRequest) -> str:
    """What the reader chose, or "": this alone may become Subscriber.language."""
    return readers_language(request.GET.get(PARAMETER, ""))


def language_of(request: HttpRequest, *, newsletter: Newsletter | None = None, reader: str = "") -> str:
    """`reader`: Subscriber.language, on a page behind a reader's own link."""
    settled = _settled(request, newsletter=newsletter, reader=reader)
    guessed = "" if settled else preferred(request.headers.get("Accept-Language", ""))
    return settled or guessed or (newsletter.language if newsletter else settings.LANGUAGE_CODE)


def _settled(request: HttpRequest, *, newsletter: Newsletter | None, reader: str) -> str:
    """What needs no guess from the browser; it has the last word only where the newsletter's is none of ours."""
    own = newsletter.language if newsletter and readers_language(newsletter.language) else ""
    return asked_for(request) or readers_language(reader) or own


def speaking(
    request: HttpRequest, *, newsletter: Newsletter | None = None, reader: str = ""
) -> AbstractContextManager[None]:
    language = language_of(request, newsletter=newsletter, reader=reader)
    return spoken_by(newsletter, language) if newsletter else translation.override(language)


def page(
    request: HttpRequest,
    template: str,
    context: Mapping[str, object] | None = None,
    *,
    newsletter: Newsletter | None = None,
    reader: str = "",
    status: int = 200,
) -> HttpResponse:
    language = language_of(request, newsletter=newsletter, reader=reader)
    given = dict(context or {}) | ({"newsletter": newsletter} if newsletter else {})
    given |= {"languages": _choices(request, spoken=language), "language_query": query(request)}
    with speaking(request, newsletter=newsletter, reader=reader):
        response = render(request, template, given, status=status)
    response.headers["Content-Language"] = language
    if not _settled(request, newsletter=newsletter, reader=reader):
        patch_vary_headers(response, ["Accept-Language"])
    return response


def query(request: HttpRequest, *, reader: str = "") -> str:
    """Behind the address of our next page, so that it goes on in the chosen language: "?language=de", or "".

    `reader`: Subscriber.language, where the next page does not know whose it is.
    """
    asked = asked_for(request) or readers_language(reader)
    return f"?{PARAMETER}={asked}" if asked else ""


def _choices(request: HttpRequest, *, spoken: str) -> list[Choice]:
    """None below the answer to a press of a button: its page cannot be opened a second time."""
    if request.method == "POST":
        return []
    choices = []
    for code, name in settings.READER_LANGUAGES:
        parameters = request.GET.copy()
        parameters[PARAMETER] = code
        is_rtl = translation.get_language_info(code)["bidi"]
        url = f"?{parameters.urlencode()}"
        choices.append(Choice(code, name, url, is_rtl=is_rtl, is_spoken=code == readers_language(spoken)))
    return choices
