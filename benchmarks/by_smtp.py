"""An issue to 114,000 readers by SMTP, in mails of 15 KB.

    python benchmarks/by_smtp.py [--readers N] [--strict]

Against as many processes that only push prepared bytes at the same sink, and against the loop that one writes first
with Django; see ceilings.py.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.ceilings import django_loop, raw_mail, smtp_ceiling
from benchmarks.installation import installed
from benchmarks.readers import fill, write_issues
from benchmarks.sending import Sending, prove, send
from benchmarks.table import Table, mb, options
from tests.fakes.client import Fake

SIZE = 12_500  # bytes of HTML and text together: headers and quoted-printable make 15 KB of it
PROCESSES = 2
LOOPED = 40  # one of so many readers is enough for Django's loop, which takes 30 times as long


def main() -> None:
    chosen = options(__doc__).parse_args()
    sending, size = sent(readers=chosen.readers)
    with Fake("smtp") as fake:
        ceiling = smtp_ceiling(fake, mails=chosen.readers, processes=PROCESSES)
    with Fake("smtp") as fake:
        loop = django_loop(fake, mails=max(500, chosen.readers // LOOPED))
    table = Table(f"By SMTP: {chosen.readers:,} readers; PostgreSQL, Redis")
    table.note("bytes of a mail; of the ceiling's", f"{size:,}; {sum(map(len, raw_mail())):,}")
    table.note("mails a second", f"{sending.rate:,.0f}")
    table.note(f"… raw ceiling, {PROCESSES} processes", f"{ceiling.per_second:,.0f}")
    table.note("… plain Django loop", f"{loop.per_second:,.0f}")
    table.at_least("Courant / raw ceiling", sending.rate / ceiling.per_second, 0.5)
    table.at_least("Courant / plain Django loop", sending.rate / loop.per_second, 12, form="{:.1f}")
    table.at_most("CPU-s per 1,000, with PostgreSQL", sending.cpu_per_1000, 0.15, form="{:.3f}")
    table.note("… of which PostgreSQL", f"{sending.cpu.database / sending.readers * 1000:.3f}")
    table.note("… raw ceiling; Django loop", f"{ceiling.cpu_per_1000:.3f}; {loop.cpu_per_1000:.3f}")
    table.note("largest worker process; all together", f"{mb(sending.peak)}; {mb(sending.together)}")
    table.show(is_strict=chosen.strict)


def sent(*, readers: int) -> tuple[Sending, int]:
    """By Courant; and the bytes of a mail."""
    with Fake("smtp") as fake, installed(mailer_url=fake.mailer_url) as courant:
        fill(courant, readers)
        write_issues(courant, "by-smtp", size=SIZE)
        with courant.workers(processes=PROCESSES) as staff:
            sending = send(courant, staff, "by-smtp", readers=readers)
        prove(courant, fake, readers=readers)
        mail = fake.message(fake.seen()["kept"][0])
        return sending, len(mail["source"].encode())


if __name__ == "__main__":
    main()
