"""The person of the sample recording: length, reproducibility, and motion."""

import numpy as np
import pytest

from reactface_node.research.data.sample import AUDIO_RATE_HZ, SCRIPT, images, performance
from reactface_node.research.data.script import FROWN, LAUGH, SMILE, SURPRISE
from reactface_node.schema import index_of

COEFFICIENTS, AUDIO = performance(3)


def test_the_performance_is_24_s_of_face_and_sound():
    assert COEFFICIENTS.shape == (600, 58) and COEFFICIENTS.dtype == np.float32
    assert AUDIO.shape == (24 * AUDIO_RATE_HZ,) and AUDIO.dtype == np.int16
    assert 8000 < np.abs(AUDIO).max() < 32767


@pytest.mark.slow
def test_the_same_seed_gives_the_same_performance():
    again = performance(3)
    assert np.array_equal(again[0], COEFFICIENTS) and np.array_equal(again[1], AUDIO)
    assert not np.array_equal(performance(4)[1], AUDIO)


@pytest.mark.parametrize(
    ("kind", "channel"),
    [
        (SMILE, "mouthSmileLeft"),
        (LAUGH, "mouthSmileLeft"),
        (FROWN, "mouthFrownLeft"),
        (SURPRISE, "browInnerUp"),
    ],
)
def test_every_feeling_is_seen(kind: str, channel: str):
    face = COEFFICIENTS[:, index_of(channel)]
    for episode in (e for e in SCRIPT.episodes if e.kind == kind):
        middle = int((episode.start_s + episode.end_s) / 2 * 25)
        assert face[middle - 5 : middle + 5].mean() > 0.4


def test_there_is_a_long_pause_without_sound():
    assert np.abs(AUDIO[int(20.8 * AUDIO_RATE_HZ) : int(22.3 * AUDIO_RATE_HZ)]).max() < 30


def test_images_come_at_30_fps_between_the_frames():
    seen = list(images(COEFFICIENTS, lambda face: face))
    stamps = np.array([stamp for stamp, _ in seen])
    assert len(seen) == 720
    assert np.diff(stamps) == pytest.approx(1 / 30)
    assert np.array_equal(seen[0][1], COEFFICIENTS[0])
    assert np.allclose(seen[6][1], COEFFICIENTS[5])
    assert np.allclose(seen[3][1], (COEFFICIENTS[2] + COEFFICIENTS[3]) / 2, atol=1e-6)
