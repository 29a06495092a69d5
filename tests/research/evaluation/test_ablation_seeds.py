"""Rows with several seeds: what is decided, and what the page says."""

import math

import pytest

from reactface_node.research.evaluation.seeds import decided, half_range, pooled_deviation
from reactface_node.research.evaluation.table import Row, Table
from reactface_node.research.evaluation.verdicts import notes


def row(name, **columns):
    """Columns with one value a seed."""
    seeds = tuple(
        dict(zip(columns, one, strict=True)) for one in zip(*columns.values(), strict=True)
    )
    means = {key: sum(values) / len(values) for key, values in columns.items()}
    return Row(name, means, (), seeds)


def test_the_pooled_deviation_is_that_of_all_rows():
    # Variances 2 and 8: the root of 5.
    assert pooled_deviation([[1.0, 3.0], [0.0, 4.0], [7.0]]) == pytest.approx(5.0**0.5)
    assert pooled_deviation([[1.0], []]) is None
    assert half_range([1.0, 4.0, 2.0]) == 1.5


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ([1.0, 2.0], [1.9, 3.0], False),  # the ranges overlap
        ([1.0, 2.0], [2.1, 3.0], False),  # apart by 1.05, less than two errors of 1
        ([1.0, 2.0], [3.1, 4.0], True),  # apart by 2.05
        ([3.1, 4.0], [1.0, 2.0], True),
        ([1.0, 2.0], [], False),
    ],
)
def test_rows_differ_beyond_the_spread_of_their_seeds(one, other, expected):
    assert decided(one, other, deviation=1.0) is expected
    assert not decided(one, other, None)


def test_the_page_says_what_is_better_worse_and_undecided():
    table = Table(
        "t",
        [
            Row("GT", {"FRCorr": 9.0, "FRDist": 0.0, "FRVar": 1.0}),
            row("face", FRCorr=[1.0, 1.1], FRDist=[50.0, 51.0], FRVar=[0.5, 0.6]),
            row("full", FRCorr=[2.0, 2.1], FRDist=[60.0, 61.0], FRVar=[0.55, 0.65]),
        ],
    )
    legend, verdict = notes(table)
    assert "half the range of 2 seeds" in legend
    assert verdict == ("full against face: better in FRCorr; worse in FRDist; undecided in FRVar.")
    gt, face, full = table.cells()
    assert [cell.text for cell in face] == ["face", "0.5500 ±0.05", "1.050 ±0.05", "50.50 ±0.5"]
    assert [cell.bold for cell in full] == [False, False, True, False]  # FRVar is undecided
    assert [cell.bold for cell in face] == [False, False, False, True]
    assert not any(cell.bold for cell in gt)
    assert table.to_json()["rows"][1]["seeds"][1] == {"FRCorr": 1.1, "FRDist": 51.0, "FRVar": 0.6}


def test_one_seed_decides_nothing():
    table = Table("t", [row("face", FRCorr=[1.0]), row("full", FRCorr=[2.0])])
    assert notes(table) == ("One seed: nothing is decided.",)
    assert not any(cell.bold for line in table.cells() for cell in line)


def test_a_value_that_is_missing_for_a_seed_is_left_out():
    found = Row("a", {}, (), ({"FRCorr": 1.0}, {"FRCorr": math.nan}, {}))
    assert found.values("FRCorr") == [1.0]
