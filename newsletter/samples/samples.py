"""What the sample newsletter is called and what its three issues say."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

FOLDER = Path(__file__).parent
BLOCK_TAG = "</?(?:aside|blockquote|div|h2|h3|hr|li|ol|p|section|ul)(?: [^>]*)?>"
# A no-break space would be a word; only the file's own line ends and indents go.
BETWEEN_BLOCKS = re.compile(f" ?({BLOCK_TAG}) ?")


@dataclass(frozen=True, slots=True)
class SampleMasthead:
    """The fields of a Newsletter, by the same names."""

    name: str
    slug: str
    tagline: str
    description: str
    sender_name: str
    sender_email: str
    postal_address: str
    language: str
    time_zone: str
    accent: str


@dataclass(frozen=True)
class Sample:
    """The fields of an Issue; the body is in the HTML file of the same slug."""

    slug: str
    subject: str
    preheader: str
    authors: str

    def as_fields(self) -> dict[str, str]:
        names = ("slug", "subject", "preheader", "authors", "body")
        return {name: getattr(self, name) for name in names}

    @cached_property
    def body(self) -> str:
        """As the editor stores it: on one line, while the file is broken into lines for people."""
        text = (FOLDER / f"{self.slug}.html").read_text(encoding="utf-8")
        return BETWEEN_BLOCKS.sub(r"\1", " ".join(text.split()))


MASTHEAD = SampleMasthead(
    name="The Morning Courant",
    slug="morning-courant",
    tagline="One good idea, three small facts and a joke, before your coffee gets cold.",
    description=(
        "A short daily about the things that hold the world together: bridges, tides, maps, letters and breakfast. "
        "Five minutes, every morning, in plain words."
    ),
    sender_name="The Morning Courant",
    sender_email="editors@courant.example.com",
    postal_address="The Morning Courant, 12 Quay Street, Harbour Town",
    language="en",
    time_zone="Europe/London",
    accent="#b3261e",
)

# Oldest first.
SAMPLES = (
    Sample(
        slug="the-map-is-lying-politely",
        subject="The map is lying to you, politely",
        preheader="Why every flat map must choose its fib, and how to pick one you can live with.",
        authors="Maud Okonjo-Lind and Idris Vale",
    ),
    Sample(
        slug="a-letter-for-one-penny",
        subject="A letter for one penny",
        preheader="How a small black square made strangers write to each other, and what your inbox owes it.",
        authors="Tamsin Quill",
    ),
    Sample(
        slug="the-tide-keeps-its-own-clock",
        subject="The tide keeps its own clock",
        preheader="It is fifty minutes late every day, and it has never once apologised.",
        authors="Maud Okonjo-Lind",
    ),
)
