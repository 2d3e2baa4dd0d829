"""The forms that newsletters and issues are written in."""

from __future__ import annotations

from newsletter.bodies import LARGEST_BODY
from newsletter.forms.body import BodyWidget
from newsletter.forms.issue import IssueForm
from newsletter.forms.newsletter import (
    NewsletterForm,
    ReaderFieldForm,
    ReaderFieldFormSet,
    UsualTimeForm,
)
from newsletter.forms.team import PersonForm, RoleForm

__all__ = [
    "LARGEST_BODY",
    "BodyWidget",
    "IssueForm",
    "NewsletterForm",
    "PersonForm",
    "ReaderFieldForm",
    "ReaderFieldFormSet",
    "RoleForm",
    "UsualTimeForm",
]
