"""What of a face is read."""

from __future__ import annotations

from lxml import html

SPONSOR = (
    '<aside class="sponsor" data-block="sponsor"><p>Ropes by <a href="https://example.org/rope">Rope &amp; Co</a></p>'
    '<p class="cta"><a class="btn" href="https://example.org/buy">Buy</a></p></aside>'
)


def body_of_mail(mail: str) -> html.HtmlElement:
    return html.fromstring(mail).xpath("//td[@class='text']")[0]


def words_in(root: html.HtmlElement) -> list[str]:
    return " ".join(root.itertext()).split()


def words_of(text: str) -> str:
    return " ".join(text.split())
