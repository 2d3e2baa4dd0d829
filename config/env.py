"""The environment as settings read it: `NAME`, or a file named by `NAME_FILE` (Docker and systemd secrets).

An empty value means "left out": compose files and .env keep the line of a setting that nobody filled in.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from environs import FileAwareEnv

BASE_DIR = Path(__file__).resolve().parent.parent


class Environment(FileAwareEnv):
    def _get_value(self, env_key: str, default: Any) -> Any:
        value = super()._get_value(env_key, default)
        return default if isinstance(value, str) and not value.strip() else value

    def words(self, name: str, default: list[str]) -> list[str]:
        """A list with commas. Blanks around a word are not part of it, and what is empty is no word."""
        written = (word.strip() for word in self.str(name, "").split(","))
        return [word for word in written if word] or default


env = Environment(strip_whitespace=True)
env.read_env(BASE_DIR / ".env", recurse=False)
