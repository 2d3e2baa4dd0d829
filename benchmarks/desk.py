"""How long the editors' pages take, with a million readers and 2,000 issues on PostgreSQL.

    python benchmarks/desk.py [--readers N] [--issues N] [--strict]

Every page is asked for in the web process itself, without a network: the best of five, its queries and its bytes. One
issue of the many has gone out to every reader, so the ledger has a row for each; another one is an article of 60 KB.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.installation import ROOT, installed
from benchmarks.readers import SETTLE, fill
from benchmarks.table import Table, options

PAGE, PREVIEW, RENDERING = 300.0, 300.0, 150.0  # milliseconds
LIMITS = {"page": PAGE, "preview": PREVIEW, "rendering": RENDERING}
# As if every one of them had gone out, by hand-overs of 500.
LEDGER = (
    """
    INSERT INTO delivery_attempt (batch_id, fence, mailer, domain, key, repeats, fingerprint, readers, outcome, detail,
                                  accepted, refused, started_at, ended_at)
    SELECT batch.id, 1, 'bulk', 'example.com', '', 0, '', 500, 'answered', '', 500, 0, NOW(), NOW()
    FROM delivery_batch AS batch
    """,
    """
    UPDATE delivery_delivery AS delivery SET state = 'accepted', attempt_id = attempt.id, settled_at = NOW()
    FROM delivery_attempt AS attempt WHERE attempt.batch_id = delivery.batch_id
    """,
    "UPDATE delivery_batch SET state = 'done'",
    "UPDATE delivery_dispatch SET state = 'sent', finished_at = NOW() WHERE state = 'sending'",
    "VACUUM (ANALYZE) delivery_delivery, delivery_batch, delivery_attempt, delivery_dispatch, newsletter_issue",
)


def main() -> None:
    parser = options(__doc__, readers=1_000_000)
    parser.add_argument("--issues", type=int, default=2000)
    chosen = parser.parse_args()
    with installed(mailer_url="smtp://localhost:2525") as courant:
        fill(courant, chosen.readers)
        courant.rows("ANALYZE")
        script = (ROOT / "benchmarks" / "desk_pages.py").read_text(encoding="utf-8")
        courant.run(f"{script}\nwrite({chosen.issues})")
        for statement in (*LEDGER, *SETTLE):
            courant.rows(statement)
        found = json.loads(courant.run(f"{script}\nlook()").splitlines()[-1])
    table = Table(f"The desk: {chosen.readers:,} readers, {chosen.issues:,} issues, PostgreSQL")
    for line in found:
        figure = f"{line['name']} ({line['queries']} queries, {line['bytes'] / 1000:,.0f} KB)"
        table.at_most(figure, line["ms"], LIMITS[line["kind"]], form="{:.0f} ms")
    table.show(is_strict=chosen.strict)


if __name__ == "__main__":
    main()
