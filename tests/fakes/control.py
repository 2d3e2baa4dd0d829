"""What every fake has in common: its options, its control channel, and starting and stopping.

GET  /_seen                     counts, duplicates, a sample of addresses
GET  /_counts, /_links          every address with its number of mails, or its List-Unsubscribe link
GET  /_messages?address=…       the kept mails of one reader, as that reader got them
POST /_faults                   a JSON object of Faults' fields; replaces what was set
GET, POST /_events              what became of the mails, posted to a webhook (tests/fakes/events.py; not SMTP)
POST /_reset                    forget everything
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
from typing import TYPE_CHECKING

from tests.fakes.faults import Faults
from tests.fakes.ledger import Ledger
from tests.fakes.web import Request, Response, as_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Provider:
    """The state behind a fake: its ledger and its faults."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.ledger = Ledger(keep=options.keep, trail=options.trail)
        self.faults = Faults()

    def control(self, request: Request) -> Response | None:
        """Answer a request to the control channel; None when it is none."""
        match request.method, request.path:
            case "GET", "/_seen":
                return as_json(self.ledger.report())
            case "GET", "/_counts":
                return as_json(self.ledger.counts)
            case "GET", "/_links":
                return as_json(self.ledger.links)
            case "GET", "/_messages":
                return as_json(self.ledger.messages(request.query.get("address", "")))
            case "POST", "/_faults":
                self.faults = Faults(**json.loads(request.body or b"{}"))
                return as_json({})
            case "POST", "/_reset":
                self.clear()
                return as_json({})
        return None

    def clear(self) -> None:
        self.ledger.clear()
        self.faults = Faults()


def options(description: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--port", type=int, default=0, help="0 chooses a free one")
    parser.add_argument(
        "--keep", choices=("all", "sample", "none"), default="sample", help="whole mails to keep"
    )
    parser.add_argument(
        "--trail", action="store_true", help="remember enough of each mail to tell events of it"
    )
    parser.add_argument("--until-eof", action="store_true", help="stop when standard input ends")
    return parser


async def serve(
    chosen: argparse.Namespace, *, services: Mapping[str, Callable[[], asyncio.BaseProtocol]]
) -> None:
    """Run the services, the first on the chosen port, and print their ports as one line of JSON."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if chosen.until_eof:  # whoever started this is gone, however it went
        loop.add_reader(sys.stdin, lambda: stop.set() if not os.read(sys.stdin.fileno(), 1024) else None)
    ports: dict[str, int] = {}
    servers = []
    for name, protocol in services.items():
        server = await loop.create_server(protocol, "127.0.0.1", 0 if ports else chosen.port, backlog=512)
        ports[name] = server.sockets[0].getsockname()[1]
        servers.append(server)
    print(json.dumps(ports), flush=True)
    await stop.wait()
    for server in servers:
        server.close()
