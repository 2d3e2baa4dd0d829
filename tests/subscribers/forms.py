"""Sign-up pages as a browser without script sees them: what stands in a form is what it posts."""

from __future__ import annotations

from html.parser import HTMLParser


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[tuple[str, list[tuple[str, str]]]] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attributes}
        if tag == "form":
            self.forms.append((given.get("action", ""), []))
        is_posted = given.get("name") and (given.get("type") != "checkbox" or "checked" in given)
        if tag == "input" and self.forms and is_posted:
            self.forms[-1][1].append((given["name"], given.get("value", "")))


def posted_by(page: str, action: str) -> dict[str, list[str]]:
    """By the form that posts to `action`, when nothing is typed into it."""
    reading = _Forms()
    reading.feed(page)
    (pairs,) = (pairs for goes_to, pairs in reading.forms if goes_to == action)
    fields: dict[str, list[str]] = {}
    for name, value in pairs:
        fields.setdefault(name, []).append(value)
    return fields
