"""`make lint`: every check at once, a line and a time for each, and the full text only of those that failed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTHON = [sys.executable, "-W", "ignore::DeprecationWarning"]
MANAGE = [*PYTHON, "manage.py"]
IMPORTS = "import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command())"
SPELLED = [
    "config",
    "newsletter",
    "subscribers",
    "delivery",
    "outbox",
    "templates",
    "static",
    "scripts",
    "tests",
]
SPELLED += ["benchmarks", "docs", "README.md", "CONTEXT.md", "CONTRIBUTING.md", "CHANGELOG.md"]

# An installation as it should be: none of these values opens anything.
PRODUCTION = {
    "DEBUG": "0",
    "SECRET_KEY": "lint-0f4a7c1e9b2d5836-lint-a1b2c3d4e5f60718-lint-99887766",
    "LINK_KEYS": "lint-5d41402abc4b2a76b9719d911017c592-links",
    "SUPPRESSION_KEY": "lint-7d793037a0760186574b0282f2f435e7-suppression",
    "SITE_URL": "https://news.example.org",
    "ALLOWED_HOSTS": "news.example.org",
    "DATABASE_URL": "postgres://courant:secret@db/courant",
    "REDIS_URL": "redis://redis:6379/0",
    "MAILER_URL": "mailgun://key@mg.example.org",
    "WEBHOOK_SECRET": "a-signing-key-of-the-provider-of-forty-characters",
    "TRANSACTIONAL_MAILER_URL": "postmark://token",
    "TRUSTED_PROXIES": "1",
}
DEVELOPMENT = {"DEBUG": "1", "DATABASE_URL": "sqlite://:memory:"}


@dataclass(frozen=True, slots=True)
class Check:
    name: str
    command: list[str]
    environment: dict[str, str] = field(default_factory=lambda: DEVELOPMENT)


CHECKS = [
    Check("types", [*PYTHON, "-m", "mypy"]),  # the slowest begins first
    Check("imports", [*PYTHON, "-c", IMPORTS, "--no-logo"]),
    Check("deploy", [*MANAGE, "check", "--deploy", "--fail-level", "WARNING"], PRODUCTION),
    Check("migrations", [*MANAGE, "makemigrations", "--check", "--dry-run"]),
    Check("templates", [*PYTHON, "scripts/compile_templates.py"]),
    Check("translations", [*PYTHON, "scripts/translations.py"]),
    Check("template style", [*PYTHON, "-m", "djlint", "--lint", "--quiet", "templates"]),
    Check("format", [*PYTHON, "-m", "ruff", "format", "--check", "--quiet", "--diff", "."]),
    Check("rules", [*PYTHON, "-m", "ruff", "check", "--quiet", "."]),
    Check(
        "spelling", [*PYTHON, "-m", "codespell_lib", *(name for name in SPELLED if (ROOT / name).exists())]
    ),
]


def run(check: Check) -> tuple[Check, subprocess.CompletedProcess[str], float]:
    start = time.perf_counter()
    environment = {key: value for key, value in os.environ.items() if key not in PRODUCTION}
    done = subprocess.run(
        check.command,
        cwd=ROOT,
        env=environment | {"DJANGO_SETTINGS_MODULE": "config.settings"} | check.environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    return check, done, time.perf_counter() - start


def main() -> int:
    start = time.perf_counter()
    failed = 0
    with ThreadPoolExecutor(max_workers=max(2, os.cpu_count() or 2)) as pool:
        for future in as_completed([pool.submit(run, check) for check in CHECKS]):
            check, done, seconds = future.result()
            print(f"{'FAILED' if done.returncode else 'ok':6}  {check.name:15} {seconds:5.1f} s", flush=True)
            if done.returncode:
                failed += 1
                print(done.stdout.rstrip() + "\n", flush=True)
    verdict = f"{failed} of {len(CHECKS)} checks failed" if failed else f"all {len(CHECKS)} checks passed"
    print(f"{verdict} in {time.perf_counter() - start:.1f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
