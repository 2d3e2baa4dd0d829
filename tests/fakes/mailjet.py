"""A fake Mailjet: POST /v3.1/send, with its Globals, up to fifty Messages and the Variables of each.

python -m tests.fakes.mailjet --port 0          prints {"port": …}; tests/fakes/control.py has the control channel
"""

from __future__ import annotations

import base64
import json
import re
import uuid
from functools import partial
from typing import TYPE_CHECKING, Any

from tests.fakes import control
from tests.fakes.addresses import is_address
from tests.fakes.provider import HttpProvider, Refused, header_link, run
from tests.fakes.web import Request, Response, as_json

if TYPE_CHECKING:
    import argparse

LARGEST_BATCH = 50
VARIABLE = re.compile(r"\[\[var:([\w-]+)(?::\"?([^\]\"]*)\"?)?\]\]")
PARTS = {"subject": "Subject", "html": "HTMLPart", "text": "TextPart"}
OF_ITS_OWN = frozenset(
    {"from", "sender", "subject", "to", "cc", "bcc", "reply-to", "return-path", "message-id"}
)
TROUBLE = {429: ("mj-0026", "Too many requests"), 503: ("mj-0028", "Service unavailable")}
Mail = dict[str, Any]


class Mailjet(HttpProvider):
    def __init__(self, options: argparse.Namespace) -> None:
        super().__init__(options)
        pair = f"{options.key}:{options.secret}".encode()
        self._authorization = "Basic " + base64.b64encode(pair).decode()
        self._mails = 0

    def refusal(self, request: Request) -> Response | None:
        if (request.method, request.path) != ("POST", "/v3.1/send"):
            return Response(404)
        if request.headers.get("authorization") != self._authorization:
            return said(401, "mj-0002", "API key authentication/authorization failure.")
        return None

    def trouble(self, status: int) -> Response:
        return said(status, *TROUBLE.get(status, ("mj-0001", "Internal server error")))

    def accept(self, request: Request) -> Response:
        try:
            call = json.loads(request.body)
        except ValueError:
            return said(400, "mj-0031", "Malformed JSON, please review the syntax and properties types.")
        messages = call.get("Messages")
        if not isinstance(messages, list) or not 1 <= len(messages) <= LARGEST_BATCH:
            return said(400, "mj-0032", f"Messages must hold between 1 and {LARGEST_BATCH} objects.")
        shared = call.get("Globals") or {}
        answers = [self._answer(shared | message) for message in messages]
        status = 200 if all(answer["Status"] == "success" for answer in answers) else 400
        return as_json({"Messages": answers}, status=status)

    def _answer(self, mail: Mail) -> dict[str, Any]:
        try:
            self._check(mail)
        except Refused as refused:
            status = refused.status or 400
            error = problem(status, refused.code or "mj-0013", str(refused)) | {
                "ErrorRelatedTo": [refused.field or "To"]
            }
            return {"Status": "error", "Errors": [error]}
        own, used = mail.get("Variables") or {}, _used(mail)
        self.ledger.tally["unfilled"] += not own.keys() >= used
        everybody = {field: self._numbered(mail.get(field) or []) for field in ("To", "Cc", "Bcc")}
        addresses = [one["Email"] for some in everybody.values() for one in some]
        link = header_link(mail.get("Headers") or {})
        number = everybody["To"][0]["MessageID"]
        self.took(addresses, shown=len(everybody["To"]), link=link, mail=partial(_shown, mail, number))
        return {"Status": "success", "CustomID": mail.get("CustomID", "")} | everybody

    def _numbered(self, recipients: list[dict[str, str]]) -> list[dict[str, Any]]:
        numbered = []
        for one in recipients:
            self._mails += 1
            number = 456_000_000_000_000_000 + self._mails  # more than a double holds, as theirs are
            href = f"https://api.mailjet.com/v3/REST/message/{number}"
            numbered.append(
                {"Email": one["Email"], "MessageUUID": str(uuid.UUID(int=number)), "MessageID": number}
                | {"MessageHref": href}
            )
        return numbered

    def _check(self, mail: Mail) -> None:
        if not is_address((mail.get("From") or {}).get("Email", "")):
            raise Refused("The sender is not a valid address.", field="From")
        if not mail.get("To"):
            raise Refused('At least "To" must be provided.', code="mj-0003", field="To")
        if not (mail.get("HTMLPart") or mail.get("TextPart")):
            text = 'At least "HTMLPart", "TextPart" or "TemplateID" must be provided.'
            raise Refused(text, code="mj-0003", field="HTMLPart")
        addresses = [one.get("Email", "") for field in ("To", "Cc", "Bcc") for one in mail.get(field) or ()]
        for address in addresses:
            if not is_address(address):
                raise Refused(f'"{address}" is an invalid email address.', field="To[0].Email")
        self.refuse_the_named(addresses, "This is an invalid email address.")
        for name, value in (mail.get("Headers") or {}).items():
            if name.lower() in OF_ITS_OWN or not isinstance(value, str):
                raise Refused(f"Header {name} cannot be customized.", code="mj-0011", field="Headers")


def said(status: int, code: str, message: str) -> Response:
    return as_json(problem(status, code, message), status=status)


def problem(status: int, code: str, message: str) -> dict[str, Any]:
    return {
        "ErrorIdentifier": str(uuid.uuid4()),
        "ErrorCode": code,
        "StatusCode": status,
        "ErrorMessage": message,
    }


def _used(mail: Mail) -> set[str]:
    """Variables without a default of their own."""
    texts = [mail.get(part) or "" for part in PARTS.values()]
    found = (VARIABLE.findall(text) for text in texts if "[[var:" in text)
    return {name for some in found for name, default in some if not default}


def _shown(mail: Mail, number: int) -> dict[str, Any]:
    own = mail.get("Variables") or {}
    filled = {
        name: VARIABLE.sub(lambda match: str(own.get(match[1], match[2] or "")), mail[part])
        for name, part in PARTS.items()
        if mail.get(part)
    }
    named = {"id": number, "from": mail["From"], "to": mail["To"]}
    return named | filled | {"headers": mail.get("Headers") or {}, "payload": mail.get("EventPayload", "")}


def main() -> None:
    parser = control.options("A fake Mailjet on loopback.")
    parser.add_argument("--key", default="key-test")
    parser.add_argument("--secret", default="secret-test")
    run(Mailjet(parser.parse_args()))


if __name__ == "__main__":
    main()
