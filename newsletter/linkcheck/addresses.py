"""Which network addresses are everybody's, and which are somebody's own.

A server that follows links for others must never be led into its own network (SSRF). Only what is surely public passes;
everything that carries another address inside it (6to4, NAT64, Teredo) is refused rather than read.
"""

from __future__ import annotations

import socket
import unicodedata
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import unquote

Address = IPv4Address | IPv6Address

# Beside what Python knows to be no public address: Azure's own services answer on one that looks like one.
OURS_TO_SHUN = (IPv4Network("168.63.129.16/32"), IPv4Network("192.88.99.0/24"), IPv4Network("192.0.0.0/24"))
UNICAST = IPv6Network("2000::/3")
CARRIERS = (
    IPv6Network("2001::/23"),  # Teredo, ORCHID and other protocols' own
    IPv6Network("2002::/16"),  # 6to4: any IPv4 address inside
    IPv6Network("2001:db8::/32"),
    IPv6Network("3fff::/20"),
)


def is_public(address: Address) -> bool:
    """Whether anybody on the internet reaches the same host there."""
    if isinstance(address, IPv6Address):
        if (inner := address.ipv4_mapped) is not None:
            return is_public(inner)
        return address in UNICAST and address.is_global and not any(address in each for each in CARRIERS)
    return (
        address.is_global and not address.is_multicast and not any(address in each for each in OURS_TO_SHUN)
    )


def plain_host(host: str) -> str:
    """As a resolver would take it: %-escapes and full-width letters undone, small, without the root's dot."""
    return unicodedata.normalize("NFKC", unquote(host)).replace("。", ".").lower().strip().rstrip(".")


def literal(host: str) -> Address | None:
    """The address that a host spells out in any of the ways that browsers take, or None when it is a name.

    127.1, 2130706433, 0x7f000001 and 0177.0.0.1 are all 127.0.0.1.
    """
    host = plain_host(host).strip("[]")
    try:
        return ip_address(host.partition("%")[0])
    except ValueError:
        pass
    if not host or not all(part and _is_number(part) for part in host.split(".")):
        return None
    try:
        return IPv4Address(socket.inet_aton(host))
    except OSError:
        return None


def _is_number(part: str) -> bool:
    digits = "0123456789abcdef" if part.startswith("0x") else "0123456789"
    return part.isascii() and all(character in digits for character in part.removeprefix("0x"))
