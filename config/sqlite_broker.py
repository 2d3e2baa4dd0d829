"""Celery without a server: a kombu transport that keeps its messages in one SQLite file.

    CELERY_BROKER_URL = "embedded://localhost//var/lib/courant/broker.sqlite3"

A message is a row. Taking it writes a deadline into the row (its lease), acknowledging deletes it. The consumer renews
its leases as it polls; when its process dies they run out, and the next consumer takes the rows. So every message is
handed out at least once, in about the order it came, by any number of processes on one machine.

Direct exchanges only: run workers with `--without-gossip --without-mingle --without-heartbeat` and
`worker_enable_remote_control = False`. Importing this module registers the scheme `embedded` with kombu.
"""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from queue import Empty
from threading import Event
from typing import TYPE_CHECKING, Any

from kombu.transport import TRANSPORT_ALIASES, virtual

from config.broker_file import BrokerFileError, Messages

if TYPE_CHECKING:
    from collections.abc import Callable

    from kombu import Connection

SCHEME = "embedded"
LEASE = 120.0  # seconds; longer than any task, because a one-process worker cannot renew while it works
LOCK_TIMEOUT = 20.0  # seconds to wait for another process's write
POLLING_INTERVAL = 0.1


class QoS(virtual.QoS):
    """Acknowledgements go to the row at once, from whatever thread."""

    channel: Channel

    def ack(self, delivery_tag: str) -> None:
        self.channel.messages.delete(delivery_tag)
        super().ack(delivery_tag)
        self.channel.awake.set()

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:
        if not requeue:
            self.channel.messages.delete(delivery_tag)
        super().reject(delivery_tag, requeue=requeue)
        self.channel.awake.set()


class Channel(virtual.Channel):
    QoS = QoS
    connection: Transport

    def __init__(self, connection: Transport, **kwargs: Any) -> None:
        # Kept here as well: an acknowledgement may come after the channel has been taken off its transport.
        self.messages = connection.messages
        self.awake = connection.awake
        self._renewed_at = time.monotonic()
        self._unacknowledged_queues: set[str] = set()
        super().__init__(connection, **kwargs)

    def basic_consume(
        self, queue: str, no_ack: bool, callback: Any, consumer_tag: str | None, **kwargs: Any
    ) -> str:
        if no_ack:
            self._unacknowledged_queues.add(queue)
        return super().basic_consume(queue, no_ack, callback, consumer_tag, **kwargs)

    def basic_get(self, queue: str, no_ack: bool = False, **kwargs: Any) -> Any:
        message = super().basic_get(queue, no_ack=no_ack, **kwargs)
        if message is not None and no_ack:
            self.messages.delete(str(message.delivery_tag))
        return message

    def drain_events(self, timeout: float | None = None, callback: Callable[..., Any] | None = None) -> Any:
        self._renew_leases()
        return super().drain_events(timeout=timeout, callback=callback)

    def _renew_leases(self) -> None:
        # Prefetched messages may wait longer than a lease behind slow tasks.
        if time.monotonic() - self._renewed_at >= self.connection.lease / 4:
            self._renewed_at = time.monotonic()
            held = [tag for tag in self.qos._delivered or () if tag not in (self.qos._dirty or ())]
            if held:
                self.messages.renew(held)

    def _put(self, queue: str, message: dict[str, Any], **kwargs: Any) -> None:
        self.messages.put(queue, message)
        self.awake.set()

    def _get(self, queue: str, timeout: float | None = None) -> dict[str, Any]:
        message = self.messages.take(queue)
        if message is None:
            raise Empty
        if queue in self._unacknowledged_queues:
            self.messages.delete(message["properties"]["delivery_tag"])
        return message

    def _restore(self, message: Any) -> None:
        self.messages.release(message.delivery_tag)

    def _purge(self, queue: str) -> int:
        return self.messages.purge(queue)

    def _size(self, queue: str) -> int:
        return self.messages.size(queue)


class Transport(virtual.Transport):
    Channel = Channel

    driver_type = "sqlite"
    driver_name = SCHEME
    polling_interval = POLLING_INTERVAL
    connection_errors = (*virtual.Transport.connection_errors, BrokerFileError)
    implements = virtual.Transport.implements.extend(exchange_type=frozenset(["direct"]))

    def __init__(self, client: Connection, **kwargs: Any) -> None:
        super().__init__(client, **kwargs)
        options = client.transport_options or {}
        self.lease = float(options.get("lease", LEASE))
        self.awake = Event()
        self._messages: Messages | None = None
        self._path = _path(options.get("path") or client.virtual_host)
        self._timeout = float(options.get("timeout", LOCK_TIMEOUT))

    @property
    def messages(self) -> Messages:
        if self._messages is None:
            self._messages = Messages(self._path, lease=self.lease, timeout=self._timeout)
        return self._messages

    def driver_version(self) -> str:
        return sqlite3.sqlite_version

    def close_connection(self, connection: Any) -> None:
        super().close_connection(connection)
        if self._messages is not None:
            self._messages.close()
            self._messages = None

    def drain_events(self, connection: Any, timeout: float | None = None, **kwargs: Any) -> None:
        """Deliver one message, or raise TimeoutError. Sleeps until the next poll, an acknowledgement or a put."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            self.awake.clear()
            try:
                self.cycle.get(self._deliver, timeout=timeout)  # type: ignore[union-attr]  # set while it is open
            except Empty:
                left = self.polling_interval if deadline is None else deadline - time.monotonic()
                if left <= 0:
                    raise TimeoutError from None
                self.awake.wait(min(left, self.polling_interval))
            else:
                return


def _path(written: str | None) -> Path:
    path = Path(written or "")
    if not path.is_absolute() or not path.name:
        raise BrokerFileError(
            f"The embedded broker needs the absolute path of its file: {SCHEME}://localhost//absolute/path.sqlite3"
        )
    return path


TRANSPORT_ALIASES[SCHEME] = f"{__name__}:Transport"
