"""The synthetic dyads: properties that training needs, measured on clips with fixed seeds."""

import numpy as np
import pytest

from reactface_node.research.data.cues import backchannel_cues
from reactface_node.research.data.script import Script, draw_script
from reactface_node.research.data.synthetic import Motion, make_dyad, make_motion
from reactface_node.schema import index_of

SMILE_LEFT = index_of("mouthSmileLeft")


@pytest.fixture(scope="module")
def motions() -> list[Motion]:
    rng = np.random.default_rng(5)
    return [make_motion(rng, draw_script(rng, 30.0), 3) for _ in range(30)]


def test_the_same_seed_gives_the_same_dyad_and_another_seed_another():
    first, again, other = (make_dyad(np.random.default_rng(seed), 5.0, 2) for seed in (7, 7, 8))
    assert np.array_equal(first.speaker, again.speaker)
    assert np.array_equal(first.audio, again.audio)
    assert np.array_equal(first.listeners, again.listeners)
    assert not np.array_equal(first.audio, other.audio)
    assert not np.array_equal(first.listeners, other.listeners)


@pytest.mark.parametrize("seconds", [1.0, 4.04, 20.0])
def test_shapes_types_and_ranges(seconds: float):
    dyad = make_dyad(np.random.default_rng(1), seconds, 3)
    frames = round(seconds * 25)
    assert dyad.speaker.shape == (frames, 58)
    assert dyad.listeners.shape == (3, frames, 58)
    assert dyad.audio.shape == (frames * 640,)
    assert dyad.events.speaking.shape == (frames,)
    for values in (dyad.speaker, dyad.listeners, dyad.audio):
        assert values.dtype == np.float32
        assert np.isfinite(values).all()
    for face in (dyad.speaker, *dyad.listeners):
        assert face[:, :52].min() >= 0 and face[:, :52].max() <= 1
        assert np.abs(face[:, 52:55]).max() < np.radians(35)
        assert np.abs(face[:, 55:]).max() < 0.1
    assert np.abs(dyad.audio).max() <= 1


def test_a_dyad_of_nobody_or_of_no_length_is_refused():
    with pytest.raises(ValueError, match="listener"):
        make_dyad(np.random.default_rng(0), 5.0, 0)
    with pytest.raises(ValueError, match="second"):
        make_dyad(np.random.default_rng(0), 0.5, 1)


def test_listeners_are_smooth_and_do_not_blink(motions: list[Motion]):
    faces = np.concatenate([m.listeners for m in motions])
    steps = np.abs(np.diff(faces, axis=1)).max(axis=(0, 1))
    eyes = [i for i in range(52) if 8 <= i <= 17]
    others = [i for i in range(58) if i not in eyes]
    assert steps[others].max() < 0.2
    assert steps[eyes].max() < 0.5  # saccades take two or three frames
    assert faces[:, :, index_of("eyeBlinkLeft")].max() == 0


def test_a_silent_still_speaker_gets_only_idle_motion():
    silence = Script(20.0, (), ())
    motion = make_motion(np.random.default_rng(2), silence, 6)
    assert all(not nods for nods in motion.events.nods)
    moving = motion.listeners - motion.listeners.mean(axis=1, keepdims=True)
    assert moving[:, :, :8].std() < 0.05
    assert moving[:, :, SMILE_LEFT].std() < 0.05
    assert np.degrees(moving[:, :, 52:55].std()) < 4


def test_listeners_of_one_speaker_differ(motions: list[Motion]):
    for motion in motions[:5]:
        first, second, third = motion.listeners
        assert np.abs(first - second).mean() > 1e-3
        assert np.abs(second - third).mean() > 1e-3


def test_cues_by_hand():
    pitch = np.zeros(500)
    pitch[50:300] = 200.0
    pitch[120:125] = 0.0  # a voiceless sound
    pitch[200:230] = 100.0  # low after 1.5 s of speech
    pitch[240:260] = 100.0  # low again, but within 800 ms of the last cue
    pitch[350:365] = 100.0  # after a pause: too short to be answered
    cues = backchannel_cues(pitch)
    assert cues == pytest.approx([2.10], abs=0.011)
    assert len(backchannel_cues(np.zeros(100))) == 0
