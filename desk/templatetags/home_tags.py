from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import template
from django.utils.translation import gettext as _

from desk import home

register = template.Library()

# The desk's four parts, each with what belongs to it; what is named by no part belongs to the settings.
PARTS = ("issues", "readers", "sending", "settings")
OF_APP = {"subscribers": "readers", "delivery": "sending"}
OF_READERS = ("desk:siege", "desk:burst")
OF_SETTINGS = ("desk:site_form", "desk:letter")
OF_MODEL = {"Issue": "issues", "Picture": "issues"}


@dataclass(slots=True)
class Part:
    name: str
    label: str
    models: list[dict[str, Any]]
    is_here: bool

    @property
    def url(self) -> str:
        return str(self.models[0]["admin_url"])


@register.inclusion_tag("desk/home.html", takes_context=True)
def desk_home(context: dict[str, Any]) -> dict[str, Any]:
    """The admin's start page, above its list of models."""
    request = context["request"]
    return {"home": home.home(request.user), "request": request, "perms": context["perms"]}


@register.inclusion_tag("desk/_nav.html", takes_context=True)
def desk_nav(context: dict[str, Any]) -> dict[str, Any]:
    """The way to every part of the desk that this user may see, at the head of each page."""
    here = _here(context)
    labels = {
        "issues": _("Issues"),
        "readers": _("Readers"),
        "sending": _("Sending"),
        "settings": _("Settings"),
    }
    models: dict[str, list[dict[str, Any]]] = {name: [] for name in PARTS}
    for app in context.get("available_apps") or []:
        for model in app["models"]:
            if model["admin_url"]:
                models[_part(app["app_label"], model["object_name"])].append(model)
    if not any(_is_theirs(model) for model in models["settings"]):
        models["settings"] = []  # to read it all is no reason to go there
    parts = [Part(name, labels[name], models[name], name == here) for name in PARTS if models[name]]
    opts = context.get("opts")
    return {
        "parts": parts,
        "inside": next((part.models for part in parts if opts and part.is_here and len(part.models) > 1), []),
        "model": opts.object_name if opts else "",
        "is_home": here == "home",
    }


def _is_theirs(model: dict[str, Any]) -> bool:
    return any(model["perms"].get(verb) for verb in ("add", "change", "delete"))


def _part(app_label: str, model: str) -> str:
    return OF_MODEL.get(model) or OF_APP.get(app_label, "settings")


def _here(context: dict[str, Any]) -> str:
    """Which part a page belongs to."""
    if opts := context.get("opts"):
        return _part(opts.app_label, opts.object_name)
    match = getattr(context.get("request"), "resolver_match", None)
    page = match.view_name if match else ""
    if page == "admin:index":
        return "home"
    if page.startswith(OF_READERS):
        return "readers"
    if page.startswith(OF_SETTINGS):
        return "settings"
    return "issues" if page.startswith(("desk:", "delivery:")) else ""  # all the others are about an issue
