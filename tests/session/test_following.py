"""The head follows the speaker's, slowly and on the same side."""

import numpy as np
import pytest

from reactface_node.config import PlayoutConfig
from reactface_node.schema import FRAME_RATE_HZ, ROTATION
from reactface_node.session.following import LAG_S, MOST_RAD, SHARES, HeadFollowing
from reactface_node.session.playout import Playout


def swaying(hz, seconds=20.0, rad=0.1):
    """(n, 3) a head that sways about all axes."""
    times = np.arange(round(seconds * FRAME_RATE_HZ)) / FRAME_RATE_HZ
    return np.repeat(rad * np.sin(2 * np.pi * hz * times)[:, None], 3, axis=1)


def best_lag_s(turns, added):
    """Delay at which (n,) follows best, in seconds."""
    lags = range(0, 40)
    r = [np.corrcoef(turns[200 - lag : -lag or None], added[200:])[0, 1] for lag in lags]
    return int(np.argmax(np.abs(r))) / FRAME_RATE_HZ


def test_slow_motion_is_followed_later_and_on_the_same_side_and_fast_motion_is_not():
    turns = swaying(0.5)
    added = HeadFollowing().frames(turns)
    for axis, share in enumerate(SHARES):
        lag = round(LAG_S * FRAME_RATE_HZ)
        r = np.corrcoef(turns[200 - lag : -lag, axis], added[200:, axis])[0, 1]
        assert r * np.sign(share) > 0.95
        assert best_lag_s(turns[:, axis], added[:, axis]) == pytest.approx(LAG_S, abs=0.15)
    fast = HeadFollowing().frames(swaying(3.0))
    assert np.abs(fast[200:]).max() < 0.1 * np.abs(added[200:]).max()


def test_a_posture_is_no_motion_and_a_lost_face_keeps_its_own():
    turned = np.full((400, 3), 0.3)
    assert np.abs(HeadFollowing().frames(turned)).max() < 1e-9
    lost = turned.copy()
    lost[100:] = np.nan
    assert np.abs(HeadFollowing().frames(lost)).max() < 1e-9
    assert not HeadFollowing().frames(np.full((5, 3), np.nan)).any()
    jump = np.concatenate([np.zeros((100, 3)), np.full((100, 3), 3.0)])
    assert np.abs(HeadFollowing().frames(jump)).max() <= MOST_RAD


@pytest.mark.parametrize(("idle_gain", "follows"), [(1.0, True), (0.0, False)])
def test_playout_adds_it_unless_idle_motion_is_off(idle_gain, follows):
    config = PlayoutConfig(idle_gain=idle_gain, eye_contact=0.0)
    turns, shown = swaying(0.5), {}
    for name, seen in (("still", None), ("swaying", turns)):
        playout = Playout(config, 8)
        raw, there = np.zeros((1, 8, 58), np.float32), np.ones(8, bool)
        faces = [
            playout.finish(
                index,
                raw,
                there,
                config,
                turns=None if seen is None else seen[index * 8 : index * 8 + 8],
            )[1]
            for index in range(len(turns) // 8)
        ]
        shown[name] = np.concatenate(faces)
    moved = np.abs(shown["swaying"] - shown["still"])[:, ROTATION].max(axis=0)
    assert (moved > 0.005).all() == follows
    if not follows:
        assert not moved.any()
