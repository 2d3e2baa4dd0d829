from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from config import processes
from config.processes import Part, Runner

Lines = list[tuple[str, str]]
ROOT = Path(__file__).resolve().parent.parent.parent
SLEEP = "import time; print('up', flush=True); time.sleep(60)"
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def run(*parts: Part, until: Callable[[Lines], bool]) -> Lines:
    """Runs the parts; once `until` is content with the lines, asks for the stop as Ctrl-C does."""
    lines: Lines = []
    runner = Runner(parts, environment=os.environ, write=lambda name, line: lines.append((name, line)))
    runner.run(is_ready=lambda: until(lines), on_ready=lambda: os.kill(os.getpid(), signal.SIGINT))
    return lines


def test_runner_prefixes_whole_lines_and_stops_on_interrupt() -> None:
    part = Part(
        "web",
        python("import sys, time; sys.stdout.write('half '); sys.stdout.flush(); time.sleep(0.3); " + SLEEP),
    )

    lines = run(part, until=lambda lines: ("web", "half up") in lines)

    assert lines == [
        ("web", "half up"),
        ("courant", "Stopping ... (Ctrl-C once more ends it at once)"),
        ("courant", "Stopped."),
    ]


def test_runner_starts_a_dead_part_again() -> None:
    part = Part("beat", python("print('tick', flush=True); raise SystemExit(3)"))

    lines = run(part, until=lambda lines: lines.count(("beat", "tick")) == 2)

    assert lines[:3] == [
        ("beat", "tick"),
        ("courant", "beat ended (exit code 3); it starts again in 1 s."),
        ("beat", "tick"),
    ]


def test_runner_kills_what_does_not_stop_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "STOP_SECONDS", 0.5)

    lines = run(Part("worker", python(STUBBORN)), until=lambda lines: ("worker", "up") in lines)

    assert lines[-2:] == [
        ("courant", "Not everything ended by itself; killing what is left."),
        ("courant", "Stopped."),
    ]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ties a child's life to its parent's")
def test_runner_killed_outright_leaves_nothing_behind() -> None:
    sleeper = python("import os, time; print(os.getpid(), flush=True); time.sleep(60)")
    code = (
        "import os; from config.processes import Part, Runner; "
        f"Runner([Part('worker', {sleeper!r})], environment=os.environ,"
        " write=lambda name, line: print(line, flush=True))"
        ".run(is_ready=lambda: False, on_ready=lambda: None)"
    )
    with subprocess.Popen(python(code), cwd=ROOT, stdout=subprocess.PIPE, text=True) as runner:
        assert runner.stdout is not None
        child = int(runner.stdout.readline())
        runner.kill()

    deadline = time.monotonic() + 5
    while Path(f"/proc/{child}").exists() and time.monotonic() < deadline:
        time.sleep(0.05)

    assert not Path(f"/proc/{child}").exists()
