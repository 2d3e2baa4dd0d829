"""A fake Mailgun: POST /v3/{domain}/messages with its checks, its answers and its expansion of recipient variables.

python -m tests.fakes.mailgun --port 0          prints {"port": …}; tests/fakes/control.py has the control channel
"""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from tests.fakes import control, webhooks
from tests.fakes.addresses import address_of, is_address, link_in, split
from tests.fakes.forms import Fields, fields_of
from tests.fakes.ledger import Trace
from tests.fakes.provider import HttpProvider, run
from tests.fakes.web import Request, Response, as_json

if TYPE_CHECKING:
    import argparse

    from tests.fakes.events import Kind, Posting

LARGEST_BATCH = 1000
LARGEST_CALL = 25 * 1024**2
VARIABLE = re.compile(r"%recipient\.([^%\s]+)%")
BAD_ADDRESS = "to parameter is not a valid address. please check documentation"
TROUBLE = {429: "Too many requests", 503: "Service Unavailable"}
Variables = dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Call:
    """One accepted call, shared by all its readers' mails."""

    id: str
    fields: Fields
    shown_to: str  # the To header: with recipient variables each reader sees only their own address
    has_variables: bool

    def first(self, name: str) -> str:
        return self.fields.get(name, [""])[0]

    def mail(self, written: str, variables: dict[str, Any]) -> dict[str, Any]:
        """The mail one reader gets."""
        fill = partial(filled, variables=variables)
        prefixed = {"h:": "headers", "v:": "variables"}
        mail: dict[str, Any] = {"id": self.id, "to": written if self.has_variables else self.shown_to}
        mail |= {name: fill(self.first(name)) for name in ("from", "subject", "text", "html")}
        for prefix, name in prefixed.items():
            mail[name] = {k[2:]: fill(v[0]) for k, v in self.fields.items() if k.startswith(prefix)}
        return mail | {"tags": self.fields.get("o:tag", [])}

    def trace(self, address: str, variables: dict[str, Any]) -> Trace:
        shown = self.mail(address, variables)
        known = {"tags": shown["tags"], "metadata": shown["variables"]}
        return Trace(address, self.id, shown["from"], shown["subject"], **known)


class Mailgun(HttpProvider):
    def __init__(self, options: argparse.Namespace) -> None:
        super().__init__(options)
        self._authorization = "Basic " + base64.b64encode(f"api:{options.key}".encode()).decode()
        self._calls = 0

    def refusal(self, request: Request) -> Response | None:
        domain = _domain(request)
        if not domain or request.method != "POST":
            return Response(200, b"Mailgun Magnificent API", "text/plain")
        if request.headers.get("authorization") != self._authorization:
            return Response(401, b"Forbidden", "text/plain")
        if self.options.domain and domain != self.options.domain:
            return as_json({"message": f"Domain not found: {domain}"}, status=404)
        if len(request.body) > LARGEST_CALL:
            return as_json({"message": "Request Entity Too Large"}, status=413)
        return None

    def trouble(self, status: int) -> Response:
        return as_json({"message": TROUBLE.get(status, "Internal error")}, status=status)

    def posting(self, kind: Kind, trace: Trace, *, secret: str) -> Posting:
        return webhooks.mailgun(kind, trace, secret=secret)

    def accept(self, request: Request) -> Response:
        fields = fields_of(request)
        to = [written for value in fields.get("to", []) for written in split(value)]
        others = [w for name in ("cc", "bcc") for value in fields.get(name, []) for w in split(value)]
        addresses = [address_of(written) for written in to + others]
        if refused := self._refusal_of(fields, addresses):
            return refused
        has_variables = "recipient-variables" in fields
        variables = variables_of(fields.pop("recipient-variables", ["{}"])[0])
        if variables is None:
            return _bad("recipient-variables parameter is not a valid JSON dictionary")
        self._calls += 1
        number = f"<{self._calls:010}.fake@{_domain(request)}>"
        call = Call(number, fields, ", ".join(to), has_variables)
        if len(to) > 1 and not has_variables:
            self.ledger.tally["exposed"] += len(to)  # every reader sees every other
        self._deliver(call, [*zip(to + others, addresses, strict=True)], variables)
        return as_json({"id": number, "message": "Queued. Thank you."})

    def _refusal_of(self, fields: Fields, addresses: list[str]) -> Response | None:
        if missing := next((name for name in ("from", "to") if not any(fields.get(name, []))), None):
            return _bad(f"{missing} parameter is missing")
        if not any(any(fields.get(name, [])) for name in ("text", "html", "amp-html", "template")):
            return _bad("Need at least one of 'text', 'html', 'amp-html' or 'template' parameters specified")
        if len(addresses) > LARGEST_BATCH:
            return _bad(f"to parameter has too many recipients, the most is {LARGEST_BATCH}")
        if not all(map(is_address, addresses)):
            return _bad(BAD_ADDRESS)
        if named := next((self.faults.refuse[a] for a in addresses if a in self.faults.refuse), None):
            return as_json({"message": BAD_ADDRESS}, status=named)
        return None

    def _deliver(self, call: Call, readers: list[tuple[str, str]], variables: Variables) -> None:
        header = next((v[0] for k, v in call.fields.items() if k.lower() == "h:list-unsubscribe"), "")
        used = {
            name for values in call.fields.values() for value in values for name in VARIABLE.findall(value)
        }
        for written, address in readers:
            own = variables.get(address, {})
            self.ledger.tally["unfilled"] += not own.keys() >= used
            link = link_in(filled(header, variables=own))
            self.ledger.add(address, link, partial(call.mail, written, own))
            if self.ledger.has_trail:
                self.ledger.follow(call.trace(address, own))


def filled(template: str, *, variables: dict[str, Any]) -> str:
    """Variables without a value stay as they are written, as Mailgun leaves them."""
    if "%recipient." not in template:
        return template
    return VARIABLE.sub(lambda match: str(variables.get(match[1], match[0])), template)


def variables_of(written: str) -> Variables | None:
    try:
        read = json.loads(written)
    except ValueError:
        return None
    is_right = isinstance(read, dict) and all(isinstance(value, dict) for value in read.values())
    return read if is_right else None


def _domain(request: Request) -> str:
    match request.path.split("/"):
        case ["", "v3", domain, "messages"]:
            return unquote(domain)
    return ""


def _bad(message: str) -> Response:
    return as_json({"message": message}, status=400)


def main() -> None:
    parser = control.options("A fake Mailgun on loopback.")
    parser.add_argument("--key", default="key-test")
    parser.add_argument("--domain", default="", help="the only sending domain there is; any, when left out")
    run(Mailgun(parser.parse_args()))


if __name__ == "__main__":
    main()
