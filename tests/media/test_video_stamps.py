"""Stamps of a video's frames increase, whatever the file says."""

import pytest

from reactface_node.media.video_stamps import increasing


def timed(stamps, length_s=0.04):
    frames = ((index, stamp, length_s) for index, stamp in enumerate(stamps))
    return [(index, round(stamp, 3)) for stamp, index in increasing(frames)]


@pytest.mark.parametrize(
    ("stamps", "expected"),
    [
        ([0, 0.04, 0.08], [0, 0.04, 0.08]),
        ([-0.02, 0.02, 0.06], [-0.02, 0.02, 0.06]),
        ([3600, 3600.04], [3600, 3600.04]),
        ([0, 0.04, 9, 9.04], [0, 0.04, 9, 9.04]),  # A gap is not this one's to close.
        ([None, 0.04, None, 0.12], [0, 0.04, 0.08, 0.12]),
        ([None, None, None], [-0.04, 0, 0.04]),
        ([0, 0.04, 0.04, 0.12], [0, 0.04, 0.08, 0.12]),
        ([0, 0.08, 0.04, 0.12], [0, 0.08, 0.1, 0.12]),
        ([0, 0, 0, 0], [0, 0.04, 0.08, 0.12]),
        ([5, 5.04, 0, 0.04, 0.08], [5, 5.04, 5.08, 5.12, 5.16]),  # Two files in one.
        ([5, 5.04, 900, 5.12, 5.16], [5, 5.04, 5.08, 5.12, 5.16]),
        ([5, 5.04, 0, 5.12, 5.16], [5, 5.04, 5.08, 5.12, 5.16]),
        ([900, 0.04, 0.08], [0, 0.04, 0.08]),
        ([0, 0.04, 1e11, 1e11 + 0.04, 0.16], [0, 0.04, 0.08, 0.12, 0.16]),
        ([-1e12, 0.04], [0, 0.04]),
    ],
)
def test_stamps_increase(stamps, expected):
    assert timed(stamps) == list(enumerate(expected))
