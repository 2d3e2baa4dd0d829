"""What the pages of issues show and lead to that the layer of content does not know."""

from __future__ import annotations

from typing import TYPE_CHECKING

from delivery import courses
from newsletter.admin import IssueAdmin

if TYPE_CHECKING:
    from collections.abc import Collection


def _outcomes(issues: Collection[int]) -> dict[int, tuple[str, str]]:
    return {issue: (state.value, str(state.label)) for issue, state in courses.unfinished(issues).items()}


IssueAdmin.send_page = "desk:check"
IssueAdmin.preview_page = "desk:preview"
IssueAdmin.outcomes = _outcomes
