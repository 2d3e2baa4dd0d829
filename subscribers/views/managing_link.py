"""How a reader gets the link to their page: by typing the address, or by one press behind a link they have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.shortcuts import get_object_or_404

from newsletter.models import Newsletter
from newsletter.views import speaking
from subscribers import guard, managing, tasks, tokens
from subscribers.addresses import masked
from subscribers.consent import Method
from subscribers.forms.managing import AddressAskedForm
from subscribers.guard import Verdict
from subscribers.views import asking, holding, pages, riddles
from subscribers.views.bounds import form_page, link_page
from subscribers.views.pages import read_or_act

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.http import HttpRequest, HttpResponse


@form_page
def ask_manage(request: HttpRequest, slug: str = "") -> HttpResponse:
    """The answer is the same for everybody: it never tells whether an address is known."""
    newsletter = get_object_or_404(Newsletter, slug=slug) if slug else None
    with speaking.speaking(request, newsletter=newsletter):
        form = AddressAskedForm(request.POST if request.method == "POST" else None)
        if not form.is_valid():
            return _form_page(request, newsletter, form)
        post = _post(request, form.cleaned_data["email"])
        around: dict[str, Any] = {"newsletter": newsletter, "layout": "subscribers/_page.html"}
        match guard.judge(post):
            case Verdict.RIDDLE:
                return riddles.ask(request, post, **around)
            case Verdict.TOO_MANY:
                return riddles.too_many(request, **around)
            case Verdict.PASS:
                managing.note_wish(
                    post.email,
                    newsletter=newsletter,
                    circumstances=asking.circumstances(request, Method.FORM),
                )
                tasks.wake_to_take_in()
    context = {"typed_address": post.email, "ask_url": request.path + speaking.query(request)}
    return _page(request, "subscribers/ask_manage_sent.html", newsletter, context)


@read_or_act
@link_page
def fresh(request: HttpRequest, token: str) -> HttpResponse:
    """A new link for one that has run out, to the address that the old one was mailed to."""
    if request.method != "POST":
        return holding.to_page(request, token)
    try:
        claim = tokens.read_manage(token)
    except tokens.ExpiredManageToken as expired:
        claim = expired.claim
    except tokens.InvalidToken:
        return pages.link_is_unknown(request)
    subscriber = holding.owner(claim)
    if subscriber is None:
        return holding.leads_nowhere(request)
    managing.mail_link(subscriber)
    tasks.wake(subscriber.pk)
    context = {"masked_address": masked(subscriber.email)}
    return _page(request, "subscribers/ask_manage_sent.html", None, context, reader=subscriber.language)


def _form_page(request: HttpRequest, newsletter: Newsletter | None, form: AddressAskedForm) -> HttpResponse:
    shown = request.POST.get("shown") or guard.form_token()
    status = 422 if form.is_bound else 200
    return _page(
        request, "subscribers/ask_manage.html", newsletter, {"form": form, "shown": shown}, status=status
    )


def _post(request: HttpRequest, email: str) -> guard.Post:
    return guard.Post(
        email=email,
        network=asking.network(request),
        newsletter_ids=(),  # nobody signs up here: all wishes for a link are counted together
        honeypot=request.POST.get("website", ""),
        shown=request.POST.get("shown", ""),
        riddle=request.POST.get("riddle", ""),
        answer=request.POST.get("answer", ""),
    )


def _page(
    request: HttpRequest,
    template: str,
    newsletter: Newsletter | None,
    context: Mapping[str, object],
    *,
    status: int = 200,
    reader: str = "",
) -> HttpResponse:
    response = speaking.page(request, template, context, newsletter=newsletter, reader=reader, status=status)
    return pages.private(response)
