"""Synthetic listeners answer each cause in proportion to it, late enough, and nothing else."""

from dataclasses import replace

import numpy as np
import pytest

from reactface_node.research.data.behaviour import laughs, smiles
from reactface_node.research.data.dispositions import draw_disposition
from reactface_node.research.data.listener import Heard, listen
from reactface_node.research.data.script import (
    ANGER,
    CRY,
    DISGUST,
    FEAR,
    FROWN,
    GRIMACE,
    LAUGH,
    SMILE,
    SURPRISE,
    Episode,
)
from reactface_node.schema import index_of

FRAMES, START, END = 300, 4.0, 6.0
SMILE_LEFT, SMILE_RIGHT = index_of("mouthSmileLeft"), index_of("mouthSmileRight")
YAW = index_of("rotationY")
NONE = np.zeros(0)


def heard(kind=SMILE, level=0.0, face=True, voice=False):
    """A still, silent person; from 4 to 6 s a feeling shows with a weight, or is heard."""
    shown = {one: np.zeros(FRAMES) for one in (SMILE, LAUGH, FROWN, SURPRISE, CRY, ANGER)}
    shown |= {one: np.zeros(FRAMES) for one in (GRIMACE, FEAR, DISGUST)}
    if face:
        shown[kind][round(25 * START) : round(25 * END)] = level
    episodes = (Episode(kind, START, END, level, face, voice),) if level else ()
    still = np.zeros((FRAMES, 58), np.float32)
    return Heard(still, shown, np.zeros(FRAMES, bool), episodes, NONE, NONE, NONE)


def answers(cause, count=60, **changes):
    """(L, T, 58) listeners of different characters."""
    rng = np.random.default_rng(2)
    people = [replace(draw_disposition(rng), **changes) for _ in range(count)]
    return np.stack([listen(rng, cause, who)[0] for who in people])


def rise(faces, channel):
    """(T,) the mean listener's channel, above that before the cause."""
    course = faces[:, :, channel].mean(axis=0)
    return course - course[75:100].mean()


@pytest.mark.parametrize(("level", "answer"), [(0.1, 0.06), (0.3, 0.2), (0.6, 0.4), (1.0, 0.65)])
def test_a_smile_is_returned_in_proportion(level, answer):
    course = rise(answers(heard(SMILE, level), laughs=0.0), SMILE_LEFT)
    assert course[130:150].mean() == pytest.approx(answer, rel=0.2, abs=0.015)
    assert np.abs(course[100:105]).max() < 0.01  # nobody answers within 0.2 s
    assert course[100 + 37] > 0.7 * answer  # within 1.5 s
    assert course[225:].max() < 0.02


def test_every_listener_returns_more_for_more():
    each = [answers(heard(SMILE, level), 20, laughs=0.0) for level in (0.2, 0.5, 0.9)]
    levels = [rise(faces, SMILE_LEFT)[140] for faces in each]
    one_by_one = np.stack([faces[:, 140, SMILE_LEFT] for faces in each])
    assert levels == sorted(levels)
    assert (np.diff(one_by_one, axis=0) > 0).all()


@pytest.mark.parametrize("kind", [FROWN, CRY, ANGER, GRIMACE, FEAR, DISGUST])
@pytest.mark.parametrize("voice", [False, True])
def test_no_distress_is_smiled_at_and_each_shows_in_the_listener(kind, voice):
    faces = answers(heard(kind, 0.9, face=not voice, voice=voice), smile=1.0)
    assert rise(faces, SMILE_LEFT).max() < 0.01
    moved = [rise(faces, index_of(name)) for name in ("browInnerUp", "eyeWideLeft", "browDownLeft")]
    assert max(one[115:150].max() for one in moved) > 0.05


def test_a_smile_ends_where_distress_begins():
    cause = heard(SMILE, 0.9)
    shown = {**cause.shown, CRY: np.zeros(FRAMES)}
    shown[CRY][125:250] = 1.0
    both = replace(cause, shown=shown, episodes=(*cause.episodes, Episode(CRY, 5.0, 10.0, 1.0)))
    assert answers(both)[:, 150:, SMILE_LEFT].max() < 0.15


def test_a_laugh_is_answered_by_a_laugh_one_time_in_four_and_else_by_a_smile():
    faces = answers(heard(LAUGH, 0.9, voice=True), 300)
    laughed = np.array([bool(laughs(face)) for face in faces])
    assert laughed.mean() == pytest.approx(0.24, abs=0.06)
    smiled = [bool(smiles(face)) for face in faces[~laughed]]
    assert np.mean(smiled) > 0.9


def test_a_laugh_that_is_only_heard_is_answered():
    faces = answers(heard(LAUGH, 0.9, face=False, voice=True), 100)
    assert np.mean([bool(smiles(face)) for face in faces]) > 0.7
    unheard = answers(heard(LAUGH, 0.9, face=False, voice=False), 20)
    assert unheard[:, :, SMILE_LEFT].max() < 0.15


def test_the_head_follows_to_the_same_side_and_no_fast_motion():
    cause = heard()
    times = np.arange(FRAMES) / 25
    cause.face[:, YAW] = 0.1 * np.sin(2 * np.pi * 0.4 * times)
    slow = answers(cause, 20, energy=0.0)[:, 50:, YAW]
    slow = slow - slow.mean(axis=1, keepdims=True)
    late = -0.1 * np.sin(2 * np.pi * 0.4 * (times - 0.6))[50:]
    r = [np.corrcoef(one, late)[0, 1] for one in slow]
    assert min(r) > 0.9
    cause.face[:, YAW] = 0.1 * np.sin(2 * np.pi * 3.0 * times)
    fast = answers(cause, 20, energy=0.0)[:, 75:, YAW]
    assert fast.std(axis=1).max() < 0.05 * slow.std()


def test_a_broad_smile_is_sometimes_laughed_at_and_a_weak_one_never():
    broad, weak = (answers(heard(SMILE, level), 200) for level in (0.9, 0.4))
    assert np.mean([bool(laughs(face)) for face in broad]) == pytest.approx(0.65, abs=0.1)
    assert not any(laughs(face) for face in weak)


def test_what_nothing_causes_is_left_to_playout():
    faces = answers(heard(), 10)
    for name in ("eyeBlinkLeft", "eyeLookDownLeft", "eyeLookOutLeft", "eyeLookInLeft"):
        assert not faces[:, :, index_of(name)].any()
    assert np.abs(np.diff(faces, axis=1)).max() < 0.02
