"""One issue sent to everybody: how long it took, what it cost, and the proof that everybody has it exactly once."""

from __future__ import annotations

import json
import random
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from benchmarks.installation import Installation, Staff
from benchmarks.usage import Cpu
from tests.fakes.client import Fake

LOOK_EVERY = 0.1  # seconds
LONGEST = 1800.0  # seconds
STATE = """
SELECT dispatch.id, dispatch.state, dispatch.reason
FROM delivery_dispatch AS dispatch JOIN newsletter_issue AS issue ON issue.id = dispatch.issue_id
WHERE issue.slug = %(issue)s
"""
ANSWERS = """
SELECT MIN(attempt.ended_at) FILTER (WHERE attempt.accepted > 0), MAX(attempt.ended_at), SUM(attempt.accepted)
FROM delivery_attempt AS attempt JOIN delivery_batch AS batch ON batch.id = attempt.batch_id
WHERE batch.dispatch_id = %(dispatch)s
"""


@dataclass(frozen=True, slots=True)
class Sending:
    readers: int
    seconds: float  # from "send" to the last acceptance in the ledger
    first: float  # … to the first one
    outside: float  # … until the ledger said that it has gone out
    cpu: Cpu  # from "send" to the end
    peak: int  # bytes of the largest worker process
    together: int  # bytes of the worker with all its processes, at the end

    @property
    def rate(self) -> float:
        return self.readers / self.seconds

    @property
    def cpu_per_1000(self) -> float:
        return self.cpu.total / self.readers * 1000


def send(courant: Installation, staff: Staff, issue: str, *, readers: int) -> Sending:
    """Press "send" and wait for the end. What the workers did before, such as starting, is not this issue's."""
    usage = staff.usage
    before, pressed, start = usage.cpu(), datetime.now(UTC), time.monotonic()
    staff.send(issue)
    dispatch = _wait(courant, staff, issue)
    outside, cpu = time.monotonic() - start, usage.cpu() - before
    [(first, last, accepted)] = courant.rows(ANSWERS, {"dispatch": dispatch})
    if accepted != readers:
        raise SystemExit(f"The attempts accepted {accepted} of {readers} readers.")
    return Sending(
        readers=readers,
        seconds=(last - pressed).total_seconds(),
        first=(first - pressed).total_seconds(),
        outside=outside,
        cpu=cpu,
        peak=usage.peak(),
        together=usage.shared_out(),
    )


def _wait(courant: Installation, staff: Staff, issue: str) -> int:
    """Until it has gone out. Courant's own progress bar counts rows; this looks at one."""
    deadline = time.monotonic() + LONGEST
    while time.monotonic() < deadline:
        time.sleep(LOOK_EVERY)
        staff.check()
        for dispatch, state, reason in courant.rows(STATE, {"issue": issue}):
            if state == "sent":
                return int(dispatch)
            if state not in {"preparing", "sending"}:
                raise SystemExit(f"The dispatch is {state}: {reason}")
    raise SystemExit(f"Not sent within {LONGEST:.0f} s.")


def prove(courant: Installation, fake: Fake, *, readers: int) -> None:
    """Everybody got the newest issue exactly once, with a way out of their own, and the balance adds up."""
    seen = fake.seen()
    wanted = {"mails": readers, "recipients": readers, "duplicates": 0, "links": readers, "without_link": 0}
    wanted |= {"unfilled": 0, "exposed": 0}  # no slot left open, no reader shown to another
    got = {key: seen[key] for key in wanted}
    if got != wanted:
        raise SystemExit(f"Not exactly once: wanted {wanted}, the provider saw {got}.")
    status: dict[str, Any] = json.loads(courant.manage("dispatch_status", "--json"))[0]
    others = ("pending", "in_flight", "failed", "skipped", "uncertain")
    settled = status["accepted"] == status["audience"] == readers
    if status["state"] != "sent" or not settled or any(status[name] for name in others):
        raise SystemExit(f"The balance line does not add up: {status}")


CHECK_LINKS = """
import json
from django.test import Client
from subscribers.models import Subscription
for address, link in json.loads({links!r}).items():
    path = link.removeprefix("http://localhost:8000")
    answer = Client().post(path, {{"List-Unsubscribe": "One-Click"}}, headers={{"host": "localhost"}})
    left = Subscription.objects.filter(status="unsubscribed").latest("unsubscribed_at")
    assert (answer.status_code, left.subscriber.email) == (200, address), (answer, address)
print("checked", Subscription.objects.filter(status="unsubscribed").count())
"""


def check_links(courant: Installation, fake: Fake, *, sample: int = 200) -> None:
    """Take the way out of some readers: it must be theirs alone."""
    links = fake.links()
    addresses = random.Random(11).sample(sorted(links), min(sample, len(links)))
    out = courant.run(
        CHECK_LINKS.format(links=json.dumps({address: links[address] for address in addresses}))
    )
    if f"checked {len(addresses)}" not in out:
        raise SystemExit(f"A way out does not work: {out}")
