from __future__ import annotations

import pytest

from subscribers import lookalikes


@pytest.mark.parametrize(
    ("domain", "is_mixed"),
    [
        ("gmail.com", False),
        ("gm\u0430il.com", True),  # a Cyrillic а
        ("g\u03bfogle.com", True),  # a Greek ο
        ("почта.рф", False),
        ("почта.com", False),  # each part by itself
        ("bücher.example", False),
        ("東京tower.jp", False),
        ("ラーメンramen.jp", False),
        ("한국mail.kr", False),
        ("한국ひらがな.kr", True),
        ("ｇｍａｉｌ.com", False),  # wide letters are the same letters
        ("a1-2.example", False),
        ("", False),
    ],
)
def test_domain_of_letters_that_are_not_written_together_is_told(domain: str, is_mixed: bool) -> None:
    assert lookalikes.is_mixed(domain) == is_mixed
