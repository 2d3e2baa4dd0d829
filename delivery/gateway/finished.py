"""Many readers in one provider call, each with a finished mail of their own: html, text and headers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ImproperlyConfigured

from delivery.gateway import forms
from delivery.gateway.forms import ADDRESS, DELIVERY, KEY, READERS, mark
from delivery.messages import list_unsubscribe

if TYPE_CHECKING:
    from collections.abc import Callable

    from delivery.gateway.forms import Form
    from delivery.messages import IssueMail


def form(mail: IssueMail, *, alias: str, scheme: str) -> Form:
    slots = {*mail.html.slots, *mail.text.slots}
    marks = {name: mark(name) for name in slots}
    ways_out = list_unsubscribe({name: mark(name) for name in mail.ways_out})
    message = forms.draft(
        mail,
        text=mail.text.fill(marks),
        html=mail.html.fill(marks),
        # All of them for each reader: some providers add what is said of one to what is said of all, some replace it.
        merge_headers={ADDRESS: {**mail.headers, "List-Unsubscribe": ways_out}},
        merge_metadata={ADDRESS: {"delivery": mark(DELIVERY)}},
    )
    backend, params = forms.written(message, alias=alias)
    shared, item = CUT[scheme](json.loads(params["data"]))
    return forms.json_form(backend, params, shared, item)


def _list(data: Any) -> tuple[Any, Any]:
    """Resend and Postmark: a list of whole mails."""
    if not isinstance(data, list):
        raise ImproperlyConfigured(
            "Take use_bulk_api out of the mailer URL: that call takes one body for all."
        )
    [item] = data
    return [READERS], item


def _mailtrap(data: Any) -> tuple[Any, Any]:
    [item] = data["requests"]
    return {**data, "requests": [READERS]}, item | _moved(data["base"], "text", "html")


def _brevo(data: Any) -> tuple[Any, Any]:
    [item] = data["messageVersions"]
    own = item | _moved(data, "htmlContent", "textContent")
    # Brevo looks for the key among the mail's headers, not among the call's.
    return {**data, "headers": {"idempotencyKey": KEY}, "messageVersions": [READERS]}, own


def _moved(shared: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: shared.pop(name) for name in names if name in shared}


CUT: dict[str, Callable[[Any], tuple[Any, Any]]] = {
    "brevo": _brevo,
    "mailtrap": _mailtrap,
    "postmark": _list,
    "resend": _list,
}
