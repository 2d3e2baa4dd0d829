"""A fake Postmark: POST /email and /email/batch, with its checks and its answer for each message under one 200.

python -m tests.fakes.postmark --port 0         prints {"port": …}; tests/fakes/control.py has the control channel
"""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from tests.fakes import control, webhooks
from tests.fakes.addresses import address_of, is_address, link_in, split
from tests.fakes.ledger import Trace
from tests.fakes.provider import HttpProvider, run
from tests.fakes.web import Request, Response, as_json

if TYPE_CHECKING:
    import argparse

    from tests.fakes.events import Kind, Posting

LARGEST_BATCH = 500
LARGEST_MAIL, LARGEST_CALL, LARGEST_PART = 10 * 1024**2, 50 * 1024**2, 5 * 1024**2
MOST_RECIPIENTS = 50
METADATA_NAME, METADATA_VALUE, MOST_METADATA = 20, 80, 10
BAD_TOKEN = (
    "The Server Token you provided in the X-Postmark-Server-Token request header was invalid."
    " Please verify that you are using a valid token."
)
INACTIVE = (
    "You tried to send to recipient(s) that have been marked as inactive. Found inactive addresses: {}."
    " Inactive recipients are ones that have generated a hard bounce, a spam complaint, or a manual suppression."
)
REFUSALS = {  # ErrorCodes that say something of one reader or one message
    300: "Invalid 'To' address: '{}'.",
    401: "The Sender signature for the 'From' address is not confirmed. ({})",
    405: "This server has run out of credits. ({})",
    406: INACTIVE,
}
TROUBLE = {
    429: (429, "Rate limit exceeded."),
    500: (0, "Internal Server Error"),
    503: (100, "Maintenance"),
}
Mail = dict[str, Any]


class Refused(Exception):
    def __init__(self, message: str, *, code: int = 300) -> None:
        super().__init__(message)
        self.code = code


class Postmark(HttpProvider):
    def __init__(self, options: argparse.Namespace) -> None:
        super().__init__(options)
        self._series, self._mails = str(uuid.uuid4())[:24], 0

    def refusal(self, request: Request) -> Response | None:
        if request.path not in {"/email", "/email/batch"} or request.method != "POST":
            return Response(404)
        if request.headers.get("x-postmark-server-token", "").lower() != self.options.key.lower():
            return said(401, 10, BAD_TOKEN)
        if "application/json" not in request.content_type.lower():
            return said(415, 409, "JSON required: the Content-Type must be 'application/json'.")
        if len(request.body) > (LARGEST_MAIL if request.path == "/email" else LARGEST_CALL):
            return Response(413)
        return None

    def trouble(self, status: int) -> Response:
        return said(status, *TROUBLE.get(status, TROUBLE[500]))

    def posting(self, kind: Kind, trace: Trace, *, secret: str) -> Posting:
        return webhooks.postmark(kind, trace)

    def accept(self, request: Request) -> Response:
        try:
            read = json.loads(request.body)
        except ValueError:
            return said(422, 402, "Received invalid JSON input. One or more of the fields may be malformed.")
        if request.path == "/email":
            answer = self._answer(read, _now())
            return as_json(answer, status=422 if answer["ErrorCode"] else 200)
        if not isinstance(read, list):
            return said(422, 403, "The JSON was not in the shape of a batch: an array of messages.")
        if len(read) > LARGEST_BATCH:
            return said(422, 410, f"A batch may only contain up to {LARGEST_BATCH} messages.")
        now = _now()
        return as_json([self._answer(mail, now) for mail in read])

    def _answer(self, mail: Any, now: str) -> dict[str, Any]:
        try:
            to, others = self._checked(mail)
        except Refused as refused:
            return {"ErrorCode": refused.code, "Message": str(refused)}
        self._mails += 1
        number = f"{self._series}{self._mails:012x}"
        header = next(
            (h["Value"] for h in mail.get("Headers") or () if h["Name"].lower() == "list-unsubscribe"), ""
        )
        self.took([*to, *others], shown=len(to), link=link_in(header), mail=partial(_shown, mail, number))
        if self.ledger.has_trail:
            known = {"sender": mail["From"], "subject": mail.get("Subject") or ""}
            tags, metadata = [mail["Tag"]] if mail.get("Tag") else [], mail.get("Metadata") or {}
            for address in [*to, *others]:
                self.ledger.follow(Trace(address, number, tags=tags, metadata=metadata, **known))
        return {"To": mail["To"], "SubmittedAt": now, "MessageID": number, "ErrorCode": 0, "Message": "OK"}

    def _checked(self, mail: Any) -> tuple[list[str], list[str]]:
        if not isinstance(mail, dict):
            raise Refused("The JSON was not in the shape of a message.", code=403)
        if not is_address(address_of(mail.get("From") or "")):
            raise Refused(f"Invalid 'From' address: '{mail.get('From', '')}'.")
        to, *others = (_addresses(mail, field) for field in ("To", "Cc", "Bcc"))
        if not to:
            raise Refused("Zero recipients specified")
        _check_parts(mail)
        everybody = to + [address for some in others for address in some]
        if len(everybody) > MOST_RECIPIENTS:
            raise Refused(f"A message may have at most {MOST_RECIPIENTS} recipients.")
        self._refuse_the_named(everybody)
        return to, everybody[len(to) :]

    def _refuse_the_named(self, addresses: list[str]) -> None:
        refuse = self.faults.refuse
        for address in addresses if refuse else ():
            if address in refuse:
                code = refuse[address] if refuse[address] in REFUSALS else 300
                raise Refused(REFUSALS[code].format(address), code=code)


def said(status: int, code: int, message: str) -> Response:
    return as_json({"ErrorCode": code, "Message": message}, status=status)


def _addresses(mail: Mail, field: str) -> list[str]:
    addresses = [address_of(written) for written in split(mail.get(field) or "") if written]
    if bad := next((address for address in addresses if not is_address(address)), None):
        raise Refused(f"Error parsing '{field}': Illegal email address '{bad}'.")
    return addresses


def _check_parts(mail: Mail) -> None:
    if not (mail.get("HtmlBody") or mail.get("TextBody")):
        raise Refused("Provide either email TextBody or HtmlBody or both.")
    if any(len(mail.get(part) or "") > LARGEST_PART for part in ("HtmlBody", "TextBody")):
        raise Refused("A body may have at most 5 MB.")
    headers = mail.get("Headers") or []
    if not isinstance(headers, list) or not all(
        isinstance(h, dict) and isinstance(h.get("Name"), str) and isinstance(h.get("Value"), str)
        for h in headers
    ):
        raise Refused("The 'Headers' must be an array of objects with a Name and a Value.", code=403)
    metadata = mail.get("Metadata") or {}
    if len(metadata) > MOST_METADATA or any(
        len(name) > METADATA_NAME or len(str(value)) > METADATA_VALUE for name, value in metadata.items()
    ):
        raise Refused("Invalid metadata content. Field names may have 20 characters, values 80.")


def _now() -> str:
    return datetime.now(UTC).isoformat()


def _shown(mail: Mail, number: str) -> dict[str, Any]:
    headers = {header["Name"]: header["Value"] for header in mail.get("Headers") or ()}
    return {"MessageID": number, **mail, "Headers": headers}


def main() -> None:
    parser = control.options("A fake Postmark on loopback.")
    parser.add_argument("--key", default="key-test", help="the server token")
    run(Postmark(parser.parse_args()))


if __name__ == "__main__":
    main()
