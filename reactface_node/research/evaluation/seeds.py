"""Runs that differ in their seed alone: how far they scatter, and which differences stand out."""

import statistics
from collections.abc import Sequence

DEVIATIONS = 2.0
"""A difference of two means must be larger than so many standard errors."""


def pooled_deviation(rows: Sequence[Sequence[float]]) -> float | None:
    """One standard deviation of all rows, of one value a seed each; None if no row has two."""
    variances = [statistics.variance(row) for row in rows if len(row) > 1]
    return statistics.fmean(variances) ** 0.5 if variances else None


def decided(one: Sequence[float], other: Sequence[float], deviation: float | None) -> bool:
    """Whether two rows of one value a seed differ: their ranges have no value in common, and their
    means are apart by more than ``DEVIATIONS`` standard errors of the pooled deviation."""
    if deviation is None or not one or not other:
        return False
    apart = min(one) > max(other) or min(other) > max(one)
    error = deviation * (1.0 / len(one) + 1.0 / len(other)) ** 0.5
    return apart and abs(statistics.fmean(one) - statistics.fmean(other)) > DEVIATIONS * error


def half_range(values: Sequence[float]) -> float:
    """Half the distance from the lowest to the highest value."""
    return 0.5 * (max(values) - min(values))
