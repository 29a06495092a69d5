"""Voices that belong to the other face, and voices that are not there."""

import numpy as np
import pytest
from rigs.pair_sets import turns, voice

from reactface_node.research.data.exchanged import are_exchanged, are_same, is_silent, loudness

FRAMES = 500


@pytest.fixture
def pair():
    loud = [turns(FRAMES, first) for first in (True, False)]
    return tuple(voice(one, n) for n, one in enumerate(loud)), tuple(0.5 * one for one in loud)


def test_exchanged_voices_are_found(pair):
    voices, jaws = pair
    assert not are_exchanged(voices, jaws)
    assert are_exchanged(voices[::-1], jaws)
    assert are_exchanged(voices, jaws[::-1])


def test_a_delay_of_some_frames_changes_nothing(pair):
    voices, jaws = pair
    late = tuple(np.roll(jaw, 4) for jaw in jaws)
    assert not are_exchanged(voices, late) and are_exchanged(voices[::-1], late)


@pytest.mark.parametrize("seed", range(20))
def test_faces_that_do_not_follow_any_voice_are_not_exchanged(seed):
    rng = np.random.default_rng(seed)
    voices = tuple(voice(turns(1500, first), seed) for first in (True, False))
    jaws = tuple(rng.uniform(0, 1, 1500) for _ in range(2))
    assert not are_exchanged(voices, jaws) and not are_exchanged(voices[::-1], jaws)


def test_still_faces_are_not_exchanged(pair):
    still = (np.zeros(FRAMES), np.zeros(FRAMES))
    assert not are_exchanged(pair[0], still) and not are_exchanged(pair[0][::-1], still)


def test_too_little_to_say(pair):
    voices, jaws = pair
    assert not are_exchanged(tuple(v[:3200] for v in voices[::-1]), jaws)
    assert not are_exchanged((voices[0][:0], voices[1]), jaws)


def test_one_recording_for_both(pair):
    (first, second), _ = pair
    assert are_same(first, first) and are_same(first, -(first // 3)) and are_same(first, first[:99])
    assert not are_same(first, second) and not are_same(first, 0 * first)
    assert not are_same(first[:0], first)
    mixed = (first.astype(int) + second).clip(-32768, 32767).astype(np.int16)
    assert are_same(mixed, mixed) and not are_same(mixed, first)


def test_silence():
    assert is_silent(np.zeros(100, np.int16)) and is_silent(np.ones(100, np.int16))
    assert is_silent(np.zeros(0, np.int16))
    assert not is_silent(np.full(100, 40, np.int16))
    np.testing.assert_allclose(loudness(np.full(1280, 16384, np.int16)), -6.02, atol=0.01)
    assert loudness(np.zeros(640, np.int16)).tolist() == [-60.0]
