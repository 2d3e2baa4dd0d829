"""A fake Mailtrap: POST /api/send and /api/batch, where a request's own fields replace those of the base.

python -m tests.fakes.mailtrap --port 0         prints {"port": …}; tests/fakes/control.py has the control channel
"""

from __future__ import annotations

import json
import uuid
from functools import partial
from typing import TYPE_CHECKING, Any

from tests.fakes import control
from tests.fakes.addresses import is_address
from tests.fakes.provider import HttpProvider, Refused, header_link, run
from tests.fakes.web import Request, Response, as_json

if TYPE_CHECKING:
    import argparse

LARGEST_BATCH = 500
LARGEST_VARIABLES = 1000  # characters of a mail's custom variables
TROUBLE = {429: "Rate limit exceeded", 503: "Service unavailable"}
Mail = dict[str, Any]


class Mailtrap(HttpProvider):
    def __init__(self, options: argparse.Namespace) -> None:
        super().__init__(options)
        self._series, self._mails = str(uuid.uuid4())[:24], 0

    def refusal(self, request: Request) -> Response | None:
        if request.method != "POST" or request.path not in {"/api/send", "/api/batch"}:
            return said(404, "Not found")
        token = request.headers.get("api-token") or request.headers.get("authorization", "")[len("Bearer ") :]
        return None if token == self.options.key else said(401, "Unauthorized")

    def trouble(self, status: int) -> Response:
        return said(status, TROUBLE.get(status, "Internal server error"))

    def accept(self, request: Request) -> Response:
        try:
            call = json.loads(request.body)
        except ValueError:
            return said(400, "The request body is not valid JSON")
        if request.path == "/api/send":
            answer = self._answer(call)
            return as_json(answer, status=200 if answer["success"] else 400)
        requests = call.get("requests") if isinstance(call, dict) else None
        if not isinstance(requests, list) or not 1 <= len(requests) <= LARGEST_BATCH:
            return said(400, f"'requests' must hold between 1 and {LARGEST_BATCH} objects")
        base = call.get("base") or {}
        return as_json({"success": True, "responses": [self._answer(base | one) for one in requests]})

    def _answer(self, mail: Mail) -> dict[str, Any]:
        try:
            addresses = self._checked(mail)
        except Refused as refused:
            return {"success": False, "errors": [str(refused)]}
        ids = [self._number() for _ in addresses]
        link = header_link(mail.get("headers") or {})
        self.took(addresses, shown=len(mail["to"]), link=link, mail=partial(_shown, mail, ids))
        return {"success": True, "message_ids": ids}

    def _number(self) -> str:
        self._mails += 1
        return f"{self._series}{self._mails:012x}"

    def _checked(self, mail: Mail) -> list[str]:
        for name in ("from", "to", "subject"):
            if not mail.get(name):
                raise Refused(f"'{name}' is required")
        if not (mail.get("html") or mail.get("text")):
            raise Refused("must specify either text or html body")
        if not is_address(mail["from"].get("email", "")):
            raise Refused("'from' address is invalid")
        addresses = [one.get("email", "") for field in ("to", "cc", "bcc") for one in mail.get(field) or ()]
        if bad := next((address for address in addresses if not is_address(address)), None):
            raise Refused(f"'to' address '{bad}' is invalid")
        self.refuse_the_named(addresses, "'to' address is invalid")
        if not all(isinstance(value, str) for value in (mail.get("headers") or {}).values()):
            raise Refused("'headers' must be strings")
        if len(json.dumps(mail.get("custom_variables") or {})) > LARGEST_VARIABLES:
            raise Refused(f"'custom_variables' may have at most {LARGEST_VARIABLES} characters")
        return addresses


def said(status: int, message: str) -> Response:
    return as_json({"success": False, "errors": [message]}, status=status)


def _shown(mail: Mail, ids: list[str]) -> dict[str, Any]:
    return {"ids": ids, **mail}


def main() -> None:
    parser = control.options("A fake Mailtrap on loopback.")
    parser.add_argument("--key", default="key-test", help="the API token")
    run(Mailtrap(parser.parse_args()))


if __name__ == "__main__":
    main()
