"""The nearest warp, against every warp worked out in full."""

import math

import numpy as np
import pytest

from reactface_node.evaluation.warping import nearest_warps


def full_warp(x, y, radius):
    cost = ((x[:, None] - y[None]) ** 2).sum(-1)
    total = np.full((len(x) + 1, len(y) + 1), np.inf)
    total[0, 0] = 0.0
    for i in range(len(x)):
        for j in range(len(y)):
            if abs(i - j) <= radius:
                least = min(total[i, j], total[i, j + 1], total[i + 1, j])
                total[i + 1, j + 1] = cost[i, j] + least
    return math.sqrt(total[-1, -1])


def smooth(x):
    return np.apply_along_axis(lambda v: np.convolve(v, np.ones(7) / 7, "same"), -2, x)


SHAPES = {
    "walks": lambda r, shape: r.standard_normal(shape).cumsum(axis=-2),
    "noise": lambda r, shape: r.standard_normal(shape),
    "faces": lambda r, shape: smooth(r.standard_normal(shape)) + 20.0,
    "steps": lambda r, shape: r.integers(0, 2, shape).astype(float),
}


@pytest.mark.parametrize("kind", SHAPES)
@pytest.mark.parametrize("band", [None, 0, 1, 4])
def test_it_is_the_smallest_of_all(kind, band):
    r = np.random.default_rng(len(kind))
    for _ in range(3):
        x = SHAPES[kind](r, (3, 33, 4)).astype(np.float32)
        y = SHAPES[kind](r, (7, 33, 4)).astype(np.float32)
        got = nearest_warps(x, y, band)
        radius = 33 if band is None else band
        exact = [min(full_warp(a, b, radius) for b in y.astype(float)) for a in x.astype(float)]
        np.testing.assert_allclose(got, exact, rtol=1e-8)


@pytest.mark.parametrize("band", [None, 11])
def test_series_of_other_lengths(band):
    r = np.random.default_rng(3)
    x, y = r.standard_normal((2, 20, 3)).cumsum(1), r.standard_normal((4, 29, 3)).cumsum(1)
    exact = [min(full_warp(a, b, band or 29) for b in y) for a in x]
    np.testing.assert_allclose(nearest_warps(x, y, band), exact, rtol=1e-9)
    np.testing.assert_allclose(
        nearest_warps(y[:1], x, band), [min(full_warp(y[0], b, band or 29) for b in x)], rtol=1e-9
    )


def test_by_hand():
    # The path 0-0, 1-0, 2-1, 2-2 pays 1 for the 1 against the 0; nothing else.
    x, y = np.array([[[0.0], [1.0], [3.0]]]), np.array([[[0.0], [3.0], [3.0]]])
    assert nearest_warps(x, y)[0] == pytest.approx(1.0)
    assert nearest_warps(x, y, band=0)[0] == pytest.approx(2.0)
    # Squares are summed before the root: 3 and 4 make 5.
    assert nearest_warps(np.zeros((1, 2, 1)), np.array([[[3.0], [4.0]]]))[0] == pytest.approx(5.0)


def test_the_same_series_is_at_no_distance_and_the_same_sample_gets_the_same_answer():
    r = np.random.default_rng(0)
    y = r.standard_normal((3, 25, 4)) + 1000.0
    x = np.stack([y[1], y[0] + 1.0, y[1], y[0] + 1.0])
    got = nearest_warps(x, y)
    assert got[0] == got[2] == 0.0 and got[1] == got[3] > 0.0


def test_what_cannot_be_compared_is_refused():
    with pytest.raises(ValueError, match="nothing to compare"):
        nearest_warps(np.zeros((1, 5, 2)), np.zeros((0, 5, 2)))
    with pytest.raises(ValueError, match="band of 2 frames cannot join 5 and 9"):
        nearest_warps(np.zeros((1, 5, 2)), np.zeros((1, 9, 2)), band=2)
