"""Sites on this machine that answer as sites do, and as they should not."""

from __future__ import annotations

import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Web(BaseHTTPRequestHandler):
    """/status/404 answers so; /to?… redirects there; /get-only/… says something else to HEAD; /drip never ends."""

    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self.server.seen.append((self.command, self.path, dict(self.headers)))
        if self.path.startswith("/to?"):
            self._answer(302, location=self.path.removeprefix("/to?"))
        elif self.path == "/drip":
            self._drip()
        elif self.path.startswith("/get-only"):
            self._answer(404 if self.command == "HEAD" else 200)
        else:
            self._answer(int(self.path.rpartition("/")[2].partition("?")[0] or 200))

    do_GET = do_HEAD  # noqa: N815 -- http.server's own name

    def _answer(self, status: int, *, location: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.send_header("Set-Cookie", "a=b")
        if location:
            self.send_header("Location", location)
        self.end_headers()

    def _drip(self) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\n")
        try:
            for _ in range(100):
                self.wfile.write(b"X-Slow: 1\r\n")
                self.wfile.flush()
                time.sleep(0.05)
        except OSError:
            pass

    def log_message(self, *args: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Web)
        self.seen: list[tuple[str, str, dict[str, str]]] = []
        self.connections = 0

    def get_request(self) -> Any:
        self.connections += 1
        return super().get_request()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Who hangs up on us is what these tests are about."""

    @property
    def port(self) -> int:
        return self.server_address[1]
