"""Where somebody found the newsletter: told by the form's page and its address, cleaned, and never more than asked.

Whatever stands here can have been typed by anybody: it is shown at the desk, and nothing else follows from it.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

from newsletter.validators import BREAKING_CATEGORIES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from urllib.parse import SplitResult

LONGEST = 100  # characters of each
# What an address may carry: the usual names of campaigns, and whose recommendation it was (a referral code).
CAMPAIGN = ("utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term", "ref")
KEYS = ("page", "referrer", *CAMPAIGN)
# A reader's own links hold their token, and the desk is nobody's business.
PRIVATE = ("/s/", "/admin/")
HOST = re.compile(r"[a-z0-9_.-]+(:[0-9]{1,5})?|\[[0-9a-f:.]+\](:[0-9]{1,5})?")
MOST_FIELDS = 100  # in an address; more is no campaign


def told(posted: Mapping[str, str], *, query: Mapping[str, str], came_from: str, host: str) -> dict[str, str]:
    """By KEYS, those that are known. What a form says outweighs its own address, and that the page it stood on.

    `came_from`: the Referer. Our own pages send it whole to ourselves, and so a form on a page that a CDN keeps needs
    neither script nor cookie to say where it stood. `host`: ours, as the request has it.
    """
    found = _of_page(came_from, host=host)
    found |= {key: query[key] for key in CAMPAIGN if query.get(key)}
    found |= {key: posted[key] for key in KEYS if posted.get(key)}
    cleaned = {key: _cleaned(found[key]) for key in KEYS if key in found}
    return {key: value for key, value in cleaned.items() if value and _is_sound(key, value)}


def _of_page(address: str, *, host: str) -> dict[str, str]:
    parts = _split(address)
    if parts is None or parts.scheme not in {"http", "https"}:
        return {}
    if parts.netloc.lower() != host.lower():
        return {"referrer": parts.netloc.rpartition("@")[2].lower()}
    try:
        query = dict(parse_qsl(parts.query, max_num_fields=MOST_FIELDS))
    except ValueError:
        query = {}
    return {"page": parts.path} | {key: query[key] for key in CAMPAIGN if key in query}


def _split(address: str) -> SplitResult | None:
    try:
        return urlsplit(address)
    except ValueError:
        return None


def _cleaned(text: str) -> str:
    """On one line, without what could disguise it."""
    kept = (
        " " if unicodedata.category(each) in BREAKING_CATEGORIES else each for each in text[: 10 * LONGEST]
    )
    shown = "".join(each for each in kept if unicodedata.category(each) not in {"Cf", "Cs", "Co"})
    return " ".join(shown.split())[:LONGEST].strip()


def _is_sound(key: str, value: str) -> bool:
    if key == "page":
        return value.startswith("/") and not value.startswith(("//", *PRIVATE))
    return key != "referrer" or HOST.fullmatch(value) is not None
