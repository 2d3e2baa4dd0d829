"""What grows with the audience: a worker's memory, and CPU per reader, at 10,000 and at 1,000,000 readers.

python benchmarks/growth.py [--way smtp] [--readers N] [--strict]
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from functools import reduce
from operator import add
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.installation import installed
from benchmarks.readers import fill, write_issues
from benchmarks.sending import Sending, prove, send
from benchmarks.table import Table, mb, options
from tests.fakes.client import Fake

FEW, MANY = 10_000, 1_000_000
# 10,000 are sent to within two seconds: one issue to warm up, as the first batches of a million do, then so many more.
TIMES = 10
SIZES = {"mailgun": 35_000, "smtp": 12_500}  # bytes of HTML and text together


def main() -> None:
    parser = options(__doc__, readers=MANY)
    parser.add_argument("--way", choices=tuple(SIZES), default="mailgun")
    chosen = parser.parse_args()
    few = measure(chosen, readers=FEW, times=TIMES)
    many = measure(chosen, readers=chosen.readers, times=1)
    table = Table(f"Growth ({chosen.way}): {FEW:,} and {chosen.readers:,} readers; PostgreSQL, Redis")
    table.at_most("largest worker process, MB", many.peak / 1e6, 150, form="{:.0f}")
    table.at_most("… more than at 10,000, MB", (many.peak - few.peak) / 1e6, 20, form="{:.1f}")
    table.note(
        "all worker processes together at the end, few; many", f"{mb(few.together)}; {mb(many.together)}"
    )
    table.note("CPU-s per 1,000, few; many", f"{few.cpu_per_1000:.3f}; {many.cpu_per_1000:.3f}")
    table.note("… of which PostgreSQL", f"{of_database(few):.3f}; {of_database(many):.3f}")
    table.at_most("CPU per reader, many / few", many.cpu_per_1000 / few.cpu_per_1000, 1.15)
    table.at_most("seconds until the first acceptance", many.first, 10.0, form="{:.1f}")
    table.note("seconds in all; readers a second", f"{many.seconds:.0f}; {many.rate:,.0f}")
    table.show(is_strict=chosen.strict)


def measure(chosen: argparse.Namespace, *, readers: int, times: int) -> Sending:
    """So many issues to the same readers by the same workers, as one."""
    issues = [f"issue-{number}" for number in range(times)]
    with Fake(chosen.way, keep="none") as fake, installed(mailer_url=fake.mailer_url) as courant:
        fill(courant, readers)
        write_issues(courant, "warm-up", *issues, size=SIZES[chosen.way])
        sent = []
        with courant.workers() as staff:
            for issue in ["warm-up", *issues] if times > 1 else issues:
                fake.reset()
                sent.append(send(courant, staff, issue, readers=readers))
                prove(courant, fake, readers=readers)
    return together(sent[-times:])


def together(sent: list[Sending]) -> Sending:
    return replace(
        sent[-1],
        readers=sum(one.readers for one in sent),
        seconds=sum(one.seconds for one in sent),
        cpu=reduce(add, (one.cpu for one in sent)),
    )


def of_database(sending: Sending) -> float:
    return sending.cpu.database / sending.readers * 1000


if __name__ == "__main__":
    main()
