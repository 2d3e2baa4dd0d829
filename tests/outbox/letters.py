"""Mails for the outbox's tests."""

from __future__ import annotations

from django.core.mail import EmailMultiAlternatives

LEAVE = "http://testserver/s/unsubscribe/token/"


def issue(
    *to: str, subject: str = "The tide", html: str = "<p>Hello</p>", leave: str = LEAVE
) -> EmailMultiAlternatives:
    message = EmailMultiAlternatives(
        subject,
        "Hello in text",
        "The Daily Tide <hello@tide.example>",
        list(to or ["ada@example.com"]),
        headers={
            "List-Unsubscribe": f"<{leave}>, <mailto:leave@tide.example>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
            "Message-ID": "<1@tide.example>",
        },
    )
    if html:
        message.attach_alternative(html, "text/html")
    return message
