"""The disk under the database is full for a while: nothing is lost, nothing is sent twice, and it goes on by itself."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from tests import services
from tests.faults import ground as grounds
from tests.faults import invariants, runs
from tests.faults.actions import CONCURRENCY, Scene
from tests.faults.conftest import ON_SERVERS, Install
from tests.faults.ground import Ground
from tests.faults.harness import Courant, installed
from tests.faults.ledger import UNREACHABLE

READERS, LATENCY, FULL_SECONDS = 300, 0.25, 2.0
DISK = "160m"
LONGEST_FILE = 64 * 1024  # bytes


@pytest.fixture
def small_disk() -> Iterator[Path]:
    with services.temporary_folder() as place:
        place.chmod(0o755)  # PostgreSQL is somebody else, where we are root
        mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(place)]
        may = sys.platform == "linux" and not os.geteuid()
        if not may or subprocess.run(mount, capture_output=True, check=False).returncode:
            pytest.skip("needs the right to mount a small disk (root, on Linux)")
        try:
            yield place
        finally:
            subprocess.run(["umount", str(place)], check=True)


def test_full_disk_of_postgres_loses_and_doubles_nobody(
    servers: Ground, small_disk: Path, tmp_path: Path, seed: int, note: Callable[[str], None]
) -> None:
    with ExitStack() as stack:
        (tmp_path / "ground").mkdir()
        (tmp_path / "courant").mkdir()
        own = stack.enter_context(
            grounds.laid(tmp_path / "ground", on_servers=True, database_within=small_disk)
        )
        courant = stack.enter_context(installed("mailgun", folder=tmp_path / "courant", ground=own))
        courant.start_workers(1, processes=4)
        courant.start_beats(1)
        scene = runs.begun(courant, seed=seed, readers=READERS, latency=LATENCY)
        with on_its_way(scene), filled(small_disk):
            write_on(courant)
            time.sleep(FULL_SECONDS)
        assert own.postgres is not None
        own.postgres.stop()  # it may have given up
        own.postgres.start()
        wrong = runs.closed(scene)

        note(f"full disk: {courant.ledger.of(scene.dispatch)}")
        assert wrong == []
        assert "No space left on device" in (own.postgres.folder / "log").read_text()


@contextmanager
def on_its_way(scene: Scene) -> Iterator[None]:
    assert runs.wait_for(scene, lambda: bool(invariants.copies(scene)))
    scene.doubts += CONCURRENCY * 2
    yield


@pytest.mark.skipif(ON_SERVERS, reason="the workers' own files are the database only with SQLite")
@pytest.mark.skipif(sys.platform != "linux", reason="needs prlimit(2)")
def test_full_disk_of_sqlite_loses_and_doubles_nobody(
    install: Install, seed: int, note: Callable[[str], None]
) -> None:
    courant = install("mailgun")
    scene = runs.begun(courant, seed=seed, readers=READERS, latency=LATENCY)

    with on_its_way(scene), files_no_longer_than(LONGEST_FILE, courant):
        time.sleep(FULL_SECONDS)
    wrong = runs.closed(scene)

    note(f"full disk: {courant.ledger.of(scene.dispatch)}")
    assert wrong == []
    assert "disk" in courant.log()


@contextmanager
def files_no_longer_than(size: int, courant: Courant) -> Iterator[None]:
    """No process of this installation can write beyond it, as if there were no room."""
    running = [psutil.Process(process.pid) for process in (*courant.workers, *courant.beats)]
    everybody = [*running, *courant.children()]
    for process in everybody:
        process.rlimit(psutil.RLIMIT_FSIZE, (size, psutil.RLIM_INFINITY))
    yield
    for process in everybody:
        with suppress(psutil.NoSuchProcess):
            process.rlimit(psutil.RLIMIT_FSIZE, (psutil.RLIM_INFINITY, psutil.RLIM_INFINITY))


def write_on(courant: Courant) -> None:
    """Ask for one log file after the other, as weeks of work would, until there is no room for another."""
    with suppress(*UNREACHABLE):
        for _ in range(10):
            courant.ledger.ask("SELECT pg_switch_wal()")
            courant.ledger.change("CREATE TABLE week ()", "DROP TABLE week")


@contextmanager
def filled(disk: Path) -> Iterator[None]:
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (2**16, 2**12):  # and then the last page
            with suppress(OSError):
                while file.write(b"\0" * size):
                    pass
    yield
    filler.unlink()
