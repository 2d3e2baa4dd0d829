"""`manage.py demo`: a whole Courant on one machine, with sample readers and a local outbox. Ctrl-C stops all of it."""

from __future__ import annotations

import contextlib
import fcntl
import http.client
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from config.env import BASE_DIR, env
from config.management.commands.seed_demo import DEMO_PASSWORD, DEMO_TEAM, DEMO_USER
from config.processes import Part, Runner, bound_to_parent

COLOURS = {"web": "36", "worker": "32", "beat": "33", "courant": "1"}


class Command(BaseCommand):
    help = "Runs web, worker, beat and outbox together on this machine, with sample data. Ctrl-C stops all of it."
    requires_system_checks: list[str] = []  # the settings of this process are not yet those of the demo

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--port", type=int, default=8000, help="where the site listens, on this machine only"
        )

    def handle(self, *, port: int, **_options: object) -> None:
        refuse_real_installation()
        data = Path(settings.DATA_DIR)
        environment = demo_environment(port)
        with only_one(data, address=environment["SITE_URL"]):
            require_free(port)
            try:
                self._prepare(environment)
            except KeyboardInterrupt:
                raise CommandError("Interrupted; nothing was started.", returncode=130) from None
            self._say("courant", "Starting web, worker and beat ...")
            runner = Runner(demo_parts(port), environment=environment, write=self._say)
            runner.run(
                is_ready=lambda: answers(port), on_ready=lambda: self._welcome(environment["SITE_URL"])
            )

    def _prepare(self, environment: dict[str, str]) -> None:
        self._say("courant", "Preparing the database and the sample newsletter ...")
        for command in (["migrate", "--verbosity", "0"], ["seed_demo"]):
            done = subprocess.run(  # noqa: S603 -- our own commands
                [sys.executable, str(BASE_DIR / "manage.py"), *command],
                env=environment,
                start_new_session=True,  # Ctrl-C is ours to answer, in one line
                preexec_fn=bound_to_parent(),
                check=False,
            )
            if done.returncode:
                raise CommandError(f"manage.py {command[0]} failed (above); nothing was started.")

    def _say(self, name: str, line: str) -> None:
        if not line:
            return
        label = f"{name:>7} |"
        if self.style.SUCCESS("x") != "x":  # Django decided that this terminal shows colours
            label = f"\x1b[{COLOURS[name]}m{label}\x1b[0m"
        self.stdout.write(f"{label} {line}")
        self.stdout.flush()

    def _welcome(self, site: str) -> None:
        self.stdout.write(
            f"""
  {self.style.SUCCESS("Courant is running.")}

    Site    {site}/
    Admin   {site}/admin/    log in as {DEMO_USER} with the password {DEMO_PASSWORD}
            or, with the same password, as {", ".join(f"{name} ({role})" for name, role in DEMO_TEAM.items())}
    Outbox  {site}/outbox/   every mail Courant sends here

  Ctrl-C stops all of it; what you did stays in {settings.DATA_DIR} for the next time.
"""
        )
        self.stdout.flush()


def refuse_real_installation() -> None:
    if env.str("SECRET_KEY", "") and not settings.DEBUG:
        raise CommandError(
            "This is a real installation (SECRET_KEY is set, DEBUG is not). The demo would add sample readers and an "
            "editor with a known password to it. Run it in a folder of its own."
        )


def demo_environment(port: int) -> dict[str, str]:
    wanted = {"DEBUG": "1", "SITE_URL": f"http://localhost:{port}", "PYTHONUNBUFFERED": "1"}
    return {**wanted, **os.environ}


def demo_parts(port: int) -> list[Part]:
    web = f"gunicorn config.wsgi --bind 127.0.0.1:{port} --threads 8 --no-control-socket --log-level warning"
    worker = "celery --quiet -A config worker --pool threads --concurrency 4 --loglevel warning"
    worker += " --without-gossip --without-mingle --without-heartbeat"
    beat = "celery --quiet -A config beat --pidfile= --loglevel warning"
    commands = {"web": web, "worker": worker, "beat": beat}
    # For root (a container, a throw-away machine) Celery has a long warning at every start; here it says nothing new.
    python = [sys.executable, "-W", "ignore:You're running the worker with superuser privileges", "-m"]
    return [Part(name, [*python, *command.split()]) for name, command in commands.items()]


@contextlib.contextmanager
def only_one(data: Path, *, address: str) -> Iterator[None]:
    """Two demos on one data folder would share a database but not a port: the second one says where the first is."""
    try:
        data.mkdir(parents=True, exist_ok=True)
        lock = (data / "demo.lock").open("a+")
    except OSError as error:
        raise CommandError(
            f"The demo keeps its data in {data}, which cannot be written: {error.strerror}."
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise CommandError(
                f"The demo already runs on this folder: {_read(lock)}. Ctrl-C there stops it."
            ) from error
        lock.truncate(0)
        lock.write(f"{address} (process {os.getpid()})")
        lock.flush()
        yield


def _read(lock: TextIO) -> str:
    lock.seek(0)
    return lock.read()


def require_free(port: int) -> None:
    if not 0 < port < 65536:
        raise CommandError(f"{port} is not a port; choose one between 1024 and 65535: make demo PORT=8001")
    with contextlib.suppress(OSError), socket.create_connection(("localhost", port), timeout=1):
        raise CommandError(
            f"Port {port} is taken by another program. Choose another one: make demo PORT={port + 1}"
        )
    try:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
    except OSError as error:
        hint = f"make demo PORT={port + 1 if 1024 <= port < 65535 else 8001}"
        raise CommandError(
            f"Port {port} cannot be used ({error.strerror}). Choose another one: {hint}"
        ) from error


def answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=0.5)
    try:
        connection.request("GET", "/healthz", headers={"Host": f"localhost:{port}"})
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
