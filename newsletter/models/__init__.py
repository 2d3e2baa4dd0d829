from __future__ import annotations

from newsletter.models.checked_link import CheckedLink
from newsletter.models.issue import Issue, IssueQuerySet
from newsletter.models.member import Member
from newsletter.models.newsletter import Newsletter, languages, time_zones
from newsletter.models.picture import Picture
from newsletter.models.presence import Presence
from newsletter.models.reader_field import ReaderField
from newsletter.models.revision import Revision
from newsletter.models.usual_time import UsualTime

__all__ = [
    "CheckedLink",
    "Issue",
    "IssueQuerySet",
    "Member",
    "Newsletter",
    "Picture",
    "Presence",
    "ReaderField",
    "Revision",
    "UsualTime",
    "languages",
    "time_zones",
]
