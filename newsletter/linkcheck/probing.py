"""Following one link: a host is looked up by us, and the connection goes to an address that was looked at.

No name is looked up twice, so nothing can change between looking and connecting (DNS rebinding). Every hop of a
redirect is looked at anew. No cookie, no password, no proxy of the environment, and never more than an answer's head.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPException
from ipaddress import ip_address
from urllib.parse import quote, urljoin, urlsplit

from urllib3.exceptions import HTTPError

from newsletter.linkcheck.addresses import Address, is_public, literal, plain_host
from newsletter.linkcheck.connecting import connection
from newsletter.models import CheckedLink

Outcome = CheckedLink.Outcome
Resolve = Callable[[str], list[Address]]
Policy = Callable[[Address], bool]

HOPS = 5  # redirects that are followed
GONE = frozenset({404, 410})
MOVED = frozenset({301, 302, 303, 307, 308})
# Answers to a HEAD that say nothing about a GET, and all above 499.
ASK_AGAIN = frozenset({400, 404, 405, 406, 410})
STANDARD = {"http": 80, "https": 443}
UNKNOWN = frozenset({socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)})
ALWAYS_THERE = "example.com"  # IANA keeps it, RFC 2606
SAFE = "/%:=&?~#+!$,;'@()*[]|"  # what quote() leaves alone: an address that is quoted already stays as it is


@dataclass(frozen=True, slots=True)
class Found:
    outcome: Outcome
    detail: str = ""  # a status, or one of the words that newsletter.preflight.links puts into sentences


class Halt(Exception):
    """Nothing further is to be learned about this link."""

    def __init__(self, outcome: Outcome, detail: str) -> None:
        super().__init__(detail)
        self.found = Found(outcome, detail)


@dataclass(frozen=True, slots=True)
class Target:
    """Where one request goes: looked at, and looked up."""

    scheme: str
    host: str
    port: int
    path: str
    address: Address


def resolve(host: str) -> list[Address]:
    """By the system's own resolver."""
    rows = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(ip_address(str(row[4][0]).partition("%")[0]) for row in rows))


@dataclass(frozen=True, slots=True)
class Prober:
    """`may_reach` and `ports` are what keeps it out of our own network: as they stand here they are production's."""

    agent: str
    resolve: Resolve = resolve
    may_reach: Policy = is_public
    ports: frozenset[int] = frozenset(STANDARD.values())
    seconds: float = 5.0  # for one link, with all its hops
    tls: ssl.SSLContext | None = None  # None: the usual authorities

    def follow(self, url: str) -> Found:
        """Never raises for what a host does."""
        deadline = time.monotonic() + self.seconds
        try:
            for _hop in range(HOPS + 1):
                status, leads_to = self._ask(url, deadline=deadline)
                if not leads_to:
                    return verdict(status)
                url = _joined(url, leads_to)
            return Found(Outcome.BROKEN, "loop")
        except Halt as halt:
            return halt.found

    def _ask(self, url: str, *, deadline: float) -> tuple[int, str]:
        """(status, where it leads on to)."""
        target = self._target(url)
        status, leads_to = self._speak("HEAD", target, deadline=deadline)
        if status in ASK_AGAIN or status >= 500:
            status, leads_to = self._speak("GET", target, deadline=deadline)
        return status, leads_to if status in MOVED else ""

    def _target(self, url: str) -> Target:
        try:
            parts = urlsplit(url)
            host, port = plain_host(parts.hostname or ""), parts.port or STANDARD.get(parts.scheme, 0)
        except ValueError:
            raise Halt(Outcome.BROKEN, "address") from None
        if parts.scheme not in STANDARD or not host:
            raise Halt(Outcome.BROKEN, "address")
        if parts.username is not None or parts.password is not None:
            raise Halt(Outcome.SILENT, "credentials")
        address = self._address(host)
        if port not in self.ports:
            raise Halt(Outcome.SILENT, "port")
        path = quote(f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}", safe=SAFE)
        return Target(parts.scheme, host, port, path, address)

    def _address(self, host: str) -> Address:
        """One that may be reached. A host that has both kinds is not trusted with the good one."""
        try:
            spelled = literal(host)
            addresses = [spelled] if spelled else self.resolve(host.encode("idna").decode())
        except socket.gaierror as error:
            if error.errno in UNKNOWN and self._knows_the_internet():
                raise Halt(Outcome.BROKEN, "host") from None
            raise Halt(Outcome.SILENT, "lookup") from None
        except (OSError, ValueError):
            raise Halt(Outcome.SILENT, "lookup") from None
        if not addresses:
            raise Halt(Outcome.BROKEN, "host")
        if not all(self.may_reach(address) for address in addresses):
            raise Halt(Outcome.REFUSED, "private")
        return next((each for each in addresses if each.version == 4), addresses[0])

    def _knows_the_internet(self) -> bool:
        """A resolver that is cut off knows no host at all, and must not call every link broken."""
        try:
            return bool(self.resolve(ALWAYS_THERE))
        except OSError:
            return False

    def _speak(self, verb: str, target: Target, *, deadline: float) -> tuple[int, str]:
        """(status, Location) of one request; of its answer only the head is read."""
        seconds = deadline - time.monotonic()
        if seconds <= 0:
            raise Halt(Outcome.SILENT, "slow")
        spoken = connection(
            target.scheme,
            target.host,
            port=target.port,
            address=target.address,
            seconds=seconds,
            tls=self.tls,
        )
        alarm = threading.Timer(seconds, spoken.give_up)
        alarm.daemon = True
        alarm.start()
        try:
            spoken.request(verb, target.path, headers=self._headers, preload_content=False)
            answer = spoken.getresponse()
            status, leads_to = answer.status, answer.headers.get("Location", "")
        except (HTTPError, HTTPException, OSError, ValueError) as error:
            raise _trouble(error, is_late=time.monotonic() >= deadline) from None
        finally:
            alarm.cancel()
            spoken.close()
        if time.monotonic() >= deadline:  # it was cut short, and what was read of it is half a head
            raise Halt(Outcome.SILENT, "slow")
        return status, leads_to

    @property
    def _headers(self) -> dict[str, str]:
        """A robot that says who it is; Range, so that whoever answers with a film sends a byte of it."""
        return {"User-Agent": self.agent, "Accept": "*/*", "Range": "bytes=0-0", "Connection": "close"}


def verdict(status: int) -> Found:
    """Of an answer that leads nowhere else. Who says that robots are not welcome is there."""
    if status in GONE:
        return Found(Outcome.BROKEN, str(status))
    if status >= 500 and status != 999:
        return Found(Outcome.SILENT, str(status))
    return Found(Outcome.FINE, str(status))


def _joined(url: str, leads_to: str) -> str:
    try:
        return urljoin(url, leads_to)
    except ValueError:
        raise Halt(Outcome.BROKEN, "address") from None


def _trouble(error: Exception, *, is_late: bool) -> Halt:
    if is_late or isinstance(error, TimeoutError):
        return Halt(Outcome.SILENT, "slow")
    if _is_about_certificates(error):
        return Halt(Outcome.SILENT, "certificate")
    return Halt(Outcome.SILENT, "silent")


def _is_about_certificates(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError) or "certificate" in str(error).lower():
            return True
        error = error.__cause__ or error.__context__
    return False
