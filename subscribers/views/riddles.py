"""The page between a form and its answer, when machines may be at the door; and the one that says: later.

Both speak the language that the caller has activated, and take whatever the caller's pages have around them.
"""

from __future__ import annotations

from functools import cache, wraps
from typing import TYPE_CHECKING, Any

from django.http import HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils import timezone, translation

from newsletter.models import Newsletter
from newsletter.views import speaking
from subscribers import facts, guard, repeats
from subscribers.addresses import InvalidAddress, canonical
from subscribers.tokens import InvalidToken
from subscribers.views import asking, drawn, filling

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from django.http import HttpRequest

    from subscribers.guard.riddles import Riddle

type View = Callable[..., HttpResponse]

PAGE, FRAME = "subscribers/_page.html", "subscribers/_frame.html"
SIGN_UP_PAGES = frozenset({"subscribe", "resend", "embed", "embed_resend"})  # of one newsletter
OURS = frozenset({"riddle", "answer"})
# What a form of ours can hold; whatever else was posted is not written into a page again.
MOST_FIELDS, LONGEST_FIELD = 60, 20_000
LONGEST_ADDRESS = 254  # of what is shown as typed
RETRY_AFTER = 600  # seconds
# Of a riddle, what the gate's page has slots for.
PUT_IN = ("text", "seed", "bits")


def ask(
    request: HttpRequest,
    post: guard.Post,
    *,
    fields: Iterable[tuple[str, str]] | None = None,
    **around: object,
) -> HttpResponse:
    """To the verdict RIDDLE: posts `fields` again to the same address, with `riddle` and `answer`.

    `fields`: as the caller understood them; otherwise all that was posted. `around`: the page's `layout`, and
    its `newsletter` where it has one.
    """
    context = {
        "riddle": guard.riddle(post),
        "fields": filling.inputs(_posted(request) if fields is None else fields),
        "typed_address": post.email,
    }
    return _private(render(request, "subscribers/riddle.html", around | context))


def too_many(request: HttpRequest, **around: object) -> HttpResponse:
    """To the verdict TOO_MANY."""
    response = _private(render(request, "subscribers/too_many.html", around, status=429))
    response.headers["Retry-After"] = str(RETRY_AFTER)
    return response


def gated(view: View) -> View:
    """Hand a network that posts on and on its riddles without looking any further; and everybody, in a siege."""

    @wraps(view)
    def looked_at(request: HttpRequest, *args: Any, **values: Any) -> HttpResponse:
        if request.method != "POST" or not (
            guard.floods.is_flood(asking.network(request)) or _is_besieged(request, values.get("slug", ""))
        ):
            return view(request, *args, **values)
        given = request.POST
        email = _address(given)
        riddle = guard.floods.gate(
            email, riddle=given.get("riddle", ""), answer=given.get("answer", ""), now=timezone.now()
        )
        if riddle is None:
            return view(request, *args, **values)
        return _private(_at_the_gate(request, riddle, email=email))

    return looked_at


def _is_besieged(request: HttpRequest, slug: str) -> bool:
    """Whether all who sign up there are asked a riddle anyway. This post counts as one more."""
    page = request.resolver_match.url_name if request.resolver_match else ""
    if page not in SIGN_UP_PAGES:
        return False
    try:
        newsletter_id = facts.of(slug).newsletter.pk
    except Newsletter.DoesNotExist:
        return False
    now = timezone.now()
    return guard.sieges.is_on(newsletter_id, now=now) and guard.sieges.counts(newsletter_id, now=now)


def _address(given: Any) -> str:
    """As the view behind the gate will read it; "" where it will find none."""
    try:
        if "again" in given:
            return repeats.read(given["again"]).email
        return canonical(given.get("meant") or given.get("email", ""))
    except (InvalidAddress, InvalidToken):
        return ""


def _at_the_gate(request: HttpRequest, riddle: Riddle, *, email: str) -> HttpResponse:
    page = _drawn(
        speaking.language_of(request),
        riddle.seconds,
        layout=layout_of(request),
        is_early=riddle.is_early,
    )
    return page.filled(
        {
            **{name: str(getattr(riddle, name)) for name in PUT_IN},
            "fields": filling.inputs(_posted(request)),
            "address": email or request.POST.get("email", "")[:LONGEST_ADDRESS],
        }
    )


def layout_of(request: HttpRequest) -> str:
    """For a page that is drawn before anybody looked whose it is: some stand in another site's frame."""
    return FRAME if "/embed/" in request.path else PAGE


@cache
def _drawn(language: str, seconds: int, *, layout: str, is_early: bool) -> drawn.Page:
    """Once for each language, layout and time to wait."""
    slots = drawn.slots([*PUT_IN, "fields", "address"])
    context = {
        "riddle": {**slots, "pieces": guard.riddles.PIECES, "seconds": seconds, "is_early": is_early},
        "fields": slots["fields"],
        "typed_address": slots["address"],
        "layout": layout,
    }
    with translation.override(language):
        return drawn.Page(HttpResponse(render_to_string("subscribers/riddle.html", context)))


def _posted(request: HttpRequest) -> Iterator[tuple[str, str]]:
    given = ((name, value) for name, values in request.POST.lists() for value in values if name not in OURS)
    for _, (name, value) in zip(range(MOST_FIELDS), given, strict=False):
        if len(name) + len(value) <= LONGEST_FIELD:
            yield name, str(value)


def _private(response: HttpResponse) -> HttpResponse:
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Robots-Tag"] = "noindex"
    return response
