"""Whether somebody has had it in their own mailbox, as it stands now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from delivery.models import Proof
from newsletter import faces
from newsletter.preflight import Finding, Level, mark

if TYPE_CHECKING:
    from newsletter.models import Issue


def findings(issue: Issue) -> list[Finding]:
    content = faces.fingerprint(issue)
    sent = Proof.objects.filter(issue=issue.pk, state=Proof.State.SENT)
    hashes = set(sent.values_list("content_hash", flat=True))
    if content in hashes:
        return [Finding("test_mail", Level.FINE, _("A test mail of this very version was sent."), "test")]
    if hashes:
        text = _("The last test mail is older than the last change. Send yourself another.")
    else:
        text = _("No test mail was sent yet. Look at it in a mailbox before everybody else does.")
    return [Finding("no_test_mail", Level.WARNING, text, "test", mark(content))]
