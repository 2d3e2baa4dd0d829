from __future__ import annotations

from subscribers.admin.people import SubscriberAdmin, SubscriptionAdmin, SuppressionAdmin

__all__ = ["SubscriberAdmin", "SubscriptionAdmin", "SuppressionAdmin"]
