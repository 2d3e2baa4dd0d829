"""A daily's morning: import 114,000 readers, send one issue to all of them by HTTP and by SMTP, account for each.

    python benchmarks/daily.py [--readers N] [--sqlite]

The providers are fakes on loopback that speak Mailgun's HTTP API and SMTP, in processes of their own, and count for
themselves who got what. The run fails unless every reader got the issue exactly once, each with a working way out of
their own, and the balance line adds up.
"""

from __future__ import annotations

import argparse
import random
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.installation import SLUG, installed, timed
from benchmarks.sending import check_links, prove
from benchmarks.table import mb, options
from tests.fakes.client import Fake

ISSUE = "the-tide-keeps-its-own-clock"


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--sqlite", action="store_true", help="on SQLite and the embedded broker")
    chosen = parser.parse_args()
    where = "SQLite, embedded broker" if chosen.sqlite else "PostgreSQL, Redis"
    print(f"{chosen.readers:,} readers; {where}; 2 worker processes")
    with Fake("mailgun") as fake:
        run("HTTP (Mailgun)", fake, chosen)
    with Fake("smtp") as fake:
        run("SMTP", fake, chosen)


def run(name: str, fake: Fake, chosen: argparse.Namespace) -> None:
    times: dict[str, float] = {}
    with installed(mailer_url=fake.mailer_url, on_servers=not chosen.sqlite) as courant:
        courant.manage("seed_demo", "--subscribers", "0")
        readers = write_csv(courant.folder / "readers.csv", chosen.readers)
        with timed(times, "import"):
            courant.manage("import_subscribers", SLUG, str(readers))
        with courant.workers() as staff, timed(times, "send"):
            before = staff.usage.cpu()
            courant.manage("send_issue", SLUG, ISSUE, "--wait")
            cpu, peak = staff.usage.cpu() - before, staff.usage.peak()
        prove(courant, fake, readers=chosen.readers)
        check_links(courant, fake)
    speed = chosen.readers / times["send"]
    print(
        f"{name:<15} import {times['import']:6.1f} s   send {times['send']:6.1f} s   {speed:7,.0f} readers/s   "
        f"peak memory of one process {mb(peak):>7}   {cpu.total / chosen.readers * 1000:.2f} CPU-s per 1,000",
        flush=True,
    )


def write_csv(file: Path, readers: int) -> Path:
    """In no order of use, with names from many scripts, as lists are."""
    names = ["Ada", "Émile", "José", "Дарья", "Ελένη", "지우", "美咲", "ليلى", "O'Neill", ""]
    numbers = list(range(readers))
    random.Random(7).shuffle(numbers)
    with file.open("w", encoding="utf-8") as rows:
        rows.write("email,first_name\n")
        rows.writelines(
            f"reader.{number}@example{number % 97}.com,{names[number % 10]}\n" for number in numbers
        )
    return file


if __name__ == "__main__":
    main()
