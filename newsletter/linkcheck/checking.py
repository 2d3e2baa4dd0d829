"""An issue's links: which of them are followed, what is known of each, and asking for those that are not known yet."""

from __future__ import annotations

import hashlib
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from django.conf import settings
from django.utils import timezone
from lxml import html

from newsletter.linkcheck import domains
from newsletter.linkcheck.hosts import Kind, kind
from newsletter.linkcheck.probing import Found, Outcome, Prober
from newsletter.models import CheckedLink

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from newsletter.models import Issue, Newsletter

MOST = 200  # links of one issue that are followed
AT_ONCE = 6
BUDGET = 10.0  # seconds of one look, after which the rest waits for another: the worker has other work, too
FRESH = timedelta(hours=12)
# Somebody asked for another look: what was good lately is not asked again.
FINE_WHEN_ASKED, WANTING_WHEN_ASKED = timedelta(hours=1), timedelta(seconds=5)
KEPT = timedelta(days=30)
DNS = "dns:"  # before a domain that was asked about, where the table has an address


@dataclass(frozen=True, slots=True)
class Links:
    """What is known of an issue's links at this moment."""

    followed: tuple[str, ...]  # those that are to be followed, each once
    known: Mapping[str, CheckedLink]
    left_out: int = 0  # above MOST

    @property
    def waiting(self) -> list[str]:
        return [url for url in self.followed if url not in self.known]

    @property
    def answering(self) -> int:
        """Of how many their host said something, be it that there is nothing: then there is a status."""
        rows = [self.known[url] for url in self.followed if url in self.known]
        return sum(row.outcome == Outcome.FINE or row.detail.isdecimal() for row in rows)

    def unanswered(self, since: datetime | None) -> list[str]:
        """Those of which nothing is known, and those that were found wanting before that moment."""
        return [url for url in self.followed if not _is_answered(self.known.get(url), since=since)]


def hrefs(body: str) -> list[str]:
    """Every address that a reader may press, in their order."""
    root = html.fragment_fromstring(body or "<p></p>", create_parent="div")
    return [element.get("href", "").strip() for element in root.iter("a") if element.get("href")]


def to_follow(addresses: Iterable[str]) -> list[str]:
    """Public ones, each once, without what stands behind the #; not our own, which we know better."""
    whole = (without_fragment(address) for address in addresses)
    return list(dict.fromkeys(url for url in whole if own_path(url) is None and kind(url) == Kind.PUBLIC))


def without_fragment(url: str) -> str:
    try:
        return urlunsplit(urlsplit(url)._replace(fragment=""))
    except ValueError:
        return url


def own_path(url: str) -> str | None:
    """Where on our own site it leads, or None when it leads elsewhere."""
    try:
        parts, ours = urlsplit(url), urlsplit(settings.SITE_URL)
        is_ours = (parts.hostname, parts.port or None) == (ours.hostname, ours.port or None)
    except ValueError:
        return None
    if parts.scheme in {"http", "https"} and is_ours:
        return parts.path or "/"
    return parts.path if url.startswith("/") and not url.startswith("//") else None


def of(issue: Issue) -> Links:
    """Without looking at anything else of it."""
    return known(hrefs(issue.body))


def known(addresses: Iterable[str]) -> Links:
    """One query."""
    every = to_follow(addresses)
    followed = every[:MOST] if settings.LINK_CHECKS else []
    rows = CheckedLink.objects.filter(url_hash__in=[_hash(url) for url in followed]) if followed else []
    return Links(tuple(followed), {row.url: row for row in rows}, left_out=len(every) - len(every[:MOST]))


def check(issue: Issue, *, again: bool = False, prober: Prober | None = None, budget: float = BUDGET) -> bool:
    """Follow those of its links of which nothing fresh is known. True when some are left for another look.

    Network: call outside of any transaction.
    """
    if not settings.LINK_CHECKS:
        return False
    links = of(issue)
    now = timezone.now()
    stale = [url for url in links.followed if not _is_fresh(links.known.get(url), now=now, again=again)]
    answered = 0
    for url, found in _followed(stale, prober or Prober(agent=agent()), budget=budget):
        _remember(url, found)
        answered += 1
    CheckedLink.objects.filter(checked_at__lt=now - KEPT).delete()
    return 0 < answered < len(stale)


def _is_answered(row: CheckedLink | None, *, since: datetime | None) -> bool:
    return row is not None and (since is None or row.outcome == Outcome.FINE or row.checked_at >= since)


def check_sender(issue: Issue, *, again: bool = False, ask: domains.Ask = domains.ask) -> None:
    """Ask the DNS about the sender's domain, as seldom as about a link."""
    domain = sender_domain(issue.newsletter)
    row = known_domain(domain)
    if not settings.LINK_CHECKS or not domain:
        return
    if not _is_fresh(row, now=timezone.now(), again=again or bool(row and row.detail)):
        _remember(f"{DNS}{domain}", domains.look(domain, ask=ask))


def known_domain(domain: str) -> CheckedLink | None:
    return (
        CheckedLink.objects.filter(url_hash=_hash(f"{DNS}{domain}")).first() if settings.LINK_CHECKS else None
    )


def sender_domain(newsletter: Newsletter) -> str:
    return newsletter.sender_email.rpartition("@")[2].lower()


def agent() -> str:
    return f"Courant link check (+{settings.SITE_URL})"


def _is_fresh(row: CheckedLink | None, *, now: datetime, again: bool) -> bool:
    if row is None:
        return False
    when_asked = FINE_WHEN_ASKED if row.outcome == Outcome.FINE else WANTING_WHEN_ASKED
    return now - row.checked_at < (when_asked if again else FRESH)


def _followed(urls: list[str], prober: Prober, *, budget: float) -> Iterator[tuple[str, Found]]:
    """Each with what was found, as the answers come. Nothing is begun after the budget."""
    pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="links")
    waiting = {pool.submit(prober.follow, url): url for url in urls}
    try:
        yield from _answers(waiting, seconds=budget)
        for answer in [each for each in waiting if each.cancel()]:
            del waiting[answer]
        yield from _answers(waiting, seconds=prober.seconds + 1)
        # A resolver that hangs cannot be hurried. Its thread ends by itself.
        yield from ((url, Found(Outcome.SILENT, "lookup")) for url in waiting.values())
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _answers(waiting: dict[Future[Found], str], *, seconds: float) -> Iterator[tuple[str, Found]]:
    with suppress(TimeoutError):
        for answer in as_completed(list(waiting), timeout=seconds):
            yield waiting.pop(answer), answer.result()


def _remember(url: str, found: Found) -> None:
    CheckedLink.objects.update_or_create(
        url_hash=_hash(url),
        defaults={
            "url": url,
            "outcome": found.outcome,
            "detail": found.detail,
            "checked_at": timezone.now(),
        },
    )


def _hash(url: str) -> str:
    return hashlib.sha256(url.encode()).hexdigest()
