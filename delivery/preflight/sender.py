"""From whom it comes: a domain that may send, and an address that somebody reads."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from delivery import gateway
from newsletter import linkcheck
from newsletter.linkcheck import Kind
from newsletter.models import CheckedLink
from newsletter.preflight import Finding, Level, links, mark

if TYPE_CHECKING:
    from django.utils.functional import Promise

    from newsletter.models import Newsletter

# Their DMARC policies have mailboxes refuse whatever does not come from their own servers.
FREE_MAIL = frozenset(
    {
        *("gmail.com", "googlemail.com", "yahoo.com", "ymail.com", "rocketmail.com", "aol.com", "aim.com"),
        *(
            "outlook.com",
            "hotmail.com",
            "live.com",
            "msn.com",
            "icloud.com",
            "me.com",
            "mac.com",
            "proton.me",
        ),
        *(
            "protonmail.com",
            "pm.me",
            "gmx.de",
            "gmx.net",
            "gmx.com",
            "gmx.at",
            "gmx.ch",
            "web.de",
            "t-online.de",
        ),
        *(
            "freenet.de",
            "mail.com",
            "mail.ru",
            "yandex.ru",
            "yandex.com",
            "zoho.com",
            "tutanota.com",
            "tuta.com",
        ),
        *(
            "orange.fr",
            "wanadoo.fr",
            "free.fr",
            "laposte.net",
            "sfr.fr",
            "libero.it",
            "virgilio.it",
            "tiscali.it",
        ),
        *(
            "comcast.net",
            "verizon.net",
            "att.net",
            "btinternet.com",
            "uol.com.br",
            "bol.com.br",
            "terra.com.br",
        ),
        *(
            "ziggo.nl",
            "kpnmail.nl",
            "xs4all.nl",
            "telenet.be",
            "bluewin.ch",
            "qq.com",
            "163.com",
            "naver.com",
        ),
    }
)
FREE_MAIL_FAMILIES = re.compile(r"(?:yahoo|hotmail|live|outlook)\.(?:co\.)?[a-z]{2,3}(?:\.[a-z]{2})?")
# RFC 2606, RFC 6761: nobody ever owns these.
RESERVED = (
    "example",
    "test",
    "invalid",
    "localhost",
    "local",
    "internal",
    "example.com",
    "example.org",
    "example.net",
)
NOBODY = re.compile(
    r"(?:no|do-?not|ne-?pas)[-_.]?(?:reply|respond|repondre|antwort\w*)|nicht-?antworten|noresponder", re.I
)

OF_DNS: dict[str, tuple[Level, Promise]] = {
    "no_domain": (
        Level.BLOCKER,
        gettext_lazy("There is no domain %(domain)s. Look for a slip in the sender's address."),
    ),
    "domain_not_set_up": (
        Level.DECISION,
        gettext_lazy(
            "%(domain)s is not set up for sending: the DNS has neither SPF nor DMARC for it, and big mailboxes refuse "
            "such mail. Your provider's page on domains says which records are missing."
        ),
    ),
    "no_dmarc": (
        Level.WARNING,
        gettext_lazy(
            "The DNS has no DMARC record for %(domain)s. Gmail, Yahoo and Microsoft ask for one from whoever writes "
            "to many."
        ),
    ),
    "no_mx": (Level.WARNING, gettext_lazy("No mail arrives at %(domain)s, so nobody can answer.")),
}
# What is missing in the DNS, and what that means; the first that fits.
BY_MISSING = (
    ({"spf", "dmarc"}, "domain_not_set_up"),
    ({"dmarc"}, "no_dmarc"),
    ({"mx"}, "no_mx"),
)


def findings(newsletter: Newsletter, *, aliases: list[str]) -> list[Finding]:
    domain = newsletter.sender_email.rpartition("@")[2].lower()
    found = [*_domain(domain, aliases=aliases), *_answers(newsletter)]
    if any(goes_out(alias) for alias in aliases) and links.site_is_local():
        words = _(
            "Every link in the mail begins with %(url)s, which no reader can reach, the way to unsubscribe too. "
            "SITE_URL must be set to the site's public address on the server."
        )
        found.append(
            Finding("local_site", Level.BLOCKER, words % {"url": settings.SITE_URL}, "mailer", mark())
        )
    return found or [
        Finding("sender", Level.FINE, _("The sender's address is in order."), "newsletter.sender_email")
    ]


def goes_out(alias: str) -> bool:
    """Whether mails leave this machine by this mailer; not where it speaks to a mailbox for trying things out."""
    if gateway.scheme(alias) == "outbox":
        return False
    options: dict[str, Any] = settings.MAILERS[alias].get("OPTIONS", {})
    host = urlsplit(str(options.get("api_url", ""))).hostname or options.get("host") or ""
    return not host or linkcheck.kind(f"http://{host}") not in {Kind.PRIVATE, Kind.UNUSABLE}


def _domain(domain: str, *, aliases: list[str]) -> list[Finding]:
    field = "newsletter.sender_email"
    if domain in FREE_MAIL or FREE_MAIL_FAMILIES.fullmatch(domain):
        if all(gateway.scheme(alias) == "outbox" for alias in aliases):
            return []
        words = _(
            "Mailboxes refuse mails from %(domain)s that do not come from its own servers. Send from a domain of your "
            "own."
        )
        return [Finding("free_mail_sender", Level.BLOCKER, words % {"domain": domain}, field, mark(domain))]
    out = [alias for alias in aliases if goes_out(alias)]
    if out and (
        domain in RESERVED or domain.endswith(tuple(f".{end}" for end in RESERVED)) or "." not in domain
    ):
        words = _("%(domain)s is a made-up domain: no mail comes from it. Write the sender's real address.")
        return [Finding("made_up_sender", Level.BLOCKER, words % {"domain": domain}, field, mark(domain))]
    apart = [finding for alias in out if (finding := _of_mailer(alias, domain, field=field))]
    return [*apart, *(_of_dns(domain, field=field) if out else [])]


def _of_mailer(alias: str, domain: str, *, field: str) -> Finding | None:
    """Mailgun's URL names the domain that was set up there."""
    set_up = str(settings.MAILERS[alias].get("OPTIONS", {}).get("sender_domain", "")).lower()
    if not set_up or are_related(set_up, domain):
        return None
    words = _(
        "The mailer is set up for %(set_up)s, but the sender's address is of %(domain)s: mailboxes may take that for "
        "a forgery. Set %(domain)s up at your provider, or change the sender's address."
    )
    text = words % {"set_up": set_up, "domain": domain}
    return Finding("other_domain", Level.DECISION, text, field, mark(set_up, domain))


def _of_dns(domain: str, *, field: str) -> list[Finding]:
    """As a worker found it when it followed the links; nothing where nobody could say."""
    row = linkcheck.known_domain(domain)
    if row is None or row.outcome == CheckedLink.Outcome.SILENT:
        return []
    if row.outcome == CheckedLink.Outcome.BROKEN:
        code = "no_domain"
    else:
        missing = set(row.detail.split())
        code = next((code for needs, code in BY_MISSING if needs <= missing), "")
    if not code:
        return []
    level, words = OF_DNS[code]
    return [Finding(code, level, str(words) % {"domain": domain}, field, mark(code, domain))]


def are_related(one: str, other: str) -> bool:
    """Of one owner, as DMARC's relaxed alignment sees it: mg.example.com and example.com."""
    return linkcheck.owned(one) == linkcheck.owned(other)


def _answers(newsletter: Newsletter) -> list[Finding]:
    address = newsletter.reply_to or newsletter.sender_email
    if not NOBODY.match(address.partition("@")[0]):
        return []
    words = _(
        "Answers go to %(address)s, which sounds as if nobody reads them. Say where answers go: readers write, and "
        "mailboxes trust senders who are answered."
    )
    return [
        Finding(
            "nobody_answers",
            Level.WARNING,
            words % {"address": address},
            "newsletter.reply_to",
            mark(address.lower()),
        )
    ]
