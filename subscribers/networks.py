"""Where a post came from, behind any number of our own proxies, and no more of it than is needed."""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache

# 192.0.2.7:1234, [2001:db8::1]:1234, [2001:db8::1]: some proxies write down the port, too.
WITH_PORT = re.compile(r"(?P<v4>[0-9.]+):\d+|\[(?P<v6>[^\]]+)\](:\d+)?")
# Behind these nobody of the internet can be told from another: the machine itself, containers, an inner network.
INNER = tuple(
    ipaddress.ip_network(text)
    for text in (
        "127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16",
        "::/48", "fc00::/7", "fe80::/10",
    )
)  # fmt: skip


def network(remote: str, *, forwarded_for: str, proxies: int) -> str:
    """The network a request came from: `192.0.2.0/24`, `2001:db8:1::/48`, or "" when nothing tells.

    `remote`: REMOTE_ADDR. `forwarded_for`: the X-Forwarded-For header, of which only the last `proxies` entries were
    written by us (settings.TRUSTED_PROXIES); what stands before them anybody can have written.
    """
    hops = [part.strip() for part in forwarded_for.split(",") if part.strip()]
    address = hops[-min(proxies, len(hops))] if proxies and hops else remote
    return _around(address)


@lru_cache(maxsize=1024)
def _around(address: str) -> str:
    if match := WITH_PORT.fullmatch(address):
        address = match["v4"] or match["v6"]
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return ""
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped:
        found = found.ipv4_mapped
    return str(ipaddress.ip_network((found, 24 if found.version == 4 else 48), strict=False))


@lru_cache(maxsize=1024)
def is_anybodys(network: str) -> bool:
    """Whether a network (as above) says nothing of who it is: none was told, or it is an inner one, of a proxy that
    nobody told us of (settings.TRUSTED_PROXIES). All readers may come from it, so none is turned away for the others.
    """
    if not network:
        return True
    found = ipaddress.ip_network(network)
    return any(found.network_address in inner and found.prefixlen >= inner.prefixlen for inner in INNER)
