"""The sign-up form for other sites: what to copy, and how it looks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.admin.views.decorators import staff_member_required
from django.core.exceptions import PermissionDenied
from django.shortcuts import get_object_or_404, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from newsletter import team
from newsletter.adminsite import site
from newsletter.locale import spoken_by
from newsletter.models import Newsletter
from newsletter.site import absolute_url
from newsletter.team import Right
from subscribers import known, wordings
from subscribers.forms import SubscribeForm

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

THEMES = ("light", "dark")
# Of the frame, in pixels: what stands on the form's page at the width of a phone, and each field that is asked for.
HEIGHT, HEIGHT_OF_A_FIELD = 440, 80


@staff_member_required
@never_cache
@require_safe
def site_form(request: HttpRequest, newsletter_id: int) -> HttpResponse:
    newsletter = get_object_or_404(Newsletter, pk=newsletter_id)
    if not team.may(request.user, Right.SEE, newsletter):
        raise PermissionDenied
    theme = request.GET.get("theme", "")
    theme = theme if theme in THEMES else ""
    path = reverse("subscribers:embed", args=[newsletter.slug]) + (f"?theme={theme}" if theme else "")
    height = HEIGHT + HEIGHT_OF_A_FIELD * len(known.asked(newsletter))
    context = {
        "newsletter": newsletter,
        "theme": theme,
        "frame_path": path,
        "height": height,
        "frame_code": _frame_code(newsletter, path=path, height=height),
        "form_code": _form_code(newsletter),
        "title": _("Sign-up form for other sites"),
    }
    return render(request, "desk/site_form.html", site.each_context(request) | context)


def _frame_code(newsletter: Newsletter, *, path: str, height: int) -> str:
    context = {"newsletter": newsletter, "url": absolute_url(path), "height": height}
    with spoken_by(newsletter):
        return render_to_string("desk/_site_frame_code.html", context).strip()


def _form_code(newsletter: Newsletter) -> str:
    """Without the number of readers: a copy would go on claiming it when it is true no more."""
    with spoken_by(newsletter):
        context = {
            "form": SubscribeForm(fields=known.asked(newsletter)),
            "url": absolute_url(reverse("subscribers:subscribe", args=[newsletter.slug])),
            "wording": wordings.shown(newsletter),
        }
        code = render_to_string("desk/_site_form_code.html", context)
    return "\n".join(line for line in code.splitlines() if line.strip())
