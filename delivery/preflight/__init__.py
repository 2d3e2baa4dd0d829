"""Looking an issue over before it goes out: what stands in the way, what somebody has to accept, what is fine."""

from __future__ import annotations

from delivery.preflight.report import Accepted, Report, accept, report, take_back
from newsletter.preflight import Finding, Level

__all__ = ["Accepted", "Finding", "Level", "Report", "accept", "report", "take_back"]
