"""An issue's three faces: the web page's fragment, the mail's HTML and the mail's text.

Pure: values in, strings out. No query, no clock, no request; the caller activates the newsletter's language.
"""

from __future__ import annotations

from newsletter.rendering.content import Cover, Edition, Masthead
from newsletter.rendering.document import merges
from newsletter.rendering.mail import feedback_question, mail_html
from newsletter.rendering.sanitising import sanitise
from newsletter.rendering.stencil import PAGE_SLOT, SLOTS, Stencil, StencilError, page_slot, slot
from newsletter.rendering.text import mail_text
from newsletter.rendering.web import subscribe_box, web

__all__ = [
    "PAGE_SLOT",
    "SLOTS",
    "Cover",
    "Edition",
    "Masthead",
    "Stencil",
    "StencilError",
    "feedback_question",
    "mail_html",
    "mail_text",
    "merges",
    "page_slot",
    "sanitise",
    "slot",
    "subscribe_box",
    "web",
]
