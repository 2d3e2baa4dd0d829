"""Following an issue's links, safely: never into our own network, never for long, never twice in a day.

`addresses` and `hosts` judge by looks, `probing` asks, `checking` asks for a whole issue and remembers.
"""

from __future__ import annotations

from newsletter.linkcheck.checking import (
    Links,
    check,
    check_sender,
    known,
    known_domain,
    of,
    own_path,
    sender_domain,
    to_follow,
)
from newsletter.linkcheck.domains import owned
from newsletter.linkcheck.hosts import Kind, kind
from newsletter.linkcheck.probing import Prober

__all__ = [
    "Kind",
    "Links",
    "Prober",
    "check",
    "check_sender",
    "kind",
    "known",
    "known_domain",
    "of",
    "own_path",
    "owned",
    "sender_domain",
    "to_follow",
]
