"""Newsletters and issues in the admin."""

from __future__ import annotations

from newsletter.admin.issue import IssueAdmin
from newsletter.admin.newsletter import NewsletterAdmin

__all__ = ["IssueAdmin", "NewsletterAdmin"]
