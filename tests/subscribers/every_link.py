"""Every address that a reader's mail or page can lead to with a token in it, each alive."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

from newsletter.models import Newsletter
from subscribers import letters, lifecycle, tokens
from subscribers.consent import Circumstances, Method
from subscribers.models import AddressChange, Letter, Subscription
from tests import factories
from tests.delivery.ledgers import ledger

# By the first part of a link's name, the token of its kind.
KINDS = {"manage": "manage", "rest": "unsubscribe", "mail": "unsubscribe", "why": "back", "change": "change"}


def every_link() -> dict[str, str]:
    """By the name of its page. Whatever carries a token is found by itself."""
    daily = factories.newsletter(digest_day=1, offers_weekdays=True)
    ada, bob, _ = factories.cast(daily)
    gone = factories.subscription(daily, "gone@example.com")
    lifecycle.unsubscribe(gone, circumstances=Circumstances(Method.LINK))
    now = timezone.now()
    letters.ask(Letter.Kind.KNOWN, ada, now=now + timedelta(hours=1))
    change = AddressChange.objects.create(
        subscriber=ada.subscriber, new_email="ada@new.example", asked_at=now
    )
    dispatch = ledger(factories.issue(daily), accepted=1)
    own = {
        "confirm": tokens.confirm_token(bob),
        "unsubscribe": tokens.unsubscribe_token(ada.pk, mark=str(dispatch.pk)),
        "back": tokens.back_token(Subscription.objects.get(pk=gone.pk), life=tokens.BACK_BY_MAIL),
        "manage": tokens.manage_token(ada.subscriber),
        "change": tokens.change_token(change.pk, end="new"),
        "feedback": tokens.reader_tokens("feedback", mark=str(dispatch.pk))(ada.pk),
        "read": tokens.reader_tokens("read", mark=str(dispatch.pk))(ada.pk),
    }
    return {name: _address(pattern, name, own, daily) for name, pattern in _with_tokens()}


def _with_tokens(resolver: URLResolver | None = None, space: str = "") -> Iterator[tuple[str, URLPattern]]:
    for each in (resolver or get_resolver()).url_patterns:
        if isinstance(each, URLResolver):
            if each.namespace in {None, "subscribers"} and not str(each.pattern).startswith("admin"):
                yield from _with_tokens(each, f"{each.namespace}:" if each.namespace else "")
        elif each.name and "token" in each.pattern.regex.groupindex and "s/" in str(each.pattern)[:3]:
            yield f"{space}{each.name}", each


def _address(pattern: URLPattern, name: str, own: dict[str, str], daily: Newsletter) -> str:
    kind = name.partition(":")[2].partition("_")[0] or name
    values = {"token": own[KINDS.get(kind, kind)], "slug": daily.slug}
    return reverse(name, kwargs={key: values[key] for key in pattern.pattern.regex.groupindex})
