"""Where links lead: what can be seen from the address, what our own site has, and what was found by following them."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from newsletter import linkcheck
from newsletter.linkcheck import Kind, Links, own_path
from newsletter.linkcheck.checking import without_fragment
from newsletter.models import CheckedLink
from newsletter.preflight.findings import Finding, Level, mark, some
from newsletter.preflight.own_site import Place
from newsletter.preflight.reading import Copy, shortened

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from django.utils.functional import Promise

    from newsletter.preflight.reading import Link

Outcome = CheckedLink.Outcome

# (level, what to do) by code. A staging host is a guess by its name, and so somebody may decide otherwise.
SAID: dict[str, tuple[Level, Promise]] = {
    "no_address": (
        Level.BLOCKER,
        gettext_lazy("These links lead nowhere: give them an address, or take them off."),
    ),
    "unusable_link": (
        Level.BLOCKER,
        gettext_lazy("These addresses cannot be followed. Look for a slip in them."),
    ),
    "private_link": (
        Level.BLOCKER,
        gettext_lazy("Only your own network reaches these addresses, no reader does. Link the public page."),
    ),
    "credentials_link": (
        Level.BLOCKER,
        gettext_lazy(
            "There is a name or password in these addresses, and every reader would get it. Take it out."
        ),
    ),
    "desk_link": (
        Level.BLOCKER,
        gettext_lazy("These links lead to the desk, where readers cannot go. Link the public page."),
    ),
    "personal_link": (
        Level.BLOCKER,
        gettext_lazy(
            "These are one reader's own links, from a mail: whoever presses them acts for that reader. Take them out."
        ),
    ),
    "draft_link": (
        Level.BLOCKER,
        gettext_lazy("These issues are not on the site yet. Send them first, or take the links out."),
    ),
    "missing_page": (
        Level.BLOCKER,
        gettext_lazy("Your own site has no such page. Look for a slip in the address."),
    ),
    "missing_picture": (
        Level.BLOCKER,
        gettext_lazy("Your own site has no such picture. Put it in once more."),
    ),
    "broken_link": (Level.BLOCKER, gettext_lazy("These links are broken: mend them, or take them out.")),
    "staging_link": (
        Level.DECISION,
        gettext_lazy(
            "These look like sites where something is tried out. Link the public page, or accept them."
        ),
    ),
    "silent_link": (
        Level.WARNING,
        gettext_lazy("These links could not be followed. Open them yourself, and accept them if they work."),
    ),
}
BY_KIND = {
    Kind.UNUSABLE: "unusable_link",
    Kind.PRIVATE: "private_link",
    Kind.CREDENTIALS: "credentials_link",
    Kind.STAGING: "staging_link",
}
BY_PLACE = {
    Place.MISSING: "missing_page",
    Place.DRAFT: "draft_link",
    Place.DESK: "desk_link",
    Place.PERSONAL: "personal_link",
}
BY_OUTCOME = {
    Outcome.BROKEN: "broken_link",
    Outcome.REFUSED: "private_link",
    Outcome.SILENT: "silent_link",
}
REASONS: dict[str, Promise] = {
    "404": gettext_lazy("there is no such page"),
    "410": gettext_lazy("the page was taken down"),
    "host": gettext_lazy("there is no such host"),
    "loop": gettext_lazy("it leads in circles"),
    "address": gettext_lazy("it leads to something that is no address"),
    "private": gettext_lazy("it leads into a private network"),
    "slow": gettext_lazy("no answer in time"),
    "silent": gettext_lazy("no answer"),
    "lookup": gettext_lazy("its host could not be looked up"),
    "certificate": gettext_lazy("its certificate is not valid, and browsers warn of it"),
    "port": gettext_lazy("we do not ask at this port"),
    "credentials": gettext_lazy("it leads on to an address with a password"),
}


def findings(copy: Copy, *, own: Mapping[str, Place], links: Links) -> list[Finding]:
    """`own`: what our site has at its own paths; `links`: what is known of the others."""
    wrong: dict[str, list[tuple[str, str]]] = defaultdict(list)  # by code: (address, place)
    for link in copy.links:
        if code := _code(link.href, own=own, links=links):
            wrong[code].append((link.href, _place(link, links=links)))
    for image in copy.images:
        if code := _of_picture(image.src, own=own):
            wrong[code].append((image.src, shortened(image.src)))
    found = [_finding(code, pairs) for code, pairs in wrong.items()]
    if note := _unfinished(links):
        found.append(note)
    if not found and copy.links:
        found.append(_fine(len(copy.links)))
    return found


def waiting(links: Links) -> Finding:
    """Not followed yet. Nobody is kept from going on: it is accepted by name, like whatever nobody knows."""
    text = ngettext(
        "%(count)s link has not been followed yet.",
        "%(count)s links have not been followed yet.",
        len(links.waiting),
    ) % {"count": len(links.waiting)}
    return Finding("links_waiting", Level.WARNING, text, "body", mark(*sorted(links.waiting)))


def _code(href: str, *, own: Mapping[str, Place], links: Links) -> str:
    if not href or href.startswith("#"):
        return "no_address"
    if (path := own_path(href)) is not None:
        return BY_PLACE.get(own.get(path, Place.THERE), "")
    if code := BY_KIND.get(linkcheck.kind(href)):
        return code
    row = links.known.get(without_fragment(href))
    return BY_OUTCOME.get(Outcome(row.outcome), "") if row else ""


def _of_picture(src: str, *, own: Mapping[str, Place]) -> str:
    if not src or src.startswith("data:"):
        return "missing_picture"
    if (path := own_path(src)) is not None:
        return "" if own.get(path) in {None, Place.THERE} else "missing_picture"
    code = BY_KIND.get(linkcheck.kind(src), "")
    return code if code != "credentials_link" else "private_link"


def _place(link: Link, *, links: Links) -> str:
    row = links.known.get(without_fragment(link.href))
    why = reason(row.detail) if row and row.outcome != Outcome.FINE else ""
    shown = f"{link.place} → {shortened(link.href)}" if link.text and link.href else link.place
    return f"{shown}: {why}" if why else shown


def reason(detail: str) -> str:
    if detail.isdecimal() and detail not in REASONS:
        return _("it answers with error %(status)s") % {"status": detail}
    return str(REASONS.get(detail, detail))


def _finding(code: str, pairs: list[tuple[str, str]]) -> Finding:
    level, words = SAID[code]
    addresses = sorted({address for address, _place in pairs})
    places = [place for _address, place in pairs]
    return Finding(code, level, str(words), "body", mark(code, *addresses), some(places))


def _unfinished(links: Links) -> Finding | None:
    if links.waiting:
        return waiting(links)
    if links.left_out:
        text = _(
            "There are very many links: %(count)s of them were not followed. Look at the last ones yourself."
        )
        marked = mark(links.left_out)
        return Finding("many_links", Level.WARNING, text % {"count": links.left_out}, "body", marked)
    return None


def _fine(count: int) -> Finding:
    if not settings.LINK_CHECKS:
        text = _("No link looks wrong. None is followed here (LINK_CHECKS=0).")
    else:
        text = ngettext("Its link leads somewhere.", "All %(count)s links lead somewhere.", count) % {
            "count": count
        }
    return Finding("links", Level.FINE, text, "body")


def own_paths(copy: Copy) -> Iterable[str]:
    every = [link.href for link in copy.links] + [image.src for image in copy.images]
    return [path for each in every if (path := own_path(each)) is not None]


def site_is_local() -> bool:
    """Whether our own address is one that only this machine or network reaches."""
    return urlsplit(settings.SITE_URL).scheme not in {"http", "https"} or linkcheck.kind(
        f"http://{urlsplit(settings.SITE_URL).hostname}"
    ) in {Kind.PRIVATE, Kind.UNUSABLE}
