"""An issue to 114,000 readers by Postmark and by Resend, where each call carries a finished mail for each reader.

    python benchmarks/by_bodies.py [--readers N] [--strict]

Against the raw time of the same bytes: as many processes that only push prepared calls at the same kind of provider.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import http_ceilings
from benchmarks.http_ceilings import Call
from benchmarks.installation import installed
from benchmarks.readers import fill, write_issues
from benchmarks.sending import Sending, prove, send
from benchmarks.table import Table, mb, options
from tests.fakes.client import Fake, Name

SIZE = 35_000  # bytes of HTML and text together
PROCESSES = 2


@dataclass(frozen=True, slots=True)
class Provider:
    name: Name
    in_a_call: int  # readers, as delivery/gateway/profiles.py has it
    call: Callable[[dict[str, Any], int], Call]
    query: str = ""


PROVIDERS = (
    Provider("postmark", 200, http_ceilings.postmark_call),
    # Its own pace of five calls a second would be all that is measured.
    Provider("resend", 100, http_ceilings.resend_call, "&per_second=100000"),
)


def main() -> None:
    chosen = options(__doc__).parse_args()
    table = Table(f"By finished bodies: {chosen.readers:,} readers, {SIZE:,} bytes each; PostgreSQL, Redis")
    for provider in PROVIDERS:
        measure(provider, table, readers=chosen.readers)
    table.show(is_strict=chosen.strict)


def measure(provider: Provider, table: Table, *, readers: int) -> None:
    name = provider.name.title()
    sending, mail = sent(provider, readers=readers)
    call = provider.call(mail, provider.in_a_call)
    calls = -(-readers // provider.in_a_call)
    with Fake(provider.name) as fake:
        raw = http_ceilings.push(fake, call, calls=calls, processes=PROCESSES)
        if fake.seen()["mails"] != calls * provider.in_a_call:
            raise SystemExit(f"The raw client did not do the same work: {fake.seen()}")
    raw *= readers / (calls * provider.in_a_call)
    table.note(f"{name}: readers a second", f"{sending.rate:,.0f}")
    table.note(f"{name}: seconds; raw", f"{sending.seconds:.1f}; {raw:.1f} ({mb(calls * len(call))})")
    table.at_most(f"{name}: Courant's time / raw time", sending.seconds / raw, 2.0)
    table.note(f"{name}: CPU-s per 1,000, with PostgreSQL", f"{sending.cpu_per_1000:.3f}")
    table.note(f"{name}: largest worker process", mb(sending.peak))


def sent(provider: Provider, *, readers: int) -> tuple[Sending, dict[str, Any]]:
    """By Courant; and the mail as one of the readers got it."""
    with Fake(provider.name) as fake, installed(mailer_url=fake.mailer_url + provider.query) as courant:
        fill(courant, readers)
        write_issues(courant, "finished", size=SIZE)
        with courant.workers(processes=PROCESSES) as staff:
            sending = send(courant, staff, "finished", readers=readers)
        prove(courant, fake, readers=readers)
        return sending, fake.message(fake.seen()["kept"][0])


if __name__ == "__main__":
    main()
