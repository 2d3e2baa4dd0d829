"""A fake SendGrid: POST /v3/mail/send, with its personalizations and its (legacy) substitutions.

python -m tests.fakes.sendgrid --port 0         prints {"port": …}; tests/fakes/control.py has the control channel
"""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

from tests.fakes import control
from tests.fakes.addresses import is_address
from tests.fakes.provider import HttpProvider, Refused, header_link, run
from tests.fakes.web import Request, Response, as_json

if TYPE_CHECKING:
    import argparse

LARGEST_BATCH = 1000
LARGEST_SUBSTITUTIONS = 10_000  # bytes in one personalization
RESERVED = frozenset(
    {"x-sg-id", "x-sg-eid", "received", "dkim-signature", "content-type", "content-transfer-encoding"}
    | {"to", "from", "subject", "reply-to", "cc", "bcc"}
)
BAD_KEY = "The provided authorization grant is invalid, expired, or revoked"
TROUBLE = {429: "too many requests", 503: "service unavailable"}
Mail = dict[str, Any]


class SendGrid(HttpProvider):
    def __init__(self, options: argparse.Namespace) -> None:
        super().__init__(options)
        self._calls = 0

    def refusal(self, request: Request) -> Response | None:
        if (request.method, request.path) != ("POST", "/v3/mail/send"):
            return said(404, "not found")
        if request.headers.get("authorization") != f"Bearer {self.options.key}":
            return said(401, BAD_KEY)
        if "application/json" not in request.content_type:
            return said(415, "Content-Type should be application/json.")
        return None

    def trouble(self, status: int) -> Response:
        return said(status, TROUBLE.get(status, "internal server error"))

    def accept(self, request: Request) -> Response:
        try:
            self._accept(json.loads(request.body))
        except ValueError:
            return said(400, "Bad Request")
        except Refused as refused:
            return said(refused.status or 400, str(refused), field=refused.field)
        return Response(202, headers={"X-Message-Id": f"fake-{self._calls:012}"})

    def _accept(self, call: Mail) -> None:
        personal = call.get("personalizations") or []
        if not 1 <= len(personal) <= LARGEST_BATCH:
            raise Refused("The personalizations field is required.", field="personalizations")
        if not is_address((call.get("from") or {}).get("email", "")):
            raise Refused("The from email does not contain a valid address.", field="from.email")
        content = call.get("content") or []
        if not content or not all(part.get("value") for part in content):
            raise Refused("The content value must be a string at least one character long.", field="content")
        if [part["type"] for part in content] not in (
            ["text/plain"],
            ["text/html"],
            ["text/plain", "text/html"],
        ):
            raise Refused("text/plain must be first, then text/html.", field="content")
        for index, one in enumerate(personal):
            where = f"personalizations.{index}"
            if not (one.get("subject") or call.get("subject")):
                raise Refused("The subject is required.", field="subject")
            self._check_recipients(one, where)
            _check_what_is_personal(call, one, where)
        self._calls += 1
        texts = [call.get("subject") or "", *(part["value"] for part in content)]
        tags = {tag for one in personal for tag in one.get("substitutions") or ()}
        used = {tag for tag in tags if any(tag in text for text in texts)}
        for one in personal:
            self._take(call, one, used)

    def _check_recipients(self, one: Mail, where: str) -> None:
        addresses = _addresses(one)
        if not one.get("to"):
            raise Refused("The to array is required.", field=f"{where}.to")
        if not all(map(is_address, addresses)):
            raise Refused("Does not contain a valid address.", field=f"{where}.to")
        if len({address.lower() for address in addresses}) < len(addresses):
            raise Refused("Each email address should be unique between to, cc, and bcc.", field=where)
        self.refuse_the_named(addresses, "Does not contain a valid address.")

    def _take(self, call: Mail, one: Mail, used: set[str]) -> None:
        own = one.get("substitutions") or {}
        self.ledger.tally["unfilled"] += not own.keys() >= used
        link = header_link(_headers(call, one))
        shown = partial(_shown, call, one, f"fake-{self._calls:012}")
        self.took(_addresses(one), shown=len(one["to"]), link=link, mail=shown)


def _check_what_is_personal(call: Mail, one: Mail, where: str) -> None:
    substitutions = one.get("substitutions") or {}
    if not all(isinstance(value, str) for value in substitutions.values()):
        raise Refused("Bad Request")
    if sum(len(k) + len(v) for k, v in substitutions.items()) > LARGEST_SUBSTITUTIONS:
        raise Refused("The substitutions are too large.", field=f"{where}.substitutions")
    for name, value in _headers(call, one).items():
        if name.lower() in RESERVED or not isinstance(value, str):
            raise Refused(f"The header {name} is reserved or no string.", field=f"{where}.headers")


def said(status: int, message: str, *, field: str = "") -> Response:
    return as_json({"errors": [{"message": message, "field": field or None, "help": None}]}, status=status)


def _headers(call: Mail, one: Mail) -> dict[str, str]:
    return {**(call.get("headers") or {}), **(one.get("headers") or {})}


def _addresses(one: Mail) -> list[str]:
    return [who.get("email", "") for field in ("to", "cc", "bcc") for who in one.get(field) or ()]


def _shown(call: Mail, one: Mail, number: str) -> dict[str, Any]:
    """Substitutions reach the subject and the content, and no header."""

    def filled(text: str) -> str:
        for tag, value in (one.get("substitutions") or {}).items():
            text = text.replace(tag, value)
        return text

    parts = {
        "text" if part["type"] == "text/plain" else "html": filled(part["value"]) for part in call["content"]
    }
    subject = filled(one.get("subject") or call.get("subject") or "")
    named = {"id": number, "from": call["from"], "to": one["to"], "subject": subject}
    arguments = {**(call.get("custom_args") or {}), **(one.get("custom_args") or {})}
    return named | parts | {"headers": _headers(call, one), "custom_args": arguments}


def main() -> None:
    parser = control.options("A fake SendGrid on loopback.")
    parser.add_argument("--key", default="key-test")
    run(SendGrid(parser.parse_args()))


if __name__ == "__main__":
    main()
