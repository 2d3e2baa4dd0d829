"""A backup of the test's database, taken and restored as an operator does it: as a whole, behind everybody's back."""

from __future__ import annotations

import shutil
from pathlib import Path

from django.db import connection


class Backup:
    """Holds the database as it was when this was made."""

    def __init__(self, folder: Path) -> None:
        self._name = str(connection.settings_dict["NAME"])
        self._copy = (
            f"{self._name}_backup" if connection.vendor == "postgresql" else str(folder / "backup.sqlite3")
        )
        self._copied(self._name, self._copy)

    def restore(self) -> None:
        self._copied(self._copy, self._name)

    def forget(self) -> None:
        connection.close()
        self._dropped(self._copy)

    def _copied(self, source: str, target: str) -> None:
        connection.close()  # and with it goes SQLite's log, into the file
        self._dropped(target)
        if connection.vendor == "postgresql":
            self._run(f'CREATE DATABASE "{target}" TEMPLATE "{source}"')
        else:
            shutil.copyfile(source, target)

    def _dropped(self, name: str) -> None:
        if connection.vendor == "postgresql":
            self._run(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        else:
            for end in ("", "-wal", "-shm"):
                Path(f"{name}{end}").unlink(missing_ok=True)

    def _run(self, statement: str) -> None:
        with connection._nodb_cursor() as cursor:
            cursor.execute(statement)
