"""Each wrong combination of the environment is found by `manage.py check`, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SECRET = "Uw5zK8tQ1vN4xB7mC2rJ9pL6hD3gF0sYaEoIiTnRkPqXwVbMuZc"
GOOD = {
    "SECRET_KEY": SECRET,
    "LINK_KEYS": "q7Rw2mXc9LbT4vYs8KdZ1nHf6PgJ3eAu5oNi-link",
    "SUPPRESSION_KEY": "Zk3Tq8Vb1Xn6Mw4Rj9Ls2Hd7Fp5Gc0Ya-suppression",
    "SITE_URL": "https://news.example.com",
    "MAILER_URL": "postmark://token",
    "TRUSTED_PROXIES": "1",
}


def check(folder: Path, **changes: str | None) -> subprocess.CompletedProcess[str]:
    changed = {name: value for name, value in (GOOD | changes).items() if value is not None}
    environment = {"PATH": os.environ["PATH"], "DATA_DIR": str(folder), **changed}
    command = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def test_production_environment_is_clean(tmp_path: Path) -> None:
    result = check(tmp_path)

    assert (result.returncode, "no issues" in result.stdout) == (0, True), result.stderr


@pytest.mark.parametrize(
    ("changes", "identity"),
    [
        ({"SECRET_KEY": None}, "courant.E001"),
        ({"LINK_KEYS": "short"}, "courant.E002"),
        ({"SUPPRESSION_KEY": None}, "courant.E003"),
        ({"LINK_KEYS": SECRET}, "courant.E004"),
        ({"MAILER_URL": None}, "courant.E005"),
        ({"SITE_URL": "https://news.example.com/path"}, "courant.E006"),
        ({"SITE_URL": "http://news.example.com"}, "courant.E007"),
        ({"ALLOWED_HOSTS": "other.example.com"}, "courant.E008"),
        ({"ALLOWED_HOSTS": "*"}, "courant.E009"),
        ({"MAILER_URL": "postmark://token?no_such_option=1"}, "courant.E010"),
        ({"REDIS_URL": "redis://localhost:1/0"}, "courant.W001"),
        ({"TRUSTED_PROXIES": None}, "courant.W002"),
    ],
)
def test_wrong_combination_is_named_with_a_hint(
    tmp_path: Path, changes: dict[str, str | None], identity: str
) -> None:
    result = check(tmp_path, **changes)

    assert result.returncode == 1
    assert identity in result.stderr
    assert "HINT" in result.stderr


def test_secret_key_may_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(SECRET + "\n")

    assert check(tmp_path, SECRET_KEY=None, SECRET_KEY_FILE=str(tmp_path / "key")).returncode == 0


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"MAILER_URL": "pigeon://coop"}, "MAILER_URL begins with"), ({"DATA_DIR": "/dev/null/x"}, "DATA_DIR")],
)
def test_setting_that_cannot_be_read_is_said_in_one_line(
    tmp_path: Path, changes: dict[str, str | None], words: str
) -> None:
    result = check(tmp_path, **changes)

    assert result.returncode == 1
    assert result.stderr.startswith(words)
    assert len(result.stderr.splitlines()) == 1
