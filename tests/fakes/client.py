"""Starting a fake provider as a process of its own, and asking it what it saw."""

from __future__ import annotations

import json
import subprocess
import sys
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self
from urllib.parse import quote

if TYPE_CHECKING:
    from types import TracebackType

    from tests.fakes.ledger import Keep

PROJECT = Path(__file__).resolve().parent.parent.parent
STOP_SECONDS = 10
KEY, DOMAIN = "key-test", "mg.example.com"


class Fake:
    """A fake provider, running while the `with` block does.

    with Fake("mailgun") as fake: ...; fake.seen()["duplicates"]
    """

    def __init__(
        self, name: Literal["mailgun", "smtp"], *, keep: Keep = "sample", args: tuple[str, ...] = ()
    ) -> None:
        self.name = name
        self._command = [sys.executable, "-m", f"tests.fakes.{name}", "--until-eof", "--keep", keep, *args]

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            self._command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self.stop()
            raise RuntimeError(f"the fake {self.name} did not start (exit {self._process.returncode})")
        ports = json.loads(line)
        self.pid = self._process.pid
        self.port: int = ports["port"]
        self._control_port: int = ports.get("control", self.port)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()

    @property
    def url(self) -> str:
        """Where the provider's own protocol is spoken: Mailgun's API URL, or smtp://host:port."""
        return (
            f"http://127.0.0.1:{self.port}/v3" if self.name == "mailgun" else f"smtp://127.0.0.1:{self.port}"
        )

    @property
    def mailer_url(self) -> str:
        """What to put into MAILER_URL so that Courant sends here."""
        return f"mailgun://{KEY}@{DOMAIN}?api_url={quote(self.url)}" if self.name == "mailgun" else self.url

    def seen(self) -> dict[str, Any]:
        return dict(self._asked("/_seen"))

    def counts(self) -> dict[str, int]:
        return dict(self._asked("/_counts"))

    def links(self) -> dict[str, str]:
        return dict(self._asked("/_links"))

    def messages(self, address: str) -> list[dict[str, Any]]:
        return list(self._asked(f"/_messages?address={quote(address)}"))

    def message(self, address: str) -> dict[str, Any]:
        """The one mail this reader got; fails when there are more or none (or it was not kept)."""
        [message] = self.messages(address)
        return message

    def faults(self, **faults: Any) -> None:
        """Set these faults (see tests/fakes/faults.py) and no others."""
        self._asked("/_faults", faults)

    def reset(self) -> None:
        self._asked("/_reset", {})

    def _asked(self, path: str, body: dict[str, Any] | None = None) -> Any:
        method, data = ("GET", None) if body is None else ("POST", json.dumps(body))
        connection = HTTPConnection("127.0.0.1", self._control_port, timeout=30)
        try:
            connection.request(method, path, data)
            return json.load(connection.getresponse())
        finally:
            connection.close()
