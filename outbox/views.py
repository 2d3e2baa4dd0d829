"""The outbox's pages: for development and demos only, and gone (404) where no outbox is kept."""

from __future__ import annotations

from datetime import timedelta
from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from outbox import mailbox, reading

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest

type View[**P] = Callable[Concatenate[HttpRequest, P], HttpResponse]

PHONE = "phone"
LARGEST_NUMBER = 2**63 - 1  # SQLite's
SHOWN_SOURCE = 500_000  # characters; the whole of it can be downloaded
# A mail is somebody else's page: no script, no form, an origin of its own. Its links open a new tab.
BODY_POLICY = (
    "sandbox allow-popups allow-popups-to-escape-sandbox allow-top-navigation-by-user-activation; "
    "default-src 'none'; img-src * data:; style-src 'unsafe-inline'; frame-ancestors 'self'"
)
PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; frame-src 'self'; form-action 'self' {origin}; "
    "base-uri 'none'; frame-ancestors 'none'"
)
OPEN_LINKS_ANEW = '<base target="_blank">'


def outbox_page[**P](view: View[P]) -> View[P]:
    """404 without an outbox; otherwise never cached, and under a policy of its own."""

    @wraps(view)
    def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if not mailbox.is_open():
            raise Http404("This installation keeps no outbox.")
        response = view(request, *args, **kwargs)
        response.headers.setdefault("Content-Security-Policy", PAGE_POLICY.format(origin=""))
        response.headers["Cache-Control"] = "no-store"
        return response

    return guarded


@require_safe
@outbox_page
def mails(request: HttpRequest) -> HttpResponse:
    search = request.GET.get("q", "").strip()
    before = _number(request.GET.get("before", ""))
    found = mailbox.newest(search=search, before=before, limit=mailbox.PAGE + 1)
    context = {
        "mails": found[: mailbox.PAGE],
        "older": found[mailbox.PAGE - 1].number if len(found) > mailbox.PAGE else None,
        "a_minute_ago": timezone.now() - timedelta(minutes=1),
        "is_first_page": before is None,
        "search": search,
        "total": mailbox.count(),
        "matching": mailbox.count(search=search) if search else None,
    }
    return render(request, "outbox/list.html", context)


@require_safe
@outbox_page
def mail(request: HttpRequest, number: int) -> HttpResponse:
    stored = _stored(number)
    if not reading.letter(stored.source).html:
        return redirect("outbox:text", number)
    return _tab(request, stored, "html", is_phone=request.GET.get("width") == PHONE)


@require_safe
@outbox_page
def text(request: HttpRequest, number: int) -> HttpResponse:
    return _tab(request, _stored(number), "text")


@require_safe
@outbox_page
def headers(request: HttpRequest, number: int) -> HttpResponse:
    return _tab(request, _stored(number), "headers")


@require_safe
@outbox_page
def source(request: HttpRequest, number: int) -> HttpResponse:
    stored = _stored(number)
    shown = reading.as_text(stored.source[:SHOWN_SOURCE])
    return _tab(request, stored, "source", source=shown, is_cut=len(stored.source) > SHOWN_SOURCE)


@require_safe
@outbox_page
def body(request: HttpRequest, number: int) -> HttpResponse:
    """The mail's own HTML, for the frame on its page."""
    response = HttpResponse(_with_base(reading.letter(_stored(number).source).html))
    response.headers["Content-Security-Policy"] = BODY_POLICY
    response.headers["X-Frame-Options"] = "SAMEORIGIN"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


@require_safe
@outbox_page
def download(request: HttpRequest, number: int) -> HttpResponse:
    disposition = {"Content-Disposition": f'attachment; filename="mail-{number}.eml"'}
    return HttpResponse(_stored(number).source, content_type="message/rfc822", headers=disposition)


@require_POST
@outbox_page
def empty(request: HttpRequest) -> HttpResponse:
    mailbox.clear()
    return redirect("outbox:list")


def _tab(request: HttpRequest, stored: mailbox.StoredMail, tab: str, **context: Any) -> HttpResponse:
    letter = reading.letter(stored.source)
    everything = {
        "mail": stored.envelope,
        "size": len(stored.source),
        "letter": letter,
        "tab": tab,
        **context,
    }
    response = render(request, "outbox/mail.html", everything)
    # The one-click form posts to wherever the mail says, as a mailbox provider does.
    response.headers["Content-Security-Policy"] = PAGE_POLICY.format(origin=letter.unsubscribe.origin)
    return response


def _stored(number: int) -> mailbox.StoredMail:
    stored = mailbox.find(number) if number <= LARGEST_NUMBER else None
    if stored is None:
        raise Http404("There is no such mail in the outbox.")
    return stored


def _number(written: str) -> int | None:
    return (
        min(int(written), LARGEST_NUMBER)
        if written.isascii() and written.isdigit() and len(written) < 20
        else None
    )


def _with_base(html: str) -> str:
    """The page with our <base>, after its doctype, which must stay first (quirks mode looks different)."""
    start = html.lower().find("<head")
    end = html.find(">", start) + 1 if start >= 0 else 0
    return html[:end] + OPEN_LINKS_ANEW + html[end:]
