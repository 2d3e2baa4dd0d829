"""A fake Mailgun: POST /v3/{domain}/messages with its checks, its answers and its expansion of recipient variables.

python -m tests.fakes.mailgun --port 0          prints {"port": …}; tests/fakes/control.py has the control channel
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import re
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, unquote_to_bytes

from tests.fakes import control
from tests.fakes.web import HttpProtocol, Request, Response, as_json

if TYPE_CHECKING:
    import argparse

LARGEST_BATCH = 1000
ADDRESS = re.compile(r"[^\s@<>(),;:\\\"\[\]]+@(?:[\w-]+\.)+[\w-]{2,}")
NAMED_ADDRESS = re.compile(r"<([^<>]*)>\s*$")
VARIABLE = re.compile(r"%recipient\.([^%\s]+)%")
LINK = re.compile(r"<\s*(https?://[^<>\s]+)\s*>")
NEVER = re.compile(r"^\.|\.\.|\.@")
Fields = dict[str, list[str]]


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


class Mailgun(control.Provider):
    def __init__(self, options: argparse.Namespace) -> None:
        super().__init__(options)
        self._authorization = "Basic " + base64.b64encode(f"api:{options.key}".encode()).decode()
        self._calls = 0

    def handle(self, request: Request) -> Response:
        if (controlled := self.control(request)) is not None:
            return controlled
        self.ledger.tally["calls"] += 1
        response = self._messages(request)
        response.delay = self.faults.latency
        return response

    def _messages(self, request: Request) -> Response:
        match request.path.split("/"):
            case ["", "v3", domain, "messages"] if request.method == "POST":
                pass
            case _:
                return Response(200, b"Mailgun Magnificent API", "text/plain")
        if request.headers.get("authorization") != self._authorization:
            return Response(401, b"Forbidden", "text/plain")
        if self.options.domain and unquote(domain) != self.options.domain:
            return as_json({"message": f"Domain not found: {unquote(domain)}"}, status=404)
        fault = self.faults.next()
        self.ledger.tally["faults"] += fault is not None
        if fault == "throttle":
            return as_json(
                {"message": "Too many requests"}, status=429, retry_after=f"{self.faults.retry_after:g}"
            )
        if fault == "error":
            return as_json({"message": "Internal error"}, status=self.faults.error_status or 500)
        if fault == "hang":
            return Response(then="hang")
        response = self._accept(fields_of(request), unquote(domain))
        if fault == "drop":
            response.then = "drop"
        return response

    def _accept(self, fields: Fields, domain: str) -> Response:
        to = [written for value in fields.get("to", []) for written in _split(value)]
        others = [w for name in ("cc", "bcc") for value in fields.get(name, []) for w in _split(value)]
        addresses = [address_of(written) for written in to + others]
        if refused := self._refusal(fields, to, addresses):
            return refused
        has_variables = "recipient-variables" in fields
        variables = json.loads(fields.pop("recipient-variables", ["{}"])[0])
        self._calls += 1
        number = f"<{self._calls:010}.fake@{domain}>"
        call = Call(number, fields, ", ".join(to), has_variables)
        if len(to) > 1 and not call.has_variables:
            self.ledger.tally["exposed"] += len(to)  # every reader sees every other
        self._deliver(call, [*zip(to + others, addresses, strict=True)], variables)
        return as_json({"id": number, "message": "Queued. Thank you."})

    def _refusal(self, fields: Fields, to: list[str], addresses: list[str]) -> Response | None:
        if missing := next((name for name in ("from", "to") if not any(fields.get(name, []))), None):
            return _bad(f"{missing} parameter is missing")
        if not any(any(fields.get(name, [])) for name in ("text", "html", "amp-html", "template")):
            return _bad("Need at least one of 'text', 'html', 'amp-html' or 'template' parameters specified")
        if len(addresses) > LARGEST_BATCH:
            return _bad(f"to parameter has too many recipients, the most is {LARGEST_BATCH}")
        if not all(map(is_address, addresses)):
            return _bad("to parameter is not a valid address. please check documentation")
        if named := next((self.faults.refuse[a] for a in addresses if a in self.faults.refuse), None):
            return as_json(
                {"message": "to parameter is not a valid address. please check documentation"}, status=named
            )
        if not _is_dictionary_of_dictionaries(fields.get("recipient-variables", ["{}"])[0]):
            return _bad("recipient-variables parameter is not a valid JSON dictionary")
        return None

    def _deliver(
        self, call: Call, readers: list[tuple[str, str]], variables: dict[str, dict[str, Any]]
    ) -> None:
        header = next((v[0] for k, v in call.fields.items() if k.lower() == "h:list-unsubscribe"), "")
        used = {
            name for values in call.fields.values() for value in values for name in VARIABLE.findall(value)
        }
        for written, address in readers:
            own = variables.get(address, {})
            link = LINK.search(filled(header, variables=own))
            self.ledger.tally["unfilled"] += not used.issubset(own)
            self.ledger.add(address, link[1] if link else "", partial(call.mail, written, own))


def filled(template: str, *, variables: dict[str, Any]) -> str:
    """Variables without a value stay as they are written, as Mailgun leaves them."""
    if "%recipient." not in template:
        return template
    return VARIABLE.sub(lambda match: str(variables.get(match[1], match[0])), template)


def address_of(written: str) -> str:
    named = NAMED_ADDRESS.search(written)
    return (named[1] if named else written).strip()


def is_address(address: str) -> bool:
    return ADDRESS.fullmatch(address) is not None and NEVER.search(address) is None


def fields_of(request: Request) -> Fields:
    fields: Fields = {}
    pairs = _multipart(request) if "multipart/" in request.content_type else _urlencoded(request)
    for name, value in pairs:
        fields.setdefault(name, []).append(value)
    return fields


def _urlencoded(request: Request) -> list[tuple[str, str]]:
    pairs = (pair.partition(b"=") for pair in request.body.split(b"&") if pair)
    return [(unescaped(name), unescaped(value)) for name, _, value in pairs]


def unescaped(value: bytes) -> str:
    """As urllib's unquote_plus, thirty times faster: %XX read as quoted-printable's =XX, in C."""
    value = value.replace(b"+", b" ")
    if b"=" in value or b"\n" in value:  # never escaped by a careful client, and special to quoted-printable
        return unquote_to_bytes(value).decode()
    return binascii.a2b_qp(value.replace(b"%", b"=")).decode()


def _multipart(request: Request) -> list[tuple[str, str]]:
    boundary = request.content_type.partition("boundary=")[2].split(";")[0].strip('" ').encode()
    pairs = []
    for part in request.body.split(b"--" + boundary)[1:-1]:
        head, _, value = part.partition(b"\r\n\r\n")
        name = re.search(rb'name="((?:[^"\\]|\\.)*)"', head)
        if name is not None and b"filename=" not in head:
            pairs.append((name[1].decode(), value.removesuffix(b"\r\n").decode()))
    return pairs


def _split(value: str) -> list[str]:
    """Mailgun takes several addresses in one field, too; a comma inside a quoted name parts nothing."""
    if "," not in value:
        return [value]
    return [
        written.strip() for written in re.split(r',(?=(?:[^"]*"[^"]*")*[^"]*$)', value) if written.strip()
    ]


def _is_dictionary_of_dictionaries(written: str) -> bool:
    try:
        read = json.loads(written)
    except ValueError:
        return False
    return isinstance(read, dict) and all(isinstance(value, dict) for value in read.values())


def _bad(message: str) -> Response:
    return as_json({"message": message}, status=400)


def main() -> None:
    parser = control.options("A fake Mailgun on loopback.")
    parser.add_argument("--key", default="key-test")
    parser.add_argument("--domain", default="", help="the only sending domain there is; any, when left out")
    chosen = parser.parse_args()
    mailgun = Mailgun(chosen)
    asyncio.run(control.serve(chosen, services={"port": lambda: HttpProtocol(mailgun.handle)}))


if __name__ == "__main__":
    main()
