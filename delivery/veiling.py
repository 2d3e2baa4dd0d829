"""What a provider said, as it may be kept: as any database takes it, and with no address in it.

Such words often name the reader, and they are written where nobody would find them once that reader is gone. Veiled,
they still tell whoever reads them which reader is meant, and nobody else how to write to them.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

from delivery.messages import Receipt
from subscribers.addresses import masked

if TYPE_CHECKING:
    from collections.abc import Callable

# A dot at the end is the sentence's. What has been veiled has an ellipsis before the @, and stays as it is.
ADDRESS = re.compile(
    r"[^\s\"'<>,;:()\[\]\\@…][^\s\"<>,;:()\[\]\\@…]*@[^\s\"'<>,;:()\[\]\\@…]*[^\s\"'<>,;:()\[\]\\@….?!]"
)


def veiled(text: str, *, keep: str = "") -> str:
    """Every address as `zo…@e….com`, but `keep`: the sender's own may be what is wrong."""
    return ADDRESS.sub(partial(_veiled, keep=keep.casefold()), text) if "@" in text else text


def _veiled(match: re.Match[str], *, keep: str) -> str:
    address = match[0]
    return address if address.casefold() == keep else masked(address)


def storable(receipt: Receipt, *, sender: Callable[[], str]) -> Receipt:
    """`sender` is asked only where there is an address."""
    error = receipt.stopped_by
    outcomes = (receipt.refused, receipt.deferred, receipt.uncertain)
    words = [
        *(said for outcome in outcomes for said in outcome.values()),
        *map(str, error.args if error else ()),
    ]
    if all(map(_is_plain, [*receipt.accepted.values(), *words])) and not any("@" in said for said in words):
        return receipt
    clean = partial(_clean, keep=sender() if any("@" in said for said in words) else "")
    if error is not None:
        error.args = tuple(clean(str(each)) for each in error.args)
    accepted = {
        pk: _without_strays(said) for pk, said in receipt.accepted.items()
    }  # ids: their @ is no address
    refused, deferred, uncertain = ({pk: clean(said) for pk, said in outcome.items()} for outcome in outcomes)
    return Receipt(accepted, refused, deferred, uncertain, error)


def _is_plain(said: str) -> bool:
    return said.isascii() and "\0" not in said


def _clean(said: str, *, keep: str) -> str:
    return veiled(_without_strays(said), keep=keep)


def _without_strays(said: str) -> str:
    """No half of a character, and no NUL."""
    return said.replace("\0", "").encode(errors="replace").decode()
