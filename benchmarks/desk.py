"""How long the editors' pages take, with a million readers and 2,000 issues on PostgreSQL.

    python benchmarks/desk.py [--readers N] [--issues N] [--strict]

Every page is asked for in the web process itself, without a network, by somebody who may do everything and by an editor
of one newsletter: the best of five, and the first time of all, with empty caches. One issue goes out to every reader:
it is watched when six in ten have it, then stopped, and the rest gets it. So the ledger holds 1.4 rows for each reader.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.installation import ROOT, Installation, installed
from benchmarks.readers import SETTLE, fill
from benchmarks.table import Table, options

PAGE, PREVIEW, RENDERING, COLD = 300.0, 300.0, 150.0, 1000.0  # milliseconds
LIMITS = {"page": PAGE, "preview": PREVIEW, "rendering": RENDERING}
PEOPLE = {"everything": "somebody who may do everything", "editor": "an editor"}
# As if the first of them had gone out a moment ago, by hand-overs of 500; all of them where the share is 1.
GOES_OUT = (
    """
    INSERT INTO delivery_attempt (batch_id, fence, mailer, domain, key, repeats, fingerprint, readers, outcome, detail,
                                  accepted, refused, started_at, ended_at)
    SELECT batch.id, 1, 'bulk', 'example.com', '', 0, '', 500, 'answered', '', 500, 0,
           NOW() - batch.number * INTERVAL '0.05 seconds', NOW()
    FROM delivery_batch AS batch
    WHERE batch.state = 'ready' AND batch.number <= %(share)s * (
        SELECT MAX(other.number) FROM delivery_batch AS other WHERE other.dispatch_id = batch.dispatch_id
    )
    """,
    """
    UPDATE delivery_delivery AS delivery SET state = 'accepted', attempt_id = attempt.id, settled_at = NOW()
    FROM delivery_attempt AS attempt JOIN delivery_batch AS batch ON batch.id = attempt.batch_id
    WHERE delivery.batch_id = batch.id AND delivery.state = 'pending'
    """,
    """
    UPDATE delivery_batch AS batch SET state = 'done'
    FROM delivery_attempt AS attempt WHERE attempt.batch_id = batch.id
    """,
    """
    UPDATE delivery_dispatch AS dispatch SET state = 'sent', finished_at = NOW()
    WHERE state = 'sending' AND NOT EXISTS (
        SELECT 1 FROM delivery_batch AS batch WHERE batch.dispatch_id = dispatch.id AND batch.state <> 'done'
    )
    """,
)
TIDY = "VACUUM (ANALYZE) delivery_delivery, delivery_batch, delivery_attempt, delivery_dispatch, newsletter_issue"
Lines = list[dict[str, Any]]


def main() -> None:
    parser = options(__doc__, readers=1_000_000)
    parser.add_argument("--issues", type=int, default=2000)
    chosen = parser.parse_args()
    with installed(mailer_url="smtp://localhost:2525") as courant:
        fill(courant, chosen.readers)
        courant.rows("ANALYZE")
        _inside(courant, "desk_issues", f"write({chosen.issues})")
        _go_out(courant, share=0.6)
        watched = {who: _pages(courant, f"watch({who!r})") for who in PEOPLE}
        _inside(courant, "desk_issues", "stop()")
        _go_out(courant, share=1.0)
        looked = {who: _pages(courant, f"look({who!r})") for who in PEOPLE}
        rendered = _pages(courant, "render()")
    title = f"{chosen.readers:,} readers, {chosen.issues:,} issues, PostgreSQL"
    tables = [_table(f"The desk for {PEOPLE[who]}: {title}", looked[who]) for who in PEOPLE]
    tables += [_table(f"The same while an issue goes out, for {PEOPLE[who]}", watched[who]) for who in PEOPLE]
    tables.append(_table("Rendering", rendered))
    for table in tables:
        table.show(is_strict=False)
    if chosen.strict and any(table.is_short for table in tables):
        raise SystemExit(1)


def _go_out(courant: Installation, *, share: float) -> None:
    for statement in GOES_OUT:
        courant.rows(statement, {"share": share})
    for statement in (TIDY, *SETTLE):
        courant.rows(statement)


def _inside(courant: Installation, script: str, call: str) -> str:
    text = (ROOT / "benchmarks" / f"{script}.py").read_text(encoding="utf-8")
    return courant.run(f"{text}\n{call}")


def _pages(courant: Installation, call: str) -> Lines:
    found: Lines = json.loads(_inside(courant, "desk_pages", call).splitlines()[-1])
    return found


def _table(title: str, lines: Lines) -> Table:
    table = Table(title)
    for line in lines:
        size = f"{line['queries']} queries, {line['bytes'] / 1000:,.0f} KB, {line['cold']:.0f} ms at first"
        table.at_most(f"{line['name']} ({size})", line["ms"], LIMITS[line["kind"]], form="{:.0f} ms")
    slowest = max(lines, key=lambda line: line["cold"])
    table.at_most(
        f"the slowest at first, with empty caches: {slowest['name']}", slowest["cold"], COLD, form="{:.0f} ms"
    )
    return table


if __name__ == "__main__":
    main()
