"""Many readers in one provider call: the body goes once, with slots that the provider fills in for each reader."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from delivery.gateway import forms
from delivery.gateway.forms import ADDRESS, DELIVERY, READERS, Rows, mark
from delivery.messages import list_unsubscribe
from newsletter.rendering import PAGE_SLOT, SLOTS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from delivery.gateway.forms import Form
    from delivery.messages import IssueMail, Recipient
    from newsletter.rendering import Stencil

# A word joiner, which nobody sees, keeps what an editor wrote from being read as the provider's own language.
JOINER = "\u2060"
LINKS = frozenset({*SLOTS, "unsubscribe_mail"})
# What any of their languages begins with. In a value it is broken wherever it stands: what follows may be beside it.
BEGINNINGS = re.compile(r"[%\[{]|-(?=courant-)")


@dataclass(frozen=True, slots=True)
class Language:
    """How a provider writes a slot, and where what an editor wrote would begin to be its language, too."""

    slot: str
    own: re.Pattern[str]

    def safe(self, text: str) -> str:
        return self.own.sub(lambda found: f"{found[0][0]}{JOINER}{found[0][1:]}", text)

    def around(self, stencil: Stencil, slots: dict[str, str]) -> str:
        """The stencil in this language. A literal must not run into the slot behind it, either."""
        literals = [self.safe(literal) for literal in stencil.literals]
        begin = self.slot[0]
        ends = [f"{literal}{JOINER}" if literal.endswith(begin) else literal for literal in literals[:-1]]
        return replace(stencil, literals=(*ends, literals[-1])).fill(slots)


LANGUAGES = {
    "mailgun": Language(
        "%recipient.{}%",
        re.compile(r"%(?=(?:recipient|(?:tag_|mailing_list_)?unsubscribe)[\w.:-]*%)"),
    ),
    "mailjet": Language("[[var:{}]]", re.compile(r"\[\[|\{\{|\{%")),
    "sendgrid": Language("-courant-{}-", re.compile(r"-courant-(?=r\d)|<%|\[%")),
}


@dataclass(frozen=True, slots=True)
class Draft:
    """What each provider's own call is made of."""

    mail: IssueMail  # free of the provider's language
    html: str
    text: str
    ways_out: str  # List-Unsubscribe, with slots
    values: dict[str, str]  # by the provider's name for a slot


def safe(recipients: Sequence[Recipient]) -> Sequence[Recipient]:
    """What is said of each reader, as words: a provider that looks at what it has put in once more finds nothing.

    Links hold nothing of the kind, and a joiner would break them.
    """
    names = [name for name in recipients[0].values if name not in LINKS and not PAGE_SLOT.fullmatch(name)]
    if not names:
        return recipients
    return [
        replace(each, values={**each.values, **{name: _inert(each.values[name]) for name in names}})
        for each in recipients
    ]


def _inert(value: str) -> str:
    return BEGINNINGS.sub(rf"\g<0>{JOINER}", value)


def form(mail: IssueMail, *, alias: str, scheme: str) -> Form:
    language = LANGUAGES[scheme]
    # Short names, since each stands in the call once for every reader.
    names = {name: f"r{number}" for number, name in enumerate(_names(mail))}
    slots = {name: language.slot.format(short) for name, short in names.items()}
    draft = Draft(
        mail=_safe(mail, language),
        html=language.around(mail.html, slots),
        text=language.around(mail.text, slots),
        ways_out=list_unsubscribe({name: slots[name] for name in mail.ways_out}),
        values={short: mark(name) for name, short in names.items()},
    )
    return WRITERS[scheme](draft, alias)


def _names(mail: IssueMail) -> list[str]:
    return sorted({*mail.html.slots, *mail.text.slots, *mail.ways_out})


def _safe(mail: IssueMail, language: Language) -> IssueMail:
    headers = {name: language.safe(value) for name, value in mail.headers.items()}
    return replace(
        mail, subject=language.safe(mail.subject), sender=language.safe(mail.sender), headers=headers
    )


def _mailgun(draft: Draft, alias: str) -> Form:
    """Form fields. One variable is in header and bodies; events bring `v:delivery` back as Anymail's metadata."""
    slot = LANGUAGES["mailgun"].slot.format
    message = forms.draft(
        draft.mail,
        text=draft.text,
        html=draft.html,
        headers={**draft.mail.headers, "List-Unsubscribe": draft.ways_out},
        metadata={"delivery": slot("d")},
        merge_data={ADDRESS: {**draft.values, "d": mark(DELIVERY)}},
    )
    backend, params = forms.written(message, alias=alias)
    return _multipart(backend, params)


def _multipart(backend: Any, params: dict[str, Any]) -> Form:
    """RFC 7578, since it needs no %-encoding; the boundary is the same for the same mail."""
    data = params["data"]
    boundary = "courant-" + hashlib.sha256(json.dumps(data).replace(ADDRESS, "").encode()).hexdigest()[:32]
    own = json.loads(data["recipient-variables"])[ADDRESS]
    variables = f'"{ADDRESS}":{json.dumps(own, separators=(",", ":"))}'
    begin = f'--{boundary}\r\nContent-Disposition: form-data; name="'
    parts: list[bytes | Rows] = []
    for name, value in data.items():
        head = f'{begin}{name}"\r\n\r\n'
        if name == "to":
            parts += [Rows.cut(f"{head}{ADDRESS}\r\n", between="")]
        elif name == "recipient-variables":
            parts += [f"{head}{{".encode(), Rows.cut(variables, between=","), b"}\r\n"]
        else:
            parts += [f"{head}{one}\r\n".encode() for one in ([value] if isinstance(value, str) else value)]
    parts += [f"--{boundary}--\r\n".encode()]
    return forms.form(backend, params, parts, content_type=f"multipart/form-data; boundary={boundary}")


def _sendgrid(draft: Draft, alias: str) -> Form:
    message = forms.draft(
        draft.mail,
        text=draft.text,
        html=draft.html,
        merge_headers={ADDRESS: _own_headers(draft)},
        merge_metadata={ADDRESS: {"delivery": mark(DELIVERY)}},
        merge_data={ADDRESS: draft.values},
        esp_extra={"merge_field_format": LANGUAGES["sendgrid"].slot},
    )
    backend, params = forms.written(message, alias=alias)
    shared = json.loads(params["data"])
    [item] = shared["personalizations"]
    item["custom_args"].pop(
        "anymail_id", None
    )  # chance, and the same for every reader; `delivery` says who it is
    return forms.json_form(backend, params, {**shared, "personalizations": [READERS]}, item)


def _mailjet(draft: Draft, alias: str) -> Form:
    """What is said of one reader replaces what is said of all, so every header is said of each.

    Anymail forgets headers and variables when there is but one reader: each of them makes a list of one anew.
    """
    message = forms.draft(
        draft.mail,
        to=[ADDRESS, "second@courant.invalid"],
        text=draft.text,
        html=draft.html,
        merge_headers={ADDRESS: _own_headers(draft)},
        merge_metadata={ADDRESS: {"delivery": mark(DELIVERY)}},
        merge_data={ADDRESS: draft.values},
        esp_extra={"Globals": {"TemplateLanguage": True}},  # without it [[var:…]] would stay as it is
    )
    backend, params = forms.written(message, alias=alias)
    shared = json.loads(params["data"])
    item, _second = shared["Messages"]
    return forms.json_form(backend, params, {**shared, "Messages": [READERS]}, item)


def _own_headers(draft: Draft) -> dict[str, str]:
    own = {name: mark(name) for name in draft.mail.ways_out}
    return {**draft.mail.headers, "List-Unsubscribe": list_unsubscribe(own)}


WRITERS: dict[str, Callable[[Draft, str], Form]] = {
    "mailgun": _mailgun,
    "mailjet": _mailjet,
    "sendgrid": _sendgrid,
}
