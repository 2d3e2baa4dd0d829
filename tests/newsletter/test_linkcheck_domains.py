"""What the DNS says of a sender's domain: asked of a small server of our own, and judged."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from typing import Any

import dns.message
import dns.rcode
import dns.resolver
import dns.rrset
import pytest

from newsletter import linkcheck
from newsletter.linkcheck import domains
from newsletter.linkcheck.probing import Found, Halt, Outcome
from newsletter.models import CheckedLink, Newsletter
from tests import factories

ZONE = {
    ("daily.org.", "MX"): ["10 mail.daily.org."],
    ("daily.org.", "TXT"): ['"v=spf1 include:" "mailgun.org ~all"', '"google-site-verification=abc"'],
    ("_dmarc.daily.org.", "TXT"): ['"v=DMARC1; p=none"'],
    ("example.com.", "A"): ["192.0.2.2"],
    ("bare.org.", "A"): ["192.0.2.1"],
    ("mute.org.", "TXT"): ['"v=spf1 -all"'],
    ("_dmarc.mute.org.", "TXT"): ['"v=DMARC1; p=reject"'],
}
NAMES = {name for name, _kind in ZONE}


def answer(query: bytes) -> bytes:
    asked = dns.message.from_wire(query)
    reply = dns.message.make_response(asked)
    question = asked.question[0]
    name, kind = question.name.to_text().lower(), question.rdtype.name
    if records := ZONE.get((name, kind)):
        reply.answer.append(dns.rrset.from_text(name, 60, "IN", kind, *records))
    elif name not in NAMES:
        reply.set_rcode(dns.rcode.SERVFAIL if name.startswith("away.") else dns.rcode.NXDOMAIN)
    return reply.to_wire()


@pytest.fixture
def nameserver(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The system's resolver, as if /etc/resolv.conf named this one."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        udp.settimeout(0.05)
        done = threading.Event()

        def serve() -> None:
            while not done.is_set():
                try:
                    query, asker = udp.recvfrom(4096)
                except TimeoutError:
                    continue
                udp.sendto(answer(query), asker)

        def ours(resolver: dns.resolver.BaseResolver, *args: Any, **options: Any) -> None:
            resolver.nameservers, resolver.port = ["127.0.0.1"], udp.getsockname()[1]

        monkeypatch.setattr(dns.resolver.BaseResolver, "read_resolv_conf", ours)
        serving = threading.Thread(target=serve, daemon=True)
        serving.start()
        yield
        done.set()
        serving.join()


@pytest.mark.parametrize(
    ("domain", "expected"),
    [
        ("daily.org", Found(Outcome.FINE, "")),
        ("mute.org", Found(Outcome.FINE, "mx")),
        ("bare.org", Found(Outcome.FINE, "spf dmarc")),
        ("nowhere.org", Found(Outcome.BROKEN, "host")),
        ("away.org", Found(Outcome.SILENT, "lookup")),
    ],
)
def test_look(nameserver: None, domain: str, expected: Found) -> None:
    assert domains.look(domain) == expected


def test_look_does_not_trust_a_resolver_that_knows_nobody() -> None:
    def ask(name: str, kind: str) -> list[str]:
        raise Halt(Outcome.BROKEN, "host")

    assert domains.look("daily.org", ask=ask) == Found(Outcome.SILENT, "lookup")


def test_look_takes_what_the_domain_above_says(nameserver: None) -> None:
    def ask(name: str, kind: str) -> list[str]:
        return ["10 mx.daily.org."] if (name, kind) == ("news.daily.org", "MX") else domains.ask(name, kind)

    assert domains.look("news.daily.org", ask=ask) == Found(Outcome.FINE, "")


def asking() -> tuple[list[str], domains.Ask]:
    asked: list[str] = []

    def ask(name: str, kind: str) -> list[str]:
        asked.append(name)
        return ["v=spf1"] if kind == "TXT" and not name.startswith("_") else ["v=DMARC1"]

    return asked, ask


def test_sender_is_looked_at_once_in_a_while(daily: Newsletter, settings: Any) -> None:
    issue = factories.issue(daily)
    asked, ask = asking()

    linkcheck.check_sender(issue, ask=ask)
    off = len(asked)
    settings.LINK_CHECKS = True
    linkcheck.check_sender(issue, ask=ask)
    first = len(asked)
    linkcheck.check_sender(issue, ask=ask)

    assert (off, first > 0, len(asked) - first) == (0, True, 0)
    assert linkcheck.known_domain("daily.example").outcome == CheckedLink.Outcome.FINE
    assert linkcheck.known_domain("weekly.example") is None
