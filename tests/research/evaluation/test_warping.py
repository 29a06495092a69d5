"""The nearest warp by lower bounds: the same digits as trying every candidate."""

import numpy as np
import pytest
from dtaidistance import dtw_ndim

from reactface_node.research.evaluation import warping
from reactface_node.research.evaluation.warping import Candidates


def by_trying_all(sample, others, band):
    """As it was computed before there were bounds: no candidate is excluded, only stopped."""
    straight = np.sqrt(((others - sample) ** 2).sum(axis=(1, 2)))
    best = float(straight.min())
    window = None if band is None else band + 1
    for index in np.argsort(straight):
        bound = best * (1.0 + 1e-9) + 1e-12
        warped = dtw_ndim.distance_fast(sample, others[index], window=window, max_dist=bound)
        best = min(best, float(warped))
    return best


def noise(r, many, frames, width):
    return r.standard_normal((many, frames, width))


def walks(r, many, frames, width):
    return r.standard_normal((many, frames, width)).cumsum(axis=1)


def faces(r, many, frames, width):
    """A few ways to move, small noise, resting dimensions, and people who differ in place."""
    ways = r.standard_normal((5, width)) * (r.random(width) < 0.7)
    moved = 0.02 * r.standard_normal((many, frames, 5)).cumsum(axis=1) @ ways
    place = 0.2 * r.standard_normal((many, 1, width))
    return moved + place + 0.002 * r.standard_normal((many, frames, width))


@pytest.mark.parametrize("band", [None, 0, 1, 6, 400])
@pytest.mark.parametrize("kind", [noise, walks, faces])
def test_the_same_digits_as_trying_all(monkeypatch, kind, band):
    # Blocks that do not divide the frames, and several parts of the candidates.
    monkeypatch.setattr(warping, "BLOCK", 32)
    monkeypatch.setattr(warping, "CELLS", 32 * 90 * 5)
    r = np.random.default_rng(3)
    drawn = kind(r, 17, 90, 12)
    others = drawn[4:]
    candidates = Candidates.of(others)
    near = others[2] + 1e-4 * r.standard_normal(others[2].shape)
    # One that is reached without a warp, where two ways to sum differ in the last digit.
    for sample in (*drawn[:4], near, others[5], others[1] + 0.5):
        expected = by_trying_all(sample, others, band)
        assert candidates.nearest(sample, band) == expected


@pytest.mark.parametrize("band", [None, 9])
def test_bounds_are_below_the_distances_and_near_them(band):
    r = np.random.default_rng(4)
    drawn = faces(r, 10, 120, 20)
    sample, others = drawn[0], drawn[1:]
    candidates = Candidates.of(others)
    bounds = candidates.bounds(candidates.prepare(sample), np.inf, band)
    window = None if band is None else band + 1
    exact = np.array([dtw_ndim.distance_fast(sample, one, window=window) for one in others])
    assert (bounds <= exact).all() and (bounds > 0.95 * exact).all()


def test_still_sequences_and_a_single_candidate():
    still = np.zeros((3, 60, 4))
    assert Candidates.of(still).nearest(still[0]) == 0.0
    assert Candidates.of(still[:1]).nearest(still[0] + 1.0) == pytest.approx(np.sqrt(60 * 4))


def test_sequences_of_float32_are_summed_in_float64():
    r = np.random.default_rng(5)
    drawn = walks(r, 5, 70, 6).astype(np.float32)
    wide = drawn.astype(np.float64)
    assert Candidates.of(drawn[1:]).nearest(drawn[0]) == by_trying_all(wide[0], wide[1:], None)
