"""What installations stand on: servers of our own that can be restarted and frozen, and an empty database for each."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import psycopg
import redis

from tests import services
from tests.fakes.client import PROJECT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.services import Server

EMPTY = "empty"


@dataclass
class Ground:
    """Without servers: SQLite files and the embedded broker."""

    folder: Path
    postgres: Server | None = None
    redis: Server | None = None
    _made: int = 0

    def new(self) -> dict[str, str]:
        """An empty database and an empty broker, as an environment names them."""
        if not self._made:
            manage(self._urls(EMPTY), "migrate", "--verbosity", "0")
        self._made += 1
        name = f"courant{self._made}"
        if self.postgres is None or self.redis is None:
            shutil.copyfile(self.folder / f"{EMPTY}.sqlite3", self.folder / f"{name}.sqlite3")
            return self._urls(name)
        self._make(name, template=EMPTY)
        with closing(redis.Redis.from_url(self.redis.url)) as client:
            client.flushall()
        return self._urls(name)

    def _urls(self, name: str) -> dict[str, str]:
        here = {"DATA_DIR": str(self.folder), "DEBUG": "1", "PATH": os.environ["PATH"]}
        if self.postgres is None or self.redis is None:
            return here | {"DATABASE_URL": f"sqlite:///{self.folder}/{name}.sqlite3"}
        if name == EMPTY:
            self._make(name, template="template1")
        url = self.postgres.url.rpartition("/")[0]
        return here | {"DATABASE_URL": f"{url}/{name}", "REDIS_URL": self.redis.url}

    def _make(self, name: str, *, template: str) -> None:
        assert self.postgres is not None
        with closing(connected(self.postgres.url)) as connection:
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"'.encode())


@contextmanager
def laid(folder: Path, *, on_servers: bool, database_within: Path | None = None) -> Iterator[Ground]:
    """Raises tests.services.UnavailableError."""
    with ExitStack() as stack:
        if on_servers:
            postgres = stack.enter_context(services.postgres_server(within=database_within))
            yield Ground(folder, postgres, stack.enter_context(services.redis_server()))
        else:
            yield Ground(folder)


def connected(url: str) -> psycopg.Connection[tuple[object, ...]]:
    parts = urlsplit(url)
    return psycopg.connect(
        host=unquote(parts.netloc.partition("@")[2]),
        dbname=parts.path[1:],
        user=parts.username,
        autocommit=True,
        connect_timeout=2,
    )


def manage(environment: dict[str, str], *words: str) -> str:
    command = [sys.executable, "manage.py", *words]
    return subprocess.run(
        command, cwd=PROJECT, env=environment, stdout=subprocess.PIPE, text=True, check=True
    ).stdout
