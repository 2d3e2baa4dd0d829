"""A daily's morning: import 114,000 readers, send one issue to all of them by HTTP and by SMTP, account for each.

    python benchmarks/daily.py [--readers N] [--sqlite]

The providers are fakes on loopback that speak Mailgun's HTTP API and SMTP, in processes of their own, and count for
themselves who got what. The run fails unless every reader got the issue exactly once, each with a working way out of
their own, and the balance line adds up.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.installation import Installation, installed, timed
from tests.fakes.client import Fake

READERS = 114_000
SLUG, ISSUE = "morning-courant", "the-tide-keeps-its-own-clock"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--readers", type=int, default=READERS)
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
        with courant.workers() as usage, timed(times, "send"):
            courant.manage("send_issue", SLUG, ISSUE, "--wait")
        status = json.loads(courant.manage("dispatch_status", "--json"))[0]
        prove(fake, status, readers=chosen.readers)
        check_links(courant, fake)
    speed = chosen.readers / times["send"]
    print(
        f"{name:<15} import {times['import']:6.1f} s   send {times['send']:6.1f} s   {speed:7,.0f} readers/s   "
        f"peak memory of one process {usage.peak / 1e6:4.0f} MB   "
        f"{usage.cpu_seconds / chosen.readers * 1000:.2f} CPU-s per 1,000"
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


def prove(fake: Fake, status: dict[str, object], *, readers: int) -> None:
    seen = fake.seen()
    wanted = {"mails": readers, "recipients": readers, "duplicates": 0, "links": readers, "without_link": 0}
    wanted |= {"unfilled": 0, "exposed": 0}  # no slot left open, no reader shown to another
    got = {key: seen[key] for key in wanted}
    if got != wanted:
        raise SystemExit(f"Not exactly once: wanted {wanted}, the provider saw {got}.")
    if not status["state"] == "sent" or not status["accepted"] == status["audience"] == readers:
        raise SystemExit(f"The balance line does not add up: {status}")


def check_links(courant: Installation, fake: Fake, *, sample: int = 200) -> None:
    """Take the way out of some readers: it must be theirs alone."""
    links = fake.links()
    addresses = random.Random(11).sample(sorted(links), min(sample, len(links)))
    script = f"""
import json
from django.test import Client
from subscribers.models import Subscription
for address, link in json.loads({json.dumps(json.dumps({a: links[a] for a in addresses}))}).items():
    path = link.removeprefix("http://localhost:8000")
    answer = Client().post(path, {{"List-Unsubscribe": "One-Click"}}, headers={{"host": "localhost"}})
    left = Subscription.objects.filter(status="unsubscribed").latest("unsubscribed_at")
    assert (answer.status_code, left.subscriber.email) == (200, address), (answer, address)
print("checked", Subscription.objects.filter(status="unsubscribed").count())
"""
    out = courant.manage("shell", "--no-imports", "-c", script)
    if f"checked {len(addresses)}" not in out:
        raise SystemExit(f"A way out does not work: {out}")


if __name__ == "__main__":
    main()
