"""Bringing HTML that is too deep or too disorderly into order before a parser sees it, in one pass over its tags.

Parsers answer deep nesting with lost words (libxml2, beyond 255 levels), and tags that are never closed with a time
that grows with their square (html5ever: minutes for 200 KB). Nobody writes like that by hand, and what the editor
writes is left alone. No safety rests on this: the sanitiser comes after it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

DEEPEST = 150  # of what is left alone
SHALLOW = 100  # of what is rewritten
MOST_LEFT_OPEN = 20
MOST_WORDS_IN_A_TAG = 1000
# As a browser reads a tag: up to the first ">" that is in no quoted value. A start always matches, to the end of the
# text if need be, and gives nothing back: each character is looked at once, whatever stands there.
INSIDE = r"""(?:[^>=]++|=\s*"[^"]*"|=\s*'[^']*'|=)*+"""
TAG = re.compile(rf"<(/?)([a-zA-Z][^\s/>]*)({INSIDE})(?:>|\Z)")
SEPARATOR = re.compile(r"[\s/]")
VOID = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
)
# What closes them by itself when the next one begins, unless one of these is opened between the two.
SIBLINGS = {"p": frozenset({"li", "aside", "blockquote", "div", "section"}), "li": frozenset({"ul", "ol"})}
# For each tag, which of these must know that it is open.
CONCERNED = {
    name: [sibling for sibling, between in SIBLINGS.items() if name == sibling or name in between]
    for name in {*SIBLINGS}.union(*SIBLINGS.values())
}


@dataclass(slots=True)
class Stack:
    """What is open at one place: each tag's name, and whether it was kept."""

    open: list[tuple[str, bool]] = field(default_factory=list)
    count: Counter[str] = field(default_factory=Counter)
    # Of what is open, only what each of SIBLINGS looks at: nothing is searched for.
    near: dict[str, list[str]] = field(default_factory=lambda: {name: [] for name in SIBLINGS})
    depth: int = 0
    deepest: int = 0
    left_open: int = 0

    def push(self, name: str) -> bool:
        is_kept = self.depth < SHALLOW
        self.open.append((name, is_kept))
        self.count[name] += 1
        for sibling in CONCERNED.get(name, ()):
            self.near[sibling].append(name)
        self.depth += is_kept
        self.deepest = max(self.deepest, len(self.open))
        return is_kept

    def close(self, name: str) -> str:
        """The closing tags that end the innermost of that name and all that was left open in it."""
        if not self.count[name]:
            self.left_open += 1
            return ""
        tags = [self._pop()]
        while tags[-1][0] != name:
            self.left_open += 1
            tags.append(self._pop())
        return "".join(f"</{each}>" for each, is_kept in tags if is_kept)

    def _pop(self) -> tuple[str, bool]:
        name, is_kept = self.open.pop()
        self.count[name] -= 1
        for sibling in CONCERNED.get(name, ()):
            self.near[sibling].pop()
        self.depth -= is_kept
        return name, is_kept

    def is_followed(self, name: str) -> bool:
        """Whether one that needs no closing tag is open right here."""
        return self.near.get(name, [])[-1:] == [name]


def balanced(html: str) -> str:
    """The HTML itself; or, when it is too deep or much is left open, the same words with every tag in order."""
    stack = Stack()
    rewritten = "".join(_rewritten(html, stack))
    is_orderly = stack.deepest <= DEEPEST and stack.left_open <= MOST_LEFT_OPEN
    return html if is_orderly else rewritten


def _rewritten(html: str, stack: Stack) -> Iterator[str]:
    end = 0
    for match in TAG.finditer(html):
        yield html[end : match.start()]
        yield _tag(match, stack)
        end = match.end()
    yield html[end:]
    while stack.open:
        yield stack.close(stack.open[-1][0])
        stack.left_open += 1


def _tag(match: re.Match[str], stack: Stack) -> str:
    name = match[2].lower()
    if match[1]:
        return stack.close(name)
    text = match[0]
    if len(match[3]) > MOST_WORDS_IN_A_TAG and len(SEPARATOR.findall(match[3])) > MOST_WORDS_IN_A_TAG:
        text = f"<{name}>"
        stack.left_open += MOST_LEFT_OPEN + 1
    if name in VOID:
        return text
    before = stack.close(name) if stack.is_followed(name) else ""
    return before + (text if stack.push(name) else "")
