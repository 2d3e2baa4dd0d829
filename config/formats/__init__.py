"""How dates are written where a language has a choice: one way on every page and in every mail."""

from __future__ import annotations
