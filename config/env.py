"""The environment as settings read it: `NAME`, or a file named by `NAME_FILE` (Docker and systemd secrets)."""

from __future__ import annotations

from pathlib import Path

from environs import FileAwareEnv

BASE_DIR = Path(__file__).resolve().parent.parent

env = FileAwareEnv(strip_whitespace=True)
env.read_env(BASE_DIR / ".env", recurse=False)
