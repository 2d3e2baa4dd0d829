"""From a form's page to the page after it. What it answers is the same for everybody, known or not."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from django.http import QueryDict
from django.shortcuts import redirect
from django.utils.translation import get_language

from newsletter.locale import readers_language
from newsletter.views import speaking
from subscribers import facts, guard, known, repeats, sign_ups, sources, tasks, wordings
from subscribers.consent import Method
from subscribers.guard import Verdict
from subscribers.lifecycle import Wish
from subscribers.repeats import Asked
from subscribers.tokens import InvalidToken
from subscribers.views import asking, drawn, filling, riddles

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.http import HttpRequest, HttpResponse

    from subscribers.forms import SubscribeForm
    from subscribers.views.doors import Door

MOST_TO_READ = 3  # issues, meanwhile


def enter(request: HttpRequest, door: Door) -> HttpResponse:
    """Show the form, or take what was posted at it."""
    with speaking.speaking(request, newsletter=door.newsletter):
        form = door.form(request.POST if request.method == "POST" else None)
        if not form.is_valid():
            return _form_page(request, door, form)
        asked = _asked(request, door, form)
        if form.suggestion:
            repeated = filling.inputs(_repeated(request, door, asked))
            context = {"asked": asked, "suggestion": form.suggestion, "repeated": repeated}
            return _page(request, "subscribers/did_you_mean.html", door, context)
        return _judged(request, door, asked)


def enter_again(request: HttpRequest, door: Door) -> HttpResponse:
    """Take once more what the page's hidden field holds. Within the cool-down no further mail comes of it."""
    if request.method != "POST":
        return redirect(door.url)
    with speaking.speaking(request, newsletter=door.newsletter):
        asked = _held(request, door)
        if asked is None:
            return _page(request, "subscribers/sign_up_over.html", door, {}, status=410)
        if guard.objection(asked.email):  # learnt since: at its field it says what is wrong
            return _form_page(request, door, door.form(_as_posted(door, asked)))
        return _judged(request, door, asked, is_again=True)


def _as_posted(door: Door, asked: Asked) -> QueryDict:
    data = QueryDict(mutable=True)
    for name, value in filling.repeated(asked, is_of_several=door.newsletter is None):
        data.appendlist(name, value)
    data["meant"] = asked.email
    return data


def _held(request: HttpRequest, door: Door) -> Asked | None:
    """None: it is not ours, too old, or for nothing that can be had here."""
    try:
        held = repeats.read(request.POST.get("again", ""))
    except InvalidToken:
        return None
    asked = repeats.only(held, {newsletter.pk for newsletter in door.newsletters})
    return asked if asked.newsletters else None


def _judged(request: HttpRequest, door: Door, asked: Asked, *, is_again: bool = False) -> HttpResponse:
    post = guard.Post(
        email=asked.email,
        network=asking.network(request),
        newsletter_ids=tuple(asked.newsletters),
        honeypot=request.POST.get("website", ""),
        shown=request.POST.get("shown", ""),
        riddle=request.POST.get("riddle", ""),
        answer=request.POST.get("answer", ""),
    )
    match guard.judge(post):
        case Verdict.RIDDLE:
            again = [("again", repeats.token(asked))]
            same = [("meant", asked.email), *_repeated(request, door, asked)]
            fields = again if is_again else same
            return riddles.ask(request, post, newsletter=door.newsletter, fields=fields, layout=door.layout)
        case Verdict.TOO_MANY:
            return riddles.too_many(request, newsletter=door.newsletter, layout=door.layout)
        case Verdict.PASS:
            _take(request, door, asked, is_again=is_again)
    return _next_page(request, door, asked, is_again=is_again)


def _take(request: HttpRequest, door: Door, asked: Asked, *, is_again: bool) -> None:
    wording = {
        newsletter.pk: wordings.note(newsletter, asked.newsletters[newsletter.pk])
        for newsletter in door.newsletters
        if newsletter.pk in asked.newsletters
    }
    circumstances = asking.circumstances(request, Method.FORM)
    wish = replace(asked.wish, is_again=is_again)
    sign_ups.note(asked.email, newsletters=wording, wish=wish, circumstances=circumstances)
    tasks.wake_to_take_in()


def _asked(request: HttpRequest, door: Door, form: SubscribeForm) -> Asked:
    given = form.cleaned_data
    wish = Wish(
        first_name=given["first_name"],
        fields=known.stored(given),
        source=_source(request),
        # A page of no one newsletter speaks as its reader's browser does; so shall the mails that come of it.
        language=speaking.asked_for(request)
        or ("" if door.newsletter else readers_language(get_language() or "")),
    )
    numbers = form.chosen() or [newsletter.pk for newsletter in door.newsletters]
    return Asked(given["email"], {number: filling.wording(request.POST, number) for number in numbers}, wish)


def _source(request: HttpRequest) -> dict[str, str]:
    return sources.told(
        {name: str(value) for name, value in request.POST.items()},
        query={name: str(value) for name, value in request.GET.items()},
        came_from=request.headers.get("Referer", ""),
        host=request.get_host(),
    )


def _repeated(request: HttpRequest, door: Door, asked: Asked) -> list[tuple[str, str]]:
    shown = [("shown", request.POST.get("shown", "")), ("website", request.POST.get("website", ""))]
    pairs = filling.repeated(asked, is_of_several=door.newsletter is None) + shown
    return [(name, value) for name, value in pairs if value]


def _form_page(request: HttpRequest, door: Door, form: SubscribeForm) -> HttpResponse:
    context = {
        "form": form,
        "source": list(_source(request).items()),
        "shown": request.POST.get("shown") or guard.form_token(),
        "offers": [filling.offer(newsletter, form=form) for newsletter in door.newsletters],
    }
    return _page(request, door.template, door, context, status=422 if form.is_bound else 200)


def _next_page(request: HttpRequest, door: Door, asked: Asked, *, is_again: bool) -> HttpResponse:
    is_of_several = door.newsletter is None
    own = {
        "address": asked.email,
        "again": repeats.token(asked),
        "repeated": filling.inputs(filling.repeated(asked, is_of_several=is_of_several)),
    }
    if door.facts is None:
        return _what_now(request, door, asked, own, is_again=is_again)
    # The same for all who sign up there, but for what is their own.
    pages, key = (
        door.facts.pages,
        (door.url, speaking.language_of(request, newsletter=door.newsletter), is_again),
    )
    page: drawn.Page | None = pages.get(key)
    if page is None:
        slots = drawn.slots(own)
        page = pages[key] = drawn.Page(_what_now(request, door, asked, slots, is_again=is_again))
    return page.filled(own)


def _what_now(
    request: HttpRequest, door: Door, asked: Asked, own: Mapping[str, str], *, is_again: bool
) -> HttpResponse:
    chosen = [newsletter for newsletter in door.newsletters if newsletter.pk in asked.newsletters]
    if door.facts:
        latest = [door.facts.latest]
    else:
        latest = [facts.latest_issue(newsletter) for newsletter in chosen[:MOST_TO_READ]]
    context = {
        "is_again": is_again,
        "chosen": chosen,
        "senders": list(dict.fromkeys(newsletter.sender_email for newsletter in chosen)),
        "needs_confirming": any(newsletter.confirms_by_mail for newsletter in chosen),
        "to_read": [issue for issue in latest if issue],
        **own,
    }
    return _page(request, "subscribers/check_inbox.html", door, context)


def _page(
    request: HttpRequest, template: str, door: Door, context: dict[str, object], *, status: int = 200
) -> HttpResponse:
    around = {"door": door, "layout": door.layout}
    return speaking.page(request, template, around | context, newsletter=door.newsletter, status=status)
