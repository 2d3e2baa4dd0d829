from __future__ import annotations

# Morning or afternoon comes before the hour.
TIME_FORMAT = "A g:i"
DATETIME_FORMAT = "Y년 n월 j일 A g:i"
