"""`make soak MINUTES=30`: one seed after the other, with ten times the readers and the faults of the suite.

Each seed is an installation of its own. It stops at the first violated invariant, and says how to see it again.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

from tests.faults import actions, runs
from tests.faults import ground as grounds
from tests.faults.harness import installed
from tests.faults.invariants import Figures
from tests.faults.ledger import Ledger
from tests.faults.runs import Run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.fakes.client import Name
    from tests.faults.actions import Scene
    from tests.faults.ground import Ground

READERS, SECONDS, LATENCY = 2000, 40.0, 0.3
WAYS: tuple[tuple[Name, ...], ...] = (
    ("mailgun",),
    ("resend",),
    ("smtp",),
    ("postmark",),
    ("mailgun", "postmark"),
    ("resend", "brevo"),
)
FAULTS = ("kills", "freezes", "drops", "restarts")
FIGURES = tuple(field.name for field in fields(Figures))
COLUMNS = (*FAULTS, *FIGURES, "seconds", "calm in")


def main() -> int:
    options = parsed()
    drawn = actions.ANYWHERE if options.sqlite else actions.ON_SERVERS
    folder = Path(tempfile.mkdtemp(prefix="courant-soak-"))
    print(header(), flush=True)
    done: list[Run] = []
    with grounds.laid(made(folder / "ground"), on_servers=not options.sqlite) as ground:
        try:
            for run in all_runs(ground, folder, drawn, options):
                done.append(run)
                print(row(f"{run.provider} {run.seed}", values(run)), flush=True)
                if run.wrong:
                    break
        except KeyboardInterrupt:
            print("Interrupted.")
    print(total(done))
    if done and done[-1].wrong:
        print(explained(done[-1], folder))
        return 1
    shutil.rmtree(folder)
    return 0


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Faults, for as long as you like.")
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--seed", type=int, default=int(os.environ.get("FAULT_SEED", "0")), help="the first")
    parser.add_argument("--sqlite", action="store_true", help="on SQLite and the embedded broker")
    parser.add_argument("--only", type=lambda words: tuple(words.split("+")), help="such as mailgun+postmark")
    return parser.parse_args()


def all_runs(
    ground: Ground, folder: Path, drawn: tuple[Callable[[Scene], int], ...], options: argparse.Namespace
) -> Iterator[Run]:
    first = options.seed or random.SystemRandom().randrange(1, 1_000_000)
    deadline, seed = time.monotonic() + options.minutes * 60, first
    while time.monotonic() < deadline:
        names = options.only or WAYS[(seed - first) % len(WAYS)]
        own = made(folder / str(seed))
        with installed(*names, folder=own, ground=ground) as courant:
            courant.start_workers(2)
            courant.start_beats(1)
            run = runs.run(courant, drawn, seed=seed, readers=READERS, seconds=SECONDS, latency=LATENCY)
            if run.wrong:
                keep(ground, courant.environment["DATABASE_URL"], own)
            yield run
        if not run.wrong:
            shutil.rmtree(own)
        seed += 1


def made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def keep(ground: Ground, database_url: str, folder: Path) -> None:
    """The servers' words, and the ledger as it stands."""
    for server in (ground.postgres, ground.redis):
        if server is not None:
            shutil.copy(server.folder / "log", folder / f"{server.name}.log")
    ledger = Ledger(database_url)
    for table in ("dispatch", "batch", "attempt", "delivery"):
        rows = ledger.ask(f"SELECT * FROM delivery_{table} ORDER BY id")
        (folder / f"{table}.txt").write_text("".join(f"{each}\n" for each in rows))


def values(run: Run) -> list[int]:
    figures = [getattr(run.figures, name) for name in FIGURES] if run.figures else [0] * len(FIGURES)
    return [*(run.faults[name] for name in FAULTS), *figures, round(run.seconds), round(run.calm_after)]


def row(name: str, numbers: list[int]) -> str:
    return f"{name:<26}" + "".join(f"{number:>10,}" for number in numbers)


def header() -> str:
    return f"{'way and seed':<26}" + "".join(f"{name.replace('_', ' '):>10}" for name in COLUMNS)


def total(done: list[Run]) -> str:
    sums = [sum(column) for column in zip(*map(values, done), strict=True)] if done else []
    return "\n".join([header(), row(f"{len(done)} runs", sums)])


def explained(run: Run, folder: Path) -> str:
    deeds = Counter(run.done)
    lines = [
        f"VIOLATED with {run.provider}, seed {run.seed}:",
        *run.wrong,
        "",
        "What was done, in this order:",
    ]
    lines += [" ".join(run.done), f"({dict(deeds)})", "", f"Logs and ledger: {folder / str(run.seed)}"]
    lines.append(f"Again: {sys.executable} -m tests.faults.soak --seed {run.seed} --only {run.provider}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
