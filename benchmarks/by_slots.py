"""An issue to 114,000 readers by Mailgun, where one call carries many readers and the provider fills in the slots.

    python benchmarks/by_slots.py [--readers N] [--strict]

Against a client that only pushes prepared bytes, and against Anymail's own backend, which knows no ledger, in the same
run; then once more with a provider that takes half a second for each answer.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import http_ceilings
from benchmarks.installation import installed
from benchmarks.readers import fill, write_issues
from benchmarks.sending import Sending, prove, send
from benchmarks.table import READERS, Table, mb, options
from tests.fakes.client import Fake

SIZE = 35_000  # bytes of HTML and text together
OURS, LARGEST = 500, 1000  # readers a call: our batches, and what Mailgun takes
PROCESSES = 2
LATENCY = 0.5  # seconds


def main() -> None:
    chosen = options(__doc__).parse_args()
    with Fake("mailgun") as fake:
        at_once, slowly, mail = run(fake, chosen)
    table = Table(f"By slots (Mailgun): {chosen.readers:,} readers, {SIZE:,} bytes; PostgreSQL, Redis")
    compare(table, at_once, mail)
    table.at_most("CPU-s per 1,000, with PostgreSQL", at_once.cpu_per_1000, 0.10, form="{:.3f}")
    table.note("… of which PostgreSQL", f"{at_once.cpu.database / at_once.readers * 1000:.3f}")
    if chosen.readers == READERS:
        table.at_most(f"seconds, with {LATENCY} s for each answer", slowly.seconds, 12.0, form="{:.1f}")
    else:
        table.note(f"seconds, with {LATENCY} s for each answer", f"{slowly.seconds:.1f}")
    table.note(
        "largest worker process; all together", f"{mb(max(at_once.peak, slowly.peak))}; {mb(slowly.together)}"
    )
    table.show(is_strict=chosen.strict)


def run(fake: Fake, chosen: argparse.Namespace) -> tuple[Sending, Sending, dict[str, Any]]:
    """As fast as it can be, and by a slow provider."""
    with installed(mailer_url=fake.mailer_url) as courant:
        fill(courant, chosen.readers)
        write_issues(courant, "at-once", "slowly", size=SIZE)
        sent = []
        for issue, latency in (("at-once", 0.0), ("slowly", LATENCY)):
            fake.reset()
            fake.faults(latency=latency)
            with courant.workers(processes=PROCESSES) as staff:
                sent.append(send(courant, staff, issue, readers=chosen.readers))
            prove(courant, fake, readers=chosen.readers)
        mail = fake.message(fake.seen()["kept"][0])
    return sent[0], sent[1], mail


def compare(table: Table, sending: Sending, mail: dict[str, Any]) -> None:
    readers = sending.readers
    call = http_ceilings.mailgun_call(mail, OURS)
    with Fake("mailgun") as fake:
        raw = readers / http_ceilings.push(fake, call, calls=-(-readers // OURS), processes=PROCESSES)
    rates = [anymail(mail, readers=readers, at_once=at_once) for at_once in (LARGEST, OURS)]
    table.note("readers a second", f"{sending.rate:,.0f}")
    table.note(f"… raw, {PROCESSES} processes; ratio", f"{raw:,.0f}; {sending.rate / raw:.2f}")
    for at_once, rate in zip((LARGEST, OURS), rates, strict=True):
        table.note(f"… Anymail alone, {at_once:,} a call", f"{rate:,.0f}")
    table.at_least("Courant / Anymail alone at its best", sending.rate / max(rates), 1.0)


def anymail(mail: dict[str, Any], *, readers: int, at_once: int) -> float:
    """Readers a second."""
    with Fake("mailgun") as fake:
        seconds = http_ceilings.anymail_mailgun(fake, mail, readers=readers, at_once=at_once)
        seen = fake.seen()
    if (seen["mails"], seen["links"], seen["unfilled"]) != (readers, readers, 0):
        raise SystemExit(f"Anymail alone did not do the same work: {seen}")
    return readers / seconds


if __name__ == "__main__":
    main()
