"""By which page somebody signs up: a newsletter's own, the small one in another site's frame, or that of them all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.http import Http404
from django.urls import reverse

from newsletter.models import Newsletter, ReaderField
from newsletter.views import speaking
from subscribers import facts
from subscribers.forms import SubscribeForm, SubscribeToSeveralForm

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.http import HttpRequest

    from subscribers.facts import Facts

PAGE, FRAME = "subscribers/_page.html", "subscribers/_frame.html"
THEMES = ("light", "dark")  # that a frame may ask for, to fit the page around it


@dataclass(frozen=True, slots=True)
class Door:
    template: str
    layout: str  # what all its pages extend
    url: str  # of the form, which posts to itself
    again_url: str  # "send it again"
    newsletters: list[Newsletter]  # that can be had here
    newsletter: Newsletter | None  # whose page it is; None: the site's own
    facts: Facts | None = None  # of that newsletter
    theme: str = ""
    apart: Sequence[Newsletter] = ()  # those that have to be had one by one

    @property
    def is_framed(self) -> bool:
        return self.layout == FRAME

    def form(self, data: Any = None) -> SubscribeForm:
        if self.facts:
            return SubscribeForm(data, fields=self.facts.fields)
        found = ReaderField.objects.filter(newsletter__in=self.newsletters, is_asked=True)
        return SubscribeToSeveralForm(data, newsletters=self.newsletters, fields=found)


def of_newsletter(request: HttpRequest, slug: str) -> Door:
    known = _facts(slug)
    query = speaking.query(request)
    return Door(
        template="subscribers/subscribe.html",
        layout=PAGE,
        url=reverse("subscribers:subscribe", args=[slug]) + query,
        again_url=reverse("subscribers:resend", args=[slug]) + query,
        newsletters=[known.newsletter],
        newsletter=known.newsletter,
        facts=known,
    )


def in_a_frame(request: HttpRequest, slug: str) -> Door:
    """`?theme=light` or `dark` in the frame's address fits it to the page around it, as far as that is known."""
    known = _facts(slug)
    asked = {"theme": request.GET.get("theme", ""), speaking.PARAMETER: speaking.asked_for(request)}
    theme = asked["theme"] = asked["theme"] if asked["theme"] in THEMES else ""
    query = urlencode({name: value for name, value in asked.items() if value})
    query = f"?{query}" if query else ""
    return Door(
        template="subscribers/embed.html",
        layout=FRAME,
        url=reverse("subscribers:embed", args=[slug]) + query,
        again_url=reverse("subscribers:embed_resend", args=[slug]) + query,
        newsletters=[known.newsletter],
        newsletter=known.newsletter,
        facts=known,
        theme=theme,
    )


def _facts(slug: str) -> Facts:
    try:
        return facts.of(slug)
    except Newsletter.DoesNotExist:
        raise Http404 from None


def of_all(request: HttpRequest) -> Door:
    query = speaking.query(request)
    together, apart = _sorted(list(Newsletter.objects.prefetch_related("usual_times")))
    return Door(
        template="subscribers/subscribe_all.html",
        layout=PAGE,
        url=reverse("subscribers:subscribe_all") + query,
        again_url=reverse("subscribers:resend_all") + query,
        newsletters=together,
        newsletter=None,
        apart=apart,
    )


def _sorted(newsletters: list[Newsletter]) -> tuple[list[Newsletter], list[Newsletter]]:
    """Those that one form can ask for, and those that mean something else by a field's name than one before them."""
    meant: dict[str, tuple[str, tuple[str, ...]]] = {}
    apart: set[int] = set()
    for field in ReaderField.objects.filter(is_asked=True).order_by("newsletter__name", "newsletter_id"):
        meaning = (str(field.kind), tuple(field.options))
        if meant.setdefault(field.name, meaning) != meaning:
            apart.add(field.newsletter_id)
    together = [newsletter for newsletter in newsletters if newsletter.pk not in apart]
    return together, [newsletter for newsletter in newsletters if newsletter.pk in apart]
