"""A test mail as somebody asks for it, and as it arrives."""

from __future__ import annotations

import email
import email.policy

from django.contrib.auth.models import User

from delivery import proofing, tasks
from delivery.models import Attempt, Batch, Delivery, Dispatch, Proof
from newsletter.models import Issue
from subscribers.models import Subscription
from tests.fakes.client import Fake

State = Proof.State
NAME = '<p>Dear <span class="field" data-field="first_name" data-fallback="friend">friend</span>,</p>'
TOWN = '<p>from <span class="field" data-field="town" data-fallback="far away">far away</span></p>'


def sent(issue: Issue, *addresses: str, by: User, reader: Subscription | None = None) -> Proof:
    proof = proofing.ask(issue, addresses=addresses or ["desk@example.com"], by=by, reader=reader)
    tasks.send_proof(proof.pk)
    proof.refresh_from_db()
    return proof


def mail_to(address: str, server: Fake) -> dict[str, str]:
    """What the one mail to this address says."""
    kept = server.message(address)
    if "source" not in kept:
        return {name: kept[name] for name in ("subject", "text", "html")}
    mail = email.message_from_string(kept["source"], policy=email.policy.default)
    parts = {kind: mail.get_body((kind,)) for kind in ("plain", "html")}
    assert parts["plain"] is not None
    assert parts["html"] is not None
    return {
        "subject": mail["Subject"],
        "text": parts["plain"].get_content(),
        "html": parts["html"].get_content(),
    }


def ledger() -> list[int]:
    return [model.objects.count() for model in (Dispatch, Batch, Delivery, Attempt)]
