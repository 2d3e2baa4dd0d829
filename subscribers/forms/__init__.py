"""What readers fill in."""

from __future__ import annotations

from subscribers.forms.sign_up import SubscribeForm, SubscribeToSeveralForm

__all__ = ["SubscribeForm", "SubscribeToSeveralForm"]
