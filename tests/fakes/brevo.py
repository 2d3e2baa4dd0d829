"""A fake Brevo: POST /v3/smtp/email, one mail or as many as there are messageVersions, with its idempotency keys.

python -m tests.fakes.brevo --port 0            prints {"port": …}; tests/fakes/control.py has the control channel
"""

from __future__ import annotations

import json
import re
from functools import partial
from typing import TYPE_CHECKING, Any

from tests.fakes import control, keys
from tests.fakes.addresses import is_address
from tests.fakes.provider import HttpProvider, Refused, header_link, run
from tests.fakes.web import Request, Response, as_json

if TYPE_CHECKING:
    import argparse

LARGEST_BATCH = 1000
MOST_RECIPIENTS = 99
HALF_AN_HOUR = 30 * 60
PARAMETER = re.compile(r"\{\{\s*params\.([\w-]+)\s*\}\}")
TROUBLE = {429: ("too_many_requests", "Too many requests."), 503: ("service_unavailable", "Try again later.")}
Mail = dict[str, Any]


class Brevo(HttpProvider):
    def __init__(self, options: argparse.Namespace) -> None:
        super().__init__(options)
        self._keys = keys.Keys(life=options.key_life)
        self._mails = 0

    def clear(self) -> None:
        super().clear()
        self._keys.clear()

    def refusal(self, request: Request) -> Response | None:
        if (request.method, request.path) != ("POST", "/v3/smtp/email"):
            return said(404, "document_not_found", "Not found")
        if request.headers.get("api-key") != self.options.key:
            return said(401, "unauthorized", "Key not found")
        return None

    def trouble(self, status: int) -> Response:
        return said(status, *TROUBLE.get(status, ("internal_server_error", "Internal server error")))

    def accept(self, request: Request) -> Response:
        try:
            call = json.loads(request.body)
            return self._accept(call)
        except ValueError:
            return said(400, "bad_request", "Input must be a valid JSON object")
        except Refused as refused:
            return said(refused.status or 400, refused.code or "invalid_parameter", str(refused))

    def _accept(self, call: Mail) -> Response:
        key = next((v for k, v in (call.get("headers") or {}).items() if k.lower() == "idempotencykey"), None)
        if key is not None and self._keys.state(key, b"") != "new":
            self.ledger.tally["repeats"] += 1  # answered without its ids: they are told only once
            raise Refused("Email already sent with this idempotencyKey", code="duplicate_parameter")
        versions = call.get("messageVersions")
        mails = [call] if versions is None else [_version(call, version) for version in versions]
        if not 1 <= len(mails) <= LARGEST_BATCH:
            raise Refused(f"messageVersions must hold between 1 and {LARGEST_BATCH} versions")
        for mail in mails:
            self._check(mail)
        ids = [self._take(mail) for mail in mails]
        if key is not None:
            busy = self.faults.latency + self.faults.key_busy
            self._keys.remember(key, b"", busy=busy, life=self.faults.key_life)
        return as_json({"messageId": ids[0]} if versions is None else {"messageIds": ids}, status=201)

    def _check(self, mail: Mail) -> None:
        for name in ("sender", "to", "subject"):
            if not mail.get(name):
                raise Refused(f"{name} is missing", code="missing_parameter")
        if not (mail.get("htmlContent") or mail.get("textContent")):
            raise Refused("Either of htmlContent or textContent is required", code="missing_parameter")
        if not is_address(mail["sender"].get("email", "")):
            raise Refused("valid sender email required")
        addresses = _addresses(mail)
        if len(addresses) > MOST_RECIPIENTS:
            raise Refused(f"A version may have at most {MOST_RECIPIENTS} recipients")
        if bad := next((address for address in addresses if not is_address(address)), None):
            raise Refused(f"email is not valid in to: {bad}")
        self.refuse_the_named(addresses, "email is not valid in to")
        headers = mail.get("headers") or {}
        if not all(isinstance(value, str) for value in headers.values()):
            raise Refused("headers must be strings")

    def _take(self, mail: Mail) -> str:
        self._mails += 1
        number = f"<{self._mails:012}@smtp-relay.mailin.fr>"
        own = mail.get("params") or {}
        texts = [mail.get(part) or "" for part in ("subject", "htmlContent", "textContent")]
        self.ledger.tally["unfilled"] += any(not own.keys() >= set(PARAMETER.findall(text)) for text in texts)
        link = header_link(mail.get("headers") or {})
        self.took(_addresses(mail), shown=len(mail["to"]), link=link, mail=partial(_shown, mail, number))
        return number


def said(status: int, code: str, message: str) -> Response:
    return as_json({"code": code, "message": message}, status=status)


def _version(call: Mail, version: Mail) -> Mail:
    """What a version names goes before what the call says for all; headers are laid one over the other."""
    shared = {name: value for name, value in call.items() if name != "messageVersions"}
    headers = {**(call.get("headers") or {}), **(version.get("headers") or {})}
    return shared | version | {"headers": headers}


def _addresses(mail: Mail) -> list[str]:
    return [one.get("email", "") for field in ("to", "cc", "bcc") for one in mail.get(field) or ()]


def _shown(mail: Mail, number: str) -> dict[str, Any]:
    own = mail.get("params") or {}
    filled = {
        name: PARAMETER.sub(lambda match: str(own.get(match[1], "")), mail[part])
        for name, part in (("subject", "subject"), ("html", "htmlContent"), ("text", "textContent"))
        if mail.get(part)
    }
    headers = {k: v for k, v in (mail.get("headers") or {}).items() if k.lower() != "idempotencykey"}
    return {"id": number, "from": mail["sender"], "to": mail["to"], **filled, "headers": headers}


def main() -> None:
    parser = control.options("A fake Brevo on loopback.")
    parser.add_argument("--key", default="key-test")
    parser.add_argument(
        "--key-life", type=float, default=HALF_AN_HOUR, help="seconds an idempotency key is remembered"
    )
    run(Brevo(parser.parse_args()))


if __name__ == "__main__":
    main()
