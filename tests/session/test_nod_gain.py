"""``playout.nod_gain`` and ``playout.smile_gain``: what they scale, and what they leave alone."""

from dataclasses import replace

import numpy as np
import pytest

from reactface_node.config import PlayoutConfig
from reactface_node.schema import index_of, indices_of
from reactface_node.session.playout import Playout

RATE = 25
SECONDS = 20
TIMES_S = np.arange(SECONDS * RATE) / RATE
SMILE = indices_of("mouthSmile", "cheekSquint")
PITCH, YAW = index_of("rotationX"), index_of("rotationY")
QUIET = PlayoutConfig(blinks_per_min=0.0, idle_gain=0.0, fade_s=0.0)


def wave(hertz, radians):
    return radians * np.sin(2 * np.pi * hertz * TIMES_S)


def shown(pitch, frames=1, change=None, **gains):
    """The shown face (T, 58) of a reaction with this pitch, and yaw and smile of its own."""
    raw = np.zeros((1, len(TIMES_S), 58), np.float32)
    raw[..., PITCH], raw[..., YAW] = pitch, wave(1.5, 0.04)
    raw[..., SMILE] = 0.6
    config = replace(QUIET, **gains)
    playout, faces, there = Playout(config, 8), [], np.ones(frames, bool)
    for index in range(len(TIMES_S) // frames):
        if change and index * frames >= len(TIMES_S) // 2:
            config = replace(config, **change)
        part = raw[:, index * frames : (index + 1) * frames]
        faces.append(playout.finish(index, part, there, config)[1])
    return np.concatenate(faces)


def size(course):
    """Amplitude of a sine wave (T,), without its first four seconds."""
    return np.sqrt(2.0) * course[4 * RATE :].std()


@pytest.mark.parametrize("hertz", [1.0, 1.5, 2.5, 4.0])
@pytest.mark.parametrize("gain", [0.0, 0.5, 2.0])
def test_nods_become_larger_and_smaller(hertz, gain):
    nods = wave(hertz, 0.05)
    seen = size(shown(nods, nod_gain=gain)[:, PITCH]) / size(nods)
    assert seen == pytest.approx(gain, abs=0.2 if hertz < 1.5 else 0.1)


def test_the_slow_motion_of_the_head_and_the_other_axes_stay():
    posture = wave(0.05, 0.1) + 0.2
    for gain in (0.0, 2.0):
        face, plain = shown(posture, nod_gain=gain), shown(posture)
        assert np.abs(face - plain)[4 * RATE :, PITCH].max() < 0.3 * 0.1
        others = np.delete(np.arange(58), PITCH)
        np.testing.assert_array_equal(face[:, others], plain[:, others])


def test_a_new_posture_is_taken_with_every_gain_and_nods_have_no_delay():
    step = np.where(TIMES_S < 10.0, 0.0, 0.1)
    still = shown(step, nod_gain=0.0)[:, PITCH]
    assert still[12 * RATE] == pytest.approx(0.1, abs=0.005)
    assert np.all(np.diff(still) >= -1e-6)
    doubled = shown(step, nod_gain=2.0)[:, PITCH]
    assert doubled[10 * RATE] > 0.19 and doubled[10 * RATE - 1] == 0.0
    assert doubled[12 * RATE] == pytest.approx(0.1, abs=0.005)


def test_nothing_moves_at_the_beginning():
    held = np.full(len(TIMES_S), 0.2)
    for gain in (0.0, 1.0, 2.0):
        np.testing.assert_allclose(shown(held, nod_gain=gain)[:, PITCH], 0.2, atol=1e-6)


def test_gains_of_one_keep_every_byte():
    rng = np.random.default_rng(3)
    noisy = 0.1 * rng.standard_normal(len(TIMES_S)).astype(np.float32)
    face = shown(noisy, nod_gain=1.0, smile_gain=1.0)
    assert face[:, PITCH].tobytes() == noisy.tobytes()


def test_frames_and_windows_give_the_same_face():
    nods = wave(1.5, 0.05)
    np.testing.assert_array_equal(shown(nods, 4, nod_gain=0.3), shown(nods, 1, nod_gain=0.3))


@pytest.mark.parametrize(("gain", "weight"), [(0.0, 0.0), (0.5, 0.3), (1.0, 0.6), (2.0, 1.0)])
def test_smiles_become_larger_and_smaller_with_their_cheeks(gain, weight):
    face, plain = shown(0.0, smile_gain=gain), shown(0.0)
    np.testing.assert_allclose(face[:, SMILE], weight, atol=1e-6)
    others = np.delete(np.arange(58), SMILE)
    np.testing.assert_array_equal(face[:, others], plain[:, others])


def test_a_change_while_it_nods_and_smiles_is_a_cross_fade():
    face = shown(wave(1.5, 0.05), change={"nod_gain": 0.0, "smile_gain": 0.0})
    half = len(TIMES_S) // 2
    assert np.abs(np.diff(face[:, SMILE], axis=0)).max() <= 0.6 / 8 + 1e-6
    assert np.ptp(face[half + 2 * RATE :, PITCH]) < 0.02 < np.ptp(face[:half, PITCH])
    assert np.abs(np.diff(face[:, PITCH])).max() < 0.05 * 2 * np.pi * 1.5 / RATE * 1.3
    assert face[half + 8 :, SMILE].max() == 0.0
