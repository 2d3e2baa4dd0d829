"""Looking an issue over before it goes out: findings about its content.

Pure where possible: most checks take the words and give findings. Who the readers are, and by what it goes, is
delivery's to look at (delivery/preflight).
"""

from __future__ import annotations

from newsletter.preflight.findings import Finding, Level, mark
from newsletter.preflight.looking import content

__all__ = ["Finding", "Level", "content", "mark"]
