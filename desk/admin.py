"""Where the issue form's buttons lead: pages that the layer of content does not know."""

from __future__ import annotations

from newsletter.admin import IssueAdmin

IssueAdmin.send_page = "desk:check"
IssueAdmin.preview_page = "desk:preview"
