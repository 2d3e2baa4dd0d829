from __future__ import annotations

import pytest

from desk import charts


def test_line_goes_from_the_lowest_to_the_highest() -> None:
    found = charts.line([10, 20, 30])

    assert found == charts.Line(
        path="M4.0 68.0L160.0 36.0L316.0 4.0",
        area="M4.0 68.0L160.0 36.0L316.0 4.0L316 72L4 72Z",
        last=(316.0, 4.0),
        low=10,
        high=30,
    )


def test_what_stands_still_is_a_line_in_the_middle() -> None:
    found = charts.line([7, 7])

    assert found is not None
    assert found.path == "M4.0 36.0L316.0 36.0"


@pytest.mark.parametrize("values", [[], [5]])
def test_one_point_is_no_line(values: list[int]) -> None:
    assert charts.line(values) is None
