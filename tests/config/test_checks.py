"""How settings read the environment, and which wrong combinations are found; each in a process of its own."""

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
    "WEBHOOK_SECRET": f"courant:{SECRET}",
    "TRUSTED_PROXIES": "1",
}


def run(folder: Path, *words: str, **changes: str | None) -> subprocess.CompletedProcess[str]:
    changed = {name: value for name, value in (GOOD | changes).items() if value is not None}
    environment = {"PATH": os.environ["PATH"], "DATA_DIR": str(folder), **changed}
    command = [sys.executable, *words]
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=60
    )


def check(folder: Path, **changes: str | None) -> subprocess.CompletedProcess[str]:
    return run(folder, "manage.py", "check", "--deploy", "--fail-level", "WARNING", **changes)


def printed(folder: Path, expression: str, **changes: str | None) -> str:
    done = run(
        folder,
        "manage.py",
        "shell",
        "--no-imports",
        "-c",
        "from django.conf import settings; from subscribers import tokens; " + f"print({expression})",
        **changes,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


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
        ({"SEND_GRACE_HOURS": "-1"}, "courant.E012"),
        ({"SEND_GRACE_HOURS": "1000"}, "courant.E012"),
        ({"STALL_MINUTES": "0.5"}, "courant.E013"),
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
    [
        ({"MAILER_URL": "pigeon://coop"}, "MAILER_URL begins with"),
        ({"DATA_DIR": "/dev/null/x"}, "DATA_DIR"),
        ({"TRUSTED_PROXIES": "one"}, 'Environment variable "TRUSTED_PROXIES" invalid'),
        ({"SECRET_KEY_FILE": "/no/such/file"}, "The value of SECRET_KEY_FILE must be a readable file path"),
    ],
)
def test_setting_that_cannot_be_read_is_said_in_one_line(
    tmp_path: Path, changes: dict[str, str | None], words: str
) -> None:
    result = check(tmp_path, **changes)

    assert result.returncode == 1
    assert result.stderr.startswith(words)
    assert len(result.stderr.splitlines()) == 1


PROCESSES = {
    "web": "gunicorn config.wsgi --bind 127.0.0.1:0 --no-control-socket --log-level critical",
    "worker": "celery --quiet -A config worker --pool solo",
    "beat": "celery --quiet -A config beat --pidfile=",
}


@pytest.mark.parametrize("name", PROCESSES)
def test_no_process_starts_with_the_outbox_or_without_keys(tmp_path: Path, name: str) -> None:
    done = run(
        tmp_path,
        "-m",
        *PROCESSES[name].split(),
        MAILER_URL="outbox://",
        LINK_KEYS="",
        SUPPRESSION_KEY="weak-secret",
    )

    said = [line for line in done.stderr.splitlines() if line.startswith("Courant does not start. ")]
    assert done.returncode == 3
    assert [line.split()[4] for line in said] == ["courant.E002:", "courant.E003:", "courant.E005:"]
    assert "Set MAILER_URL to your provider" in said[2]
    assert "Traceback" not in done.stderr
    assert "weak-secret" not in done.stderr


def test_web_process_says_in_one_line_which_setting_cannot_be_read(tmp_path: Path) -> None:
    done = run(tmp_path, "-m", *PROCESSES["web"].split(), MAILER_URL="pigeon://user:secret@coop")

    said = [line for line in done.stderr.splitlines() if "MAILER_URL" in line]
    assert (done.returncode, len(said)) == (3, 1)
    assert said[0].startswith("Courant does not start. MAILER_URL begins with 'pigeon'://")
    assert "secret" not in done.stderr


def test_outbox_has_no_pages_and_no_file_unless_in_debug(tmp_path: Path) -> None:
    asked = "settings.OUTBOX_PATH, __import__('django.urls').urls.get_resolver().namespace_dict.get('outbox')"

    assert printed(tmp_path, asked, MAILER_URL="outbox://") == "None None"
    assert "outbox.sqlite3" in printed(tmp_path, asked, MAILER_URL="outbox://", DEBUG="1")


def test_lists_lose_blanks_and_empty_parts(tmp_path: Path) -> None:
    asked = "settings.LINK_KEYS, settings.ALLOWED_HOSTS"

    found = printed(tmp_path, asked, LINK_KEYS="new, old,, ", ALLOWED_HOSTS=" a.example.com ,b.example.com,")

    assert found == "['new', 'old'] ['a.example.com', 'b.example.com']"


def test_empty_value_means_left_out(tmp_path: Path) -> None:
    names = ["LINK_KEYS", "TRUSTED_PROXIES", "ALLOWED_HOSTS", "SITE_URL", "REDIS_URL", "DEBUG", "STATIC_ROOT"]
    names += ["DATABASES", "MAILERS", "LOGGING", "SECURE_HSTS_SECONDS"]
    emptied = ["DATABASE_URL", "DATABASE_CONN_MAX_AGE", "MAILER_URL", "TRANSACTIONAL_MAILER_URL"]
    emptied += ["LOG_LEVEL", "HSTS_SECONDS", "SECRET_KEY_FILE", *names[:7]]
    asked = f"{{name: getattr(settings, name) for name in {names}}}"

    empty = printed(tmp_path, asked, **dict.fromkeys(emptied, ""))

    assert empty == printed(tmp_path, asked, **dict.fromkeys(emptied))
    assert "'SITE_URL': 'http://localhost:8000'" in empty


def test_empty_data_dir_is_the_usual_one(tmp_path: Path) -> None:
    assert printed(tmp_path, "settings.DATA_DIR == settings.BASE_DIR / 'data'", DATA_DIR="") == "True"


def test_new_link_key_in_front_keeps_the_links_in_old_mails(tmp_path: Path) -> None:
    token = printed(tmp_path, "tokens.unsubscribe_token(7, mark='42')", LINK_KEYS="old")

    read = f"tokens.read_unsubscribe({token!r})"
    assert printed(tmp_path, read, LINK_KEYS="new, old") == "ReaderClaim(subscription_id=7, mark='42')"
