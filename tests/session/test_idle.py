"""Blinks and idle motion look like a person's.

Numbers: Bentivoglio et al. 1997; ARKit recordings.
"""

import numpy as np
import pytest

from reactface_node.schema import EXPRESSION, ROTATION, indices_of
from reactface_node.session.idle import Blinks, IdleMotion


def blink_runs(closure):
    """Lengths in frames of the stretches at or above half height."""
    high = np.concatenate([[0], closure >= 0.5, [0]]).astype(int)
    edges = np.diff(high)
    return np.flatnonzero(edges == -1) - np.flatnonzero(edges == 1)


@pytest.mark.parametrize("rate", [10.0, 17.0, 26.0])
def test_blinks_come_at_the_asked_rate_and_are_short(rate):
    times = np.arange(25 * 60 * 20) / 25
    runs = blink_runs(Blinks(np.random.default_rng(0)).frames(times, rate))
    assert len(runs) / 20 == pytest.approx(rate, rel=0.06)
    assert runs.max() <= 3 and 2.0 < runs.mean() < 2.6  # 83-100 ms


def test_blinks_do_not_depend_on_how_frames_are_asked_for():
    times = np.arange(2000) / 25
    whole = Blinks(np.random.default_rng(1)).frames(times, 20.0)
    blinks = Blinks(np.random.default_rng(1))
    parts = np.concatenate([blinks.frames(part, 20.0) for part in np.split(times, 250)])
    assert np.array_equal(whole, parts)
    assert whole.max() > 0.95


def test_a_changed_blink_rate_applies_at_once():
    times = np.arange(250) / 25
    blinks = Blinks(np.random.default_rng(2))
    assert not blinks.frames(times, 0.0).any()
    fast = blinks.frames(times + 10, 26.0)
    assert len(blink_runs(fast)) >= 2
    # The middle of a blink: a rate of zero opens the lids in the next frame.
    middle = int(np.argmax(fast))
    blinks = Blinks(np.random.default_rng(2))
    blinks.frames(times, 0.0)
    assert blinks.frames(times[: middle + 1] + 10, 26.0)[-1] == fast.max()
    assert not blinks.frames(times + 10 + times[middle + 1], 0.0).any()


def test_no_blinks_at_rate_zero():
    assert not Blinks(np.random.default_rng(0)).frames(np.arange(5000) / 25, 0.0).any()


def test_idle_motion_is_small_smooth_and_mostly_looks_ahead():
    idle = IdleMotion(np.random.default_rng(3)).frames(np.arange(25 * 120) / 25)
    assert np.abs(idle[:, ROTATION]).max() < np.radians(4)
    assert np.abs(np.diff(idle[:, ROTATION], axis=0)).max() < np.radians(0.4)
    assert idle[:, EXPRESSION].min() >= 0
    gaze = idle[:, indices_of("eyeLookIn", "eyeLookOut")].max(axis=1)
    assert 0.6 < (gaze < 0.15).mean() < 0.97
    assert idle.std(axis=0)[ROTATION].min() > np.radians(0.1)  # never frozen
