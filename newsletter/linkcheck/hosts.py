"""What an address tells by its looks, before anybody asks for it: whether readers could reach it at all."""

from __future__ import annotations

import re
from enum import StrEnum
from urllib.parse import urlsplit

from newsletter.linkcheck.addresses import is_public, literal, plain_host


class Kind(StrEnum):
    PUBLIC = "public"
    MAIL = "mail"  # mailto:
    PRIVATE = "private"  # of one machine or one network
    STAGING = "staging"  # where something is tried out that readers are not to see yet
    PORT = "port"  # public, at a port that is not the web's
    CREDENTIALS = "credentials"  # with a name and a password in it
    UNUSABLE = "unusable"  # no address


PORTS = {"http": 80, "https": 443}
# RFC 6761, RFC 8375, RFC 9476 and what routers and clusters use of their own.
PRIVATE_ENDS = (
    *(
        "local",
        "localhost",
        "test",
        "internal",
        "invalid",
        "example",
        "alt",
        "onion",
        "home.arpa",
        "localdomain",
    ),
    *("lan", "home", "corp", "intranet", "private", "cluster.local"),
    # Names that anybody may use, of addresses that are one's own.
    *("nip.io", "sslip.io", "xip.io", "lvh.me", "localtest.me", "vcap.me"),
)
# Tunnels to somebody's own machine, and hosts that show one change before it is everybody's.
TUNNELS = (
    "ngrok.io",
    "ngrok.app",
    "ngrok.dev",
    "ngrok-free.app",
    "ngrok-free.dev",
    "trycloudflare.com",
    "loca.lt",
)
PREVIEWS = re.compile(
    r"(?:.+\.)?(?:"
    r"[\w-]+-git-[\w-]+\.vercel\.app|[\w-]+-[a-z0-9]{9}-[\w-]+\.vercel\.app"
    r"|[\w-]+--[\w-]+\.netlify\.app|[0-9a-f]{8}\.[\w-]+\.pages\.dev|[\w-]+--[\w-]+\.web\.app"
    r"|[\w-]+\.gitpod\.io|[\w-]+\.(?:preview\.)?app\.github\.dev|[\w-]+\.webcontainer\.io"
    r")"
)
STAGES = re.compile(
    r"(?:[\w-]+-)?(?:staging|stage|stg|preview|preprod|pre-prod|uat|qa|dev|test|testing|sandbox)\d*"
)
# Public sites that are called so.
CALLED_SO = frozenset(
    {
        "dev.azure.com",
        "dev.bandcamp.com",
        "dev.epicgames.com",
        "dev.mysql.com",
        "dev.twitch.tv",
        "preview.mailerlite.com",
        "preview.redd.it",
        "test.pypi.org",
    }
)


def kind(url: str) -> Kind:
    """Of an address with a scheme, as it stands in a body."""
    try:
        parts = urlsplit(url)
        host, port = plain_host(parts.hostname or ""), parts.port
    except ValueError:
        return Kind.UNUSABLE
    if parts.scheme == "mailto":
        return Kind.MAIL if re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", parts.path) else Kind.UNUSABLE
    if parts.scheme not in PORTS or not host:
        return Kind.UNUSABLE
    if (of_host := _of_host(host)) in {Kind.PRIVATE, Kind.UNUSABLE}:
        return of_host
    if parts.username or parts.password:
        return Kind.CREDENTIALS
    return of_host if port in {None, PORTS[parts.scheme]} or of_host == Kind.STAGING else Kind.PORT


def _of_host(host: str) -> Kind:
    if (address := literal(host)) is not None:
        return Kind.PUBLIC if is_public(address) else Kind.PRIVATE
    if any(host == end or host.endswith(f".{end}") for end in PRIVATE_ENDS) or "." not in host:
        return Kind.PRIVATE
    if not re.fullmatch(r"[\w.-]+", host) or ".." in host or host.rsplit(".", 1)[-1].isdecimal():
        return Kind.UNUSABLE
    return Kind.STAGING if is_staging(host) else Kind.PUBLIC


def is_staging(host: str) -> bool:
    """By its name: a guess, and so never more than a question to the editor."""
    if host in CALLED_SO:
        return False
    if host.endswith(tuple(f".{tunnel}" for tunnel in TUNNELS)) or PREVIEWS.fullmatch(host):
        return True
    labels = host.split(".")
    return len(labels) > 2 and any(STAGES.fullmatch(label) for label in labels[:-2])
