"""What the DNS says of a sender's domain: whether there is one, and whether it asks mailboxes to mind who uses it.

DKIM cannot be looked at so: its names are the provider's own, and some are made up for each customer.
"""

from __future__ import annotations

from collections.abc import Callable

import dns.exception
import dns.resolver

from newsletter.linkcheck.probing import ALWAYS_THERE, Found, Halt, Outcome

Ask = Callable[[str, str], list[str]]

SECONDS = 4.0  # for one question
# Below these no domain is anybody's own.
REGISTRIES = frozenset({"co", "com", "org", "net", "ac", "gov", "edu", "or", "ne", "gob", "nom"})


def ask(name: str, kind: str, *, seconds: float = SECONDS) -> list[str]:
    """Every record of this kind as text; none where there is none. Raises Halt where nobody can say."""
    try:
        answer = dns.resolver.Resolver().resolve(name, kind, lifetime=seconds)
    except dns.resolver.NoAnswer:
        return []
    except dns.resolver.NXDOMAIN:
        raise Halt(Outcome.BROKEN, "host") from None
    except (dns.exception.DNSException, OSError):
        raise Halt(Outcome.SILENT, "lookup") from None
    return [_text(record) for record in answer]


def look(domain: str, *, ask: Ask = ask) -> Found:
    """Found.detail has what is missing: "mx" (answers cannot arrive), "spf" and "dmarc"; "host" when there is none."""
    try:
        mx = _mailboxes(domain, ask=ask)
        missing = {
            "mx": not mx,
            "spf": not any(_has(ask, name, "v=spf1") for name in {domain, owned(domain)}),
            "dmarc": not any(_has(ask, f"_dmarc.{name}", "v=dmarc1") for name in {domain, owned(domain)}),
        }
    except Halt as halt:
        return halt.found
    return Found(Outcome.FINE, " ".join(name for name, is_missing in missing.items() if is_missing))


def _mailboxes(domain: str, *, ask: Ask) -> list[str]:
    try:
        return ask(domain, "MX") or ask(domain, "A") or ask(domain, "AAAA")
    except Halt as halt:
        if halt.found.outcome != Outcome.BROKEN:
            raise
    try:
        knows_the_internet = bool(ask(ALWAYS_THERE, "A"))
    except Halt:
        knows_the_internet = False
    raise Halt(*((Outcome.BROKEN, "host") if knows_the_internet else (Outcome.SILENT, "lookup")))


def owned(domain: str) -> str:
    """The part that somebody has registered: example.com of mg.example.com."""
    labels = domain.split(".")
    kept = 3 if len(labels) > 2 and labels[-2] in REGISTRIES and len(labels[-1]) == 2 else 2
    return ".".join(labels[-kept:])


def _has(ask: Ask, name: str, begins: str) -> bool:
    """There may be nothing under that name, while there is a domain."""
    try:
        return any(text.strip().lower().startswith(begins) for text in ask(name, "TXT"))
    except Halt as halt:
        if halt.found.outcome == Outcome.BROKEN:
            return False
        raise


def _text(record: object) -> str:
    """A TXT record comes in pieces, which belong together without a space."""
    pieces = getattr(record, "strings", None)
    return b"".join(pieces).decode("utf-8", "replace") if pieces else str(record)
