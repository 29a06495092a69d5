"""Long blinks: they come with nods, and only to somebody who is there."""

import numpy as np

from reactface_node.research.data.motion import frame_times
from reactface_node.session.blinks import LONG_LIMITS_S, LidMotion
from reactface_node.session.idle import Blinks

SECONDS = 240
CLOSED = 0.5


def nodding():
    """(T,) s and (T,) rad of somebody who nods twice, every four seconds."""
    times = frame_times(25 * SECONDS)
    since = times % 4
    return times, np.where(since < 1.4, 0.05 - 0.05 * np.cos(2 * np.pi * since / 0.7), 0.0)


def long_blinks(there):
    """Start and end in frames of what is closed for a long blink's time."""
    times, pitch = nodding()
    rng = np.random.default_rng(0)
    lids = LidMotion(Blinks(rng), np.random.default_rng(1))
    closed = lids.frames(times, pitch, there, 10.0) > CLOSED
    edges = np.flatnonzero(np.diff(np.concatenate([[0], closed, [0]])))
    spans = edges.reshape(-1, 2)
    return spans[np.diff(spans)[:, 0] >= 25 * LONG_LIMITS_S[0] - 2]


def test_long_blinks_come_with_nods_to_somebody_who_is_there():
    frames = 25 * SECONDS
    there = np.arange(frames) < frames // 2
    found = long_blinks(there)
    assert len(found) > 3 and (found[:, 0] < frames // 2).all()
    assert (found[:, 0] / 25 % 4 < 1.6).all()
    assert not len(long_blinks(np.zeros(frames, bool)))


def test_a_long_blink_is_over_a_second_after_somebody_left():
    frames = 25 * SECONDS
    everywhere = long_blinks(np.ones(frames, bool))
    for start, _ in everywhere[:5]:
        left = long_blinks(np.arange(frames) < start + 1)
        assert left[-1][1] <= start + 1 + 25
