"""Starting a fake provider as a process of its own, and asking it what it saw."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self
from urllib.parse import quote

if TYPE_CHECKING:
    from types import TracebackType

    from tests.fakes.ledger import Keep

PROJECT = Path(__file__).resolve().parent.parent.parent
STOP_SECONDS = 10
KEY, SECRET, DOMAIN = "key-test", "secret-test", "mg.example.com"
Name = Literal["mailgun", "resend", "postmark", "brevo", "sendgrid", "mailjet", "mailtrap", "smtp"]
# glibc gives the memory of a large body back to the system and fetches it again for the next: half of a fake's CPU time
KEEP_MEMORY = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(1024**3)}
# name: (the path of its API, who calls it, as a mailer URL has it)
APIS: dict[str, tuple[str, str]] = {
    "mailgun": ("/v3", f"{KEY}@{DOMAIN}"),
    "resend": ("/", KEY),
    "postmark": ("/", KEY),
    "brevo": ("/v3/", KEY),
    "sendgrid": ("/v3/", KEY),
    "mailjet": ("/v3.1/", f"{KEY}:{SECRET}@"),
    "mailtrap": ("/api/", KEY),
}


class Fake:
    """A fake provider, running while the `with` block does.

    with Fake("mailgun") as fake: ...; fake.seen()["duplicates"]
    """

    def __init__(self, name: Name, *, keep: Keep = "sample", args: tuple[str, ...] = ()) -> None:
        self.name = name
        self._command = [sys.executable, "-m", f"tests.fakes.{name}", "--until-eof", "--keep", keep, *args]

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            self._command,
            cwd=PROJECT,
            env=os.environ | KEEP_MEMORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
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
        """Where the provider's own protocol is spoken: its API's URL, or smtp://host:port."""
        if self.name == "smtp":
            return f"smtp://127.0.0.1:{self.port}"
        return f"http://127.0.0.1:{self.port}{APIS[self.name][0]}"

    @property
    def mailer_url(self) -> str:
        """What to put into MAILER_URL so that Courant sends here."""
        if self.name == "smtp":
            return self.url
        return f"{self.name}://{APIS[self.name][1]}?api_url={quote(self.url)}"

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

    def events(self, *, url: str, wait: bool = True, **options: Any) -> dict[str, Any]:
        """Post the events of the mails it took to `url`, as tests/fakes/events.py says; returns what was answered."""
        self._asked("/_events", {"url": url} | options)
        while wait and not (report := self.events_report())["is_done"]:
            time.sleep(0.02)
        return report if wait else {}

    def events_report(self) -> dict[str, Any]:
        return dict(self._asked("/_events"))

    def reset(self) -> None:
        self._asked("/_reset", {})

    def _asked(self, path: str, body: dict[str, Any] | None = None) -> Any:
        method, data = ("GET", None) if body is None else ("POST", json.dumps(body))
        connection = HTTPConnection("127.0.0.1", self._control_port, timeout=30)
        try:
            connection.request(method, path, data)
            answer = connection.getresponse()
            read = json.load(answer)
            if answer.status != 200:
                raise RuntimeError(f"the fake {self.name} does not do that: {read}")
            return read
        finally:
            connection.close()
