"""Signing up and leaving, many at once: gunicorn, PostgreSQL and Redis on this machine's cores.

    python benchmarks/door.py [--readers N] [--posts N] [--strict]

One-click unsubscribes come as fast as they are answered. Then hostile posts: of ten addresses again and again, and of
ever new ones out of some networks, while somebody reads the archive; what the mail server was handed is counted. At
last sign-ups at a steady 300 a second, half of them by people who are readers already, each from a network of their
own; a worker of lower priority takes them in beside.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import psutil

from benchmarks.installation import ROOT, SLUG, Installation, installed
from benchmarks.readers import fill, write_issues
from benchmarks.sending import send
from benchmarks.table import Table, options
from benchmarks.visitors import Request, Seen, visit
from config.processes import bound_to_parent
from tests import services
from tests.fakes.client import Fake

HOST = "news.example.org"
SIGN_UPS, SECONDS = 300, 20  # a second; for so long
LEAVING = 10_000
SIZE = 12_500  # bytes of the issue they leave by
POSTS = 100_000
LOOK = 15  # seconds
FLOOD = 500  # posts a second
READING = 20  # archive pages a second
VICTIMS, HOSTILE_NETWORKS = 10, 200
PRODUCTION = {
    "DEBUG": "0",
    "SECRET_KEY": "benchmark-0f4a7c1e9b2d5836-a1b2c3d4e5f60718-99887766",
    "LINK_KEYS": "benchmark-5d41402abc4b2a76b9719d911017c592-links",
    "SUPPRESSION_KEY": "benchmark-7d793037a0760186574b0282f2f435e7-suppression",
    "SITE_URL": f"https://{HOST}",
    "ALLOWED_HOSTS": HOST,
    "TRUSTED_PROXIES": "1",
    "WEB_CONCURRENCY": "2",
    "LINK_CHECKS": "0",  # no domain is looked up: there is no internet here
}
# The ways out of an issue that has gone out, as a mail program has them; and the words of the form.
BEFORE = """
import json
from delivery.models import Dispatch
from newsletter.models import Newsletter
from subscribers import tokens, wordings
from subscribers.models import Subscription
newsletter = Newsletter.objects.get(slug={newsletter!r})
wordings.keep(newsletter)
mark = str(Dispatch.objects.latest("pk").pk)
rows = Subscription.objects.filter(status="active").order_by("pk").values_list("pk", flat=True)[:{count}]
links = [tokens.unsubscribe_token(pk, mark=mark) for pk in rows]
print(json.dumps([wordings.shown(newsletter).digest, links]))
"""
# A day on which a crowd is expected, after the siege.
LAUNCH = (
    "UPDATE newsletter_newsletter SET usual_sign_ups = 1000000",
    "UPDATE subscribers_siege SET ended_at = NOW() WHERE ended_at IS NULL",
)
DUE = "SELECT COUNT(*) FROM subscribers_letter WHERE due_at <= NOW()"
UNTAKEN = "SELECT COUNT(*) FROM subscribers_signup"
HELD_BACK = "SELECT COUNT(*) FROM subscribers_letter WHERE due_at > NOW()"
GONE = "SELECT COUNT(*) FROM subscribers_consentevent WHERE kind = 'left' AND method = 'one_click'"
# Waiting, or taken in: whoever signed up since the launch, each from a network of their own.
NOTED = """
SELECT (SELECT COUNT(*) FROM subscribers_signup)
     + (SELECT COUNT(*) FROM subscribers_consentevent WHERE kind = 'asked' AND network NOT LIKE '203.0.%%')
"""
HOSTILE = ("victim", "made.up")


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--posts", type=int, default=POSTS)
    chosen = parser.parse_args()
    with Fake("smtp") as fake, installed(mailer_url=fake.mailer_url) as courant:
        fill(courant, chosen.readers)
        courant.environment |= PRODUCTION | {
            "TRANSACTIONAL_MAILER_URL": fake.mailer_url,
            "STATIC_ROOT": str(courant.folder / "static"),
        }
        courant.manage("collectstatic", "--noinput", "--verbosity", "0")
        write_issues(courant, "door", size=SIZE)
        with _web(courant) as port, courant.workers(processes=1) as staff:
            send(courant, staff, "door", readers=chosen.readers)
            _step_back(staff.usage.pids)
            before = BEFORE.format(newsletter=SLUG, count=LEAVING)
            wording, tokens = json.loads(courant.run(before).splitlines()[-1])
            table = _measured(courant, fake, port, wording, tokens, posts=chosen.posts)
    table.show(is_strict=chosen.strict)


def _measured(
    courant: Installation, fake: Fake, port: int, wording: str, tokens: list[str], *, posts: int
) -> Table:
    table = Table("At the door: 2 web processes of 8 threads, one worker, PostgreSQL, Redis")
    _said("an archive page, alone")
    asyncio.run(visit(port, HOST, _archive(100)))  # everything is loaded and connected
    alone = asyncio.run(visit(port, HOST, _archive(200), rate=READING))
    _said("one-click unsubscribes")
    left = asyncio.run(visit(port, HOST, (_one_click(token) for token in tokens)))
    [(gone,)] = courant.rows(GONE)
    _said("hostile posts")
    before = fake.seen()["mails"]
    hostile, beside = asyncio.run(_flooded(port, posts))
    _until_none(courant, UNTAKEN)
    _until_none(courant, DUE)
    mails = fake.seen()["mails"] - before
    most = max((count for to, count in fake.counts().items() if to.startswith(HOSTILE)), default=0)
    [(held_back,)] = courant.rows(HELD_BACK)
    _said("sign-ups")
    for statement in LAUNCH:
        courant.rows(statement)
    time.sleep(5)  # until the web processes know
    asyncio.run(visit(port, HOST, _sign_ups(100, wording, since=10**6)))
    _until_none(courant, UNTAKEN)
    came = asyncio.run(visit(port, HOST, _sign_ups(SIGN_UPS * SECONDS, wording), rate=SIGN_UPS))
    [(waiting,)] = courant.rows(UNTAKEN)
    time.sleep(LOOK)
    [(still,)] = courant.rows(UNTAKEN)
    table.at_least("sign-ups a second", came.rate, SIGN_UPS * 0.99, form="{:.0f}")
    table.at_most("… 99 in 100 answered within, ms", came.share(0.99), 150, form="{:.0f}")
    table.note("… half of them within, ms; answers", f"{came.share(0.5):.0f}; {came.told()}")
    table.note("… taken in a second, by one worker process", f"{(waiting - still) / LOOK:.0f}")
    [(noted,)] = courant.rows(NOTED)
    table.at_least("… written down", noted, SIGN_UPS * SECONDS + 100, form="{:,.0f}")
    table.at_least("one-click unsubscribes a second", left.rate, 500, form="{:.0f}")
    table.note("… 99 in 100 within, ms; answers", f"{left.share(0.99):.0f}; {left.told()}")
    table.at_least("… written down", gone, len(tokens), form="{:,.0f}")
    table.note(f"{posts:,} hostile posts: a second; answers", f"{hostile.rate:.0f}; {hostile.told()}")
    table.note("… mails that went out for them; held back by the siege", f"{mails:,}; {held_back:,}")
    table.at_most("… most mails that one address got", most, 1, form="{:.0f}")
    table.note("archive page alone, half within, ms", f"{alone.share(0.5):.1f}")
    slower = beside.share(0.5) / alone.share(0.5)
    table.at_most("… beside the flood, as often as long", slower, 1.5)
    return table


def _step_back(pids: list[int]) -> None:
    """The worker's processes go after the web's, as docs/install.md has them."""
    for pid in pids:
        for process in (psutil.Process(pid), *psutil.Process(pid).children(recursive=True)):
            process.nice(10)


def _said(what: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {what}", file=sys.stderr, flush=True)


async def _flooded(port: int, posts: int) -> tuple[Seen, Seen]:
    """Until the posts are over; somebody reads meanwhile."""
    seconds = posts / FLOOD
    pages = _archive(int(seconds * READING))
    hostile, beside = await asyncio.gather(
        visit(port, HOST, _hostile(posts), rate=FLOOD),
        visit(port, HOST, pages, rate=READING, connections=4),
    )
    return hostile, beside


def _sign_ups(count: int, wording: str, *, since: int = 0) -> Iterator[Request]:
    """Every other one is a reader's."""
    for number in range(since, since + count):
        known = f"reader.{number}@example{number % 97}.com"
        email = known if number % 2 else f"new.{number}@example{number % 97}.com"
        yield Request(f"/{SLUG}/subscribe/", {"email": email, "wording": wording}, _spread(number))


def _spread(number: int) -> str:
    """Each from a /24 of its own."""
    return f"{11 + (number >> 16)}.{number >> 8 & 255}.{number & 255}.9"


def _hostile(count: int) -> Iterator[Request]:
    for number in range(count):
        email = (
            f"victim{number // 2 % VICTIMS}@example.com" if number % 2 else f"made.up.{number}@example.net"
        )
        yield Request(
            f"/{SLUG}/subscribe/", {"email": email}, f"203.0.{number % HOSTILE_NETWORKS}.{number % 250}"
        )


def _archive(count: int) -> Iterator[Request]:
    return itertools.repeat(Request(f"/{SLUG}/"), count)


def _one_click(token: str) -> Request:
    return Request(f"/s/unsubscribe/{token}", {"List-Unsubscribe": "One-Click"})


def _until_none(courant: Installation, question: str, *, seconds: float = 600.0) -> float:
    start = time.monotonic()
    while courant.rows(question)[0][0]:
        if time.monotonic() - start > seconds:
            raise SystemExit(f"Still not none: {question}")
        time.sleep(0.2)
    return time.monotonic() - start


@contextmanager
def _web(courant: Installation) -> Iterator[int]:
    """gunicorn, as the image starts it."""
    port = services.free_port()
    command = [sys.executable, "-m", "gunicorn", "-c", "deploy/gunicorn.py", "-b", f"127.0.0.1:{port}"]
    with (courant.folder / "web.log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "--log-level", "warning", "--access-logfile", "/dev/null", "config.wsgi"],
            cwd=ROOT,
            env=courant.environment,
            stdout=log,
            stderr=log,
            preexec_fn=bound_to_parent(),
        )
    try:
        asyncio.run(_up(port))
        yield port
    finally:
        process.terminate()
        process.wait(60)


async def _up(port: int) -> None:
    for _ in range(200):
        seen = await visit(port, HOST, [Request("/healthz")], connections=1)
        if seen.answers[200]:
            return
        await asyncio.sleep(0.2)
    raise SystemExit("The web process does not come up.")


if __name__ == "__main__":
    main()
