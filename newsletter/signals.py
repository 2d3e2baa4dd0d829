"""What goes up from content: the layers above listen, and newsletter knows none of them."""

from __future__ import annotations

from django.dispatch import Signal

# What readers would see of an issue is another now (newsletter.faces.fingerprint). Sent by newsletter.revisions within
# the transaction that saves it, so that what follows is saved with it or not at all. Provides `issue`, as stored now,
# and `by`, the user or None. A receiver may give back a sentence for whoever saved.
content_changed = Signal()
