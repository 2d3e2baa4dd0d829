"""What providers take for an address, and where a reader's way out is in a header."""

from __future__ import annotations

import re

ADDRESS = re.compile(r"[^\s@<>(),;:\\\"\[\]]+@(?:[\w-]+\.)+[\w-]{2,}")
NEVER = re.compile(r"^\.|\.\.|\.@")
NAMED_ADDRESS = re.compile(r"<([^<>]*)>\s*$")
IN_A_LIST = re.compile(r'(?:[^,"]|"(?:[^"\\]|\\.)*")+')
LINK = re.compile(r"<\s*(https?://[^<>\s]+)\s*>")


def address_of(written: str) -> str:
    if "<" not in written:
        return written.strip()
    named = NAMED_ADDRESS.search(written)
    return (named[1] if named else written).strip()


def is_address(address: str) -> bool:
    return ADDRESS.fullmatch(address) is not None and NEVER.search(address) is None


def split(value: str) -> list[str]:
    """Several addresses in one field; a comma inside a quoted name parts nothing."""
    if "," not in value:
        return [value]
    parts = IN_A_LIST.findall(value) if '"' in value else value.split(",")
    return [written.strip() for written in parts if written.strip()]


def link_in(header: str) -> str:
    """The https link of a List-Unsubscribe header, or nothing."""
    if header.startswith("<https://") and header.find(">") == len(header) - 1 and " " not in header:
        return header[1:-1]
    found = LINK.search(header)
    return found[1] if found else ""
