"""Mail that comes in by Postal: its bytes, and the public key by which it proves itself."""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from django.utils.module_loading import import_string

if TYPE_CHECKING:
    from django.http import HttpRequest

BLANK = re.compile(r'[\s"]|\\n')
BORDER = re.compile(r"-----[^-]*-----")  # of a PEM file
IN_A_RECORD = re.compile(r"(?:^|;)p=([^;]*)")  # RFC 6376 3.6.1


class Bytes:
    """Not all of its mails are UTF-8."""

    def parse_events(self, request: HttpRequest) -> Any:
        told = json.loads(request.body)
        message = import_string("anymail.inbound.AnymailInboundMessage")
        found = message.parse_raw_mime_bytes(base64.b64decode(told["message"]))
        found.envelope_recipient = told["rcpt_to"]
        event = import_string("anymail.signals.AnymailInboundEvent")
        return [event(event_type="inbound", event_id=str(told.get("id")), message=found)]


def key(given: str) -> str:
    """Its base64 alone, out of whatever it was copied from: a DKIM record, or a PEM file, on one line or on several."""
    text = BORDER.sub("", BLANK.sub("", given))
    in_a_record = IN_A_RECORD.search(text)
    return in_a_record[1] if in_a_record else text


def is_key(given: str) -> bool:
    """Whether a signature can be checked with it."""
    pem = f"-----BEGIN PUBLIC KEY-----\n{key(given)}\n-----END PUBLIC KEY-----"
    try:
        return isinstance(serialization.load_pem_public_key(pem.encode()), RSAPublicKey)
    except (ValueError, UnsupportedAlgorithm):
        return False
