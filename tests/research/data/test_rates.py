"""Frame rates: the usual one that fits, and motion at 25 Hz."""

import numpy as np
import pytest
from rigs.data_sets import write_video

from reactface_node.errors import UserError
from reactface_node.research.data.rates import at_25_hz, frames_at_25_hz, picture_rate_hz, rate_of


@pytest.mark.parametrize(
    ("frames", "seconds", "rate_hz"),
    [
        (751, 30.04, 25.0),
        (300, 10.0, 30.0),
        (17982, 600.0, 30000 / 1001),
        (35964, 600.0, 60000 / 1001),
        (36000, 600.0, 60.0),
        (58, 1.93, 30.0),
        (240, 10.1, 24.0),
    ],
)
def test_the_nearest_usual_rate(frames, seconds, rate_hz):
    assert rate_of(frames, seconds, "x") == rate_hz


@pytest.mark.parametrize(("frames", "seconds"), [(250, 12.0), (250, 8.0), (100, 0.0)])
def test_no_usual_rate_fits(frames, seconds):
    with pytest.raises(UserError, match=f"^x has {frames} frames, which fit {seconds:.2f} s at no"):
        rate_of(frames, seconds, "x")


def test_a_rate_in_a_video(tmp_path):
    write_video(tmp_path / "a.mp4", [90] * 12, 30)
    assert picture_rate_hz(tmp_path / "a.mp4") == 30.0
    with pytest.raises(UserError, match=r"b\.mp4"):
        picture_rate_hz(tmp_path / "b.mp4")


def test_motion_at_25_hz():
    ramp = np.arange(61, dtype=np.float32)[:, None] / 60  # 61 frames at 60 Hz, of their times
    found = at_25_hz(ramp, 60.0)
    assert found.shape == (25, 1) and found.dtype == np.float32
    np.testing.assert_allclose(found[:, 0], np.arange(25) / 25, atol=1e-6)
    same = at_25_hz(ramp, 25.0)
    np.testing.assert_array_equal(same, ramp)
    slow = at_25_hz(ramp[:6, 0], 24.0)  # beyond the last frame, it is held
    assert len(slow) == 6 == frames_at_25_hz(6, 24.0)
    np.testing.assert_allclose(slow[:5] * 60, np.arange(5) * 24 / 25, atol=1e-5)
