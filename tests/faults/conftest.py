"""One ground for all runs of the suite, and an installation of its own for each test."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests import services
from tests.faults import ground as grounds
from tests.faults.ground import Ground
from tests.faults.harness import Courant, installed

SEED = int(os.environ.get("FAULT_SEED", "0")) or random.SystemRandom().randrange(1, 10_000)
ON_SERVERS = bool(os.environ.get("REDIS_URL"))

_lines: list[str] = []
Install = Callable[..., Courant]


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if _lines:
        terminalreporter.section(f"faults: FAULT_SEED={SEED}")
        terminalreporter.write("".join(f"{line}\n" for line in _lines))


@pytest.fixture
def seed() -> int:
    print(f"FAULT_SEED={SEED}")
    return SEED


@pytest.fixture
def note() -> Callable[[str], None]:
    """A line for the end of the whole suite."""
    return _lines.append


@pytest.fixture(scope="package")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    with ExitStack() as stack:
        try:
            yield stack.enter_context(grounds.laid(tmp_path_factory.mktemp("ground"), on_servers=ON_SERVERS))
        except services.UnavailableError as error:
            if services.is_required():
                raise
            pytest.skip(str(error))


@pytest.fixture
def servers(ground: Ground) -> Ground:
    """For faults that only servers have."""
    if ground.postgres is None:
        pytest.skip("needs PostgreSQL and Redis, whose faults these are")
    return ground


@pytest.fixture
def install(ground: Ground, tmp_path: Path) -> Iterator[Install]:
    """Hands issues over to these providers, with one worker and its children, and beat."""
    with ExitStack() as stack:

        def started(*names: Any, workers: int = 1, processes: int = 4, **given: Any) -> Courant:
            courant = stack.enter_context(installed(*names, folder=tmp_path, ground=ground, **given))
            courant.start_workers(workers, processes=processes)
            courant.start_beats(1)
            return courant

        yield started
