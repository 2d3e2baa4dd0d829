"""Three issues of an invented morning paper, to look at and to try things on."""

from __future__ import annotations

from newsletter.samples.samples import MASTHEAD, SAMPLES, Sample, SampleMasthead

__all__ = ["MASTHEAD", "SAMPLES", "Sample", "SampleMasthead"]
