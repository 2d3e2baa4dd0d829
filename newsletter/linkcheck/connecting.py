"""HTTP connections that go to the address they are given, whatever the name in the URL would lead to.

The name stays what it is for the Host header, for SNI and for the certificate.
"""

from __future__ import annotations

import socket
from contextlib import suppress
from typing import TYPE_CHECKING

import certifi
from urllib3.connection import HTTPConnection, HTTPSConnection

if TYPE_CHECKING:
    import ssl

    from newsletter.linkcheck.addresses import Address


class _Pinned:
    address: Address
    raw: socket.socket | None = None

    def _new_conn(self) -> socket.socket:
        """urllib3's own would look the name up once more, and might be told another address."""
        self.raw = socket.create_connection((str(self.address), self.port), self.timeout)  # type: ignore[attr-defined]  # the connection's
        return self.raw

    def give_up(self) -> None:
        """From another thread: whatever it waits for ends now. A host that sends a byte a second is never "late"."""
        if self.raw is not None:
            with suppress(OSError):
                socket.socket.shutdown(self.raw, socket.SHUT_RDWR)


class Plain(_Pinned, HTTPConnection):
    pass


class Secure(_Pinned, HTTPSConnection):
    pass


def connection(
    scheme: str, host: str, *, port: int, address: Address, seconds: float, tls: ssl.SSLContext | None
) -> Plain | Secure:
    """`tls` is for hosts of one's own authority; None asks the usual ones."""
    host = f"[{host}]" if ":" in host else host
    made: Plain | Secure
    if scheme == "https":
        authorities = None if tls else certifi.where()
        made = Secure(
            host,
            port,
            timeout=seconds,
            ssl_context=tls,
            ca_certs=authorities,
            cert_reqs="CERT_REQUIRED",
        )
    else:
        made = Plain(host, port, timeout=seconds)
    made.address = address
    return made
