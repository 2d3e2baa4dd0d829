"""A fake Resend: POST /emails and /emails/batch, with its checks, its answers and its idempotency keys.

python -m tests.fakes.resend --port 0          prints {"port": …}; tests/fakes/control.py has the control channel
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import uuid
from functools import partial
from typing import TYPE_CHECKING, Any

from tests.fakes import control, keys, webhooks
from tests.fakes.addresses import address_of, is_address
from tests.fakes.ledger import Trace
from tests.fakes.provider import HttpProvider, Refused, header_link, run
from tests.fakes.web import Request, Response, as_json

if TYPE_CHECKING:
    import argparse

    from tests.fakes.events import Kind, Posting

LARGEST_BATCH = 100
MOST_RECIPIENTS = 50
VALIDATION = "validation_error"
A_DAY = 24 * 60 * 60
TAG = re.compile(r"[A-Za-z0-9_-]{1,256}")
FORMAT = "The email address needs to follow the `email@example.com` or `Name <email@example.com>` format."
TROUBLE = {
    429: ("rate_limit_exceeded", "Too many requests. You can only make 5 requests per second."),
    500: ("application_error", "An unexpected error occurred."),
    503: ("internal_server_error", "An unexpected error occurred."),
}
Mail = dict[str, Any]


class Resend(HttpProvider):
    def __init__(self, options: argparse.Namespace) -> None:
        super().__init__(options)
        self._authorization = f"Bearer {options.key}"
        self._keys = keys.Keys(life=options.key_life)
        self._series, self._mails = str(uuid.uuid4())[:24], 0

    def clear(self) -> None:
        super().clear()
        self._keys.clear()

    def refusal(self, request: Request) -> Response | None:
        if request.path not in {"/emails", "/emails/batch"}:
            return said(404, "not_found", "The requested endpoint does not exist.")
        if request.method != "POST":
            return said(
                405, "method_not_allowed", "This endpoint does not support the specified HTTP method."
            )
        if "user-agent" not in request.headers:
            return Response(403, b"error code: 1010", "text/plain")
        if "authorization" not in request.headers:
            return said(401, "missing_api_key", "Missing API key in the authorization header.")
        if request.headers["authorization"] != self._authorization:
            return said(403, "invalid_api_key", "API key is invalid.")
        if not 1 <= len(request.headers.get("idempotency-key", "-")) <= keys.LONGEST:
            return said(400, "invalid_idempotency_key", "The key must be between 1-256 chars.")
        return None

    def trouble(self, status: int) -> Response:
        response = said(status, *TROUBLE.get(status, TROUBLE[500]))
        if status == 429:
            response.headers |= {"Ratelimit-Limit": "5", "Ratelimit-Remaining": "0", "Ratelimit-Reset": "1"}
        return response

    def posting(self, kind: Kind, trace: Trace, *, secret: str) -> Posting:
        return webhooks.resend(kind, trace, secret=secret)

    def accept(self, request: Request) -> Response:
        key = request.headers.get("idempotency-key")
        if key is None:
            return self._send(request)
        digest = _digest(request)
        match self._keys.state(key, digest):
            case "busy":
                text = "Same idempotency key used while original request is still in progress."
                return said(409, "concurrent_idempotent_requests", text)
            case "other":
                text = "Same idempotency key used with a different request payload."
                return said(409, "invalid_idempotent_request", text)
            case "repeat":
                self.ledger.tally["repeats"] += 1
                return Response(200, self._keys.answer(key))
        response = self._send(request)
        if response.status == 200:  # what was refused was not sent, and may come again
            busy = self.faults.latency + self.faults.key_busy
            self._keys.remember(key, digest, answer=response.body, busy=busy, life=self.faults.key_life)
        return response

    def accept_late(self, request: Request) -> None:
        key = request.headers.get("idempotency-key")
        if key is not None:
            if self._keys.state(key, digest := _digest(request)) != "new":
                return
            self._keys.remember(key, digest, busy=self.faults.late + 60)

        def accept() -> None:
            if key is not None:
                self._keys.forget(key)
            self.accept(request)

        asyncio.get_running_loop().call_later(self.faults.late, accept)

    def _send(self, request: Request) -> Response:
        try:
            read = json.loads(request.body)
        except ValueError:
            return said(400, "validation_error", "The request body is not valid JSON.")
        try:
            if request.path == "/emails":
                self._check(read, in_batch=False)
                return as_json({"id": self._take(read)})
            return self._send_batch(read, request.headers.get("x-batch-validation", "strict"))
        except Refused as refused:
            return said(refused.status or 422, refused.code or VALIDATION, str(refused))

    def _send_batch(self, mails: Any, validation: str) -> Response:
        if not isinstance(mails, list):
            raise Refused("The `request.body` field must be an `array`.")
        if not 1 <= len(mails) <= LARGEST_BATCH:
            raise Refused(f"The `request.body` field must contain between 1 and {LARGEST_BATCH} emails.")
        if validation not in {"strict", "permissive"}:
            raise Refused("The `x-batch-validation` header must be `strict` or `permissive`.")
        errors, good = [], []
        for index, mail in enumerate(mails):
            try:
                self._check(mail, in_batch=True)
                good.append(mail)
            except Refused as refused:
                if validation == "strict":
                    raise
                errors.append({"index": index, "message": str(refused)})
        answer: dict[str, Any] = {"data": [{"id": self._take(mail)} for mail in good]}
        return as_json(answer | {"errors": errors} if validation == "permissive" else answer)

    def _check(self, mail: Any, *, in_batch: bool) -> None:
        if not isinstance(mail, dict):
            raise Refused("Each email must be an `object`.")
        for name in ("from", "to", "subject"):
            if not mail.get(name):
                raise Refused(f"Missing `{name}` field.", code="missing_required_field")
        if not (mail.get("html") or mail.get("text")):
            raise Refused("Missing `html` or `text` field.", code="missing_required_field")
        if in_batch and (extra := {"attachments", "scheduled_at"} & mail.keys()):
            raise Refused(f"The `{min(extra)}` field is not supported in batches.")
        if not isinstance(mail["from"], str) or not is_address(address_of(mail["from"])):
            raise Refused(f"Invalid `from` field. {FORMAT}", code="invalid_from_address")
        self._check_recipients(mail)
        _check_headers_and_tags(mail)

    def _check_recipients(self, mail: Mail) -> None:
        for field in ("to", "cc", "bcc"):
            addresses = _addresses(mail, field)
            if len(addresses) > MOST_RECIPIENTS:
                raise Refused(f"The `{field}` field must have at most {MOST_RECIPIENTS} addresses.")
            if not all(map(is_address, addresses)):
                raise Refused(f"Invalid `{field}` field. {FORMAT}")
            self.refuse_the_named(addresses, f"Invalid `{field}` field. {FORMAT}")

    def _take(self, mail: Mail) -> str:
        self._mails += 1
        number = f"{self._series}{self._mails:012x}"
        to = _addresses(mail, "to")
        others = [address for field in ("cc", "bcc") for address in _addresses(mail, field)]
        self.took(
            [*to, *others],
            shown=len(to),
            link=header_link(mail.get("headers") or {}),
            mail=partial(_shown, mail, number),
        )
        if self.ledger.has_trail:
            headers = mail.get("headers") or {}
            for address in [*to, *others]:
                trace = Trace(address, number, mail["from"], mail["subject"], headers=headers)
                self.ledger.follow(trace)
        return number


def said(status: int, name: str, message: str) -> Response:
    return as_json({"statusCode": status, "name": name, "message": message}, status=status)


def _digest(request: Request) -> bytes:
    digest = hashlib.sha256(request.path.encode() + b"\n", usedforsecurity=False)
    digest.update(request.body)
    return digest.digest()


def _addresses(mail: Mail, field: str) -> list[str]:
    written = mail.get(field) or []
    if isinstance(written, str):
        written = [written]
    if not isinstance(written, list) or not all(isinstance(one, str) for one in written):
        raise Refused(f"The `{field}` field must be a `string` or an `array` of strings.")
    return [address_of(one) for one in written]


def _check_headers_and_tags(mail: Mail) -> None:
    headers, tags = mail.get("headers") or {}, mail.get("tags") or []
    if not isinstance(headers, dict) or not all(isinstance(value, str) for value in headers.values()):
        raise Refused("The `headers` field must be an `object` of strings.")
    for tag in tags:
        if not all(TAG.fullmatch(str(tag.get(part, ""))) for part in ("name", "value")):
            raise Refused("Tags should only contain ASCII letters, numbers, underscores, or dashes.")


def _shown(mail: Mail, number: str) -> dict[str, Any]:
    return {"id": number, **mail}


def main() -> None:
    parser = control.options("A fake Resend on loopback.")
    parser.add_argument("--key", default="key-test")
    parser.add_argument(
        "--key-life", type=float, default=A_DAY, help="seconds an idempotency key is remembered"
    )
    run(Resend(parser.parse_args()))


if __name__ == "__main__":
    main()
