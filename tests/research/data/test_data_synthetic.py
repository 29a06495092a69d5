"""The synthetic dyads: properties that training needs, measured on clips with fixed seeds."""

import numpy as np
import pytest

from reactface_node.research.data.cues import backchannel_cues
from reactface_node.research.data.listener import NOD_DELAY_S
from reactface_node.research.data.script import (
    FROWN,
    SMILE,
    SURPRISE,
    Episode,
    Phrase,
    Script,
    draw_script,
)
from reactface_node.research.data.synthetic import Motion, make_dyad, make_motion
from reactface_node.schema import index_of

SMILE_LEFT, FROWN_LEFT = index_of("mouthSmileLeft"), index_of("mouthFrownLeft")
BROW = index_of("browInnerUp")


@pytest.fixture(scope="module")
def motions() -> list[Motion]:
    rng = np.random.default_rng(5)
    return [make_motion(rng, draw_script(rng, 30.0), 3) for _ in range(30)]


def react_to(kind: str, seed: int) -> Motion:
    """Eight listeners of a speaker who feels one thing from 4 s to 6 s of a 12 s clip."""
    phrases = (Phrase(0.5, 3.0), Phrase(3.5, 7.0), Phrase(8.0, 11.0))
    script = Script(12.0, phrases, (Episode(kind, 4.0, 6.0, 0.9),))
    return make_motion(np.random.default_rng(seed), script, 8)


def mean_change(kind: str, channel: int) -> np.ndarray:
    """(T,) the mean listener's channel, relative to just before the speaker's episode."""
    faces = np.concatenate([react_to(kind, seed).listeners for seed in range(6)])
    course = faces[:, :, channel].mean(axis=0)
    return course - course[90:100].mean()


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


def test_the_speaker_talks_most_of_the_time_with_pauses(motions: list[Motion]):
    speaking = np.mean([m.events.speaking.mean() for m in motions])
    assert 0.55 < speaking < 0.85


def test_the_speaker_blinks_as_people_do(motions: list[Motion]):
    blinks, lengths = 0, []
    for motion in motions:
        shut = np.concatenate([[0], motion.speaker[:, index_of("eyeBlinkLeft")] > 0.5, [0]])
        edges = np.flatnonzero(np.diff(shut))
        lengths += list((edges[1::2] - edges[::2]) / 25)
        blinks += len(edges) // 2
    assert 15 < blinks / (len(motions) * 0.5) < 28
    assert 0.1 <= np.mean(lengths) <= 0.2


def test_gaze_of_listeners_and_speakers(motions: list[Motion]):
    def at_partner(face: np.ndarray) -> float:
        out, inward = index_of("eyeLookOutLeft"), index_of("eyeLookInLeft")
        return float((np.abs(face[..., out] - face[..., inward]) < 0.1).mean())

    listeners = np.mean([at_partner(m.listeners) for m in motions])
    speakers = np.mean([at_partner(m.speaker) for m in motions])
    assert 0.65 < listeners < 0.85
    assert 0.3 < speakers < 0.55


def test_a_smile_is_answered_within_a_second_and_a_half_and_fades():
    course = mean_change(SMILE, SMILE_LEFT)
    assert np.abs(course[100:107]).max() < 0.02  # nothing before 300 ms
    assert course[137] > 0.2
    assert course[200:].max() < 0.05


def test_every_listener_answers_a_full_smile_visibly():
    motion = react_to(SMILE, 1)
    rises = motion.listeners[:, 100:160, SMILE_LEFT].max(axis=1)
    assert rises.min() > 0.12 and rises.max() < 0.98


def test_a_frown_is_answered_by_concern_and_not_by_a_smile():
    assert mean_change(FROWN, FROWN_LEFT)[130:150].mean() > 0.1
    assert mean_change(FROWN, SMILE_LEFT)[110:150].max() < 0.02


def test_surprise_raises_the_brows_after_it_was_shown():
    course = mean_change(SURPRISE, BROW)
    assert course[137] > 0.15
    assert course[200:].mean() < 0.1


def test_nods_follow_cues_and_never_precede_them(motions: list[Motion]):
    for motion in motions:
        cues = motion.events.cues_s
        for nod in (n for nods in motion.events.nods for n in nods):
            delay = nod.start_s - cues[cues <= nod.start_s - NOD_DELAY_S[0] + 1e-9]
            assert delay.min() <= NOD_DELAY_S[1] + 1e-9
            assert 1 <= nod.cycles <= 4
            assert 1.8 <= nod.hz <= 3.7


def test_a_nod_is_a_motion_of_the_head_of_a_few_degrees(motions: list[Motion]):
    depths = []
    for motion in motions:
        for face, nods in zip(motion.listeners, motion.events.nods, strict=True):
            pitch = face[:, index_of("rotationX")]
            for nod in (n for n in nods if n.end_s < 29):
                first, peak = int(nod.start_s * 25), round((nod.start_s + 0.5 / nod.hz) * 25)
                depths.append(np.degrees(pitch[peak] - pitch[first]))
    assert len(depths) > 100
    assert 2 < np.median(depths) < 10


def test_a_pause_at_least_doubles_the_chance_of_a_nod(motions: list[Motion]):
    after, chances, nods = 0, 0, 0
    for motion in motions:
        ends = np.flatnonzero(np.diff(motion.events.speaking.astype(int)) == -1) / 25
        nods += sum(len(n) for n in motion.events.nods)
        for end in ends[ends < 28]:
            for own in motion.events.nods:
                chances += 1
                after += any(end < nod.start_s < end + 1.5 for nod in own)
    base = 1 - np.exp(-1.5 * nods / (len(motions) * 3 * 30))
    assert after / chances > 2 * base


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
    pitch[200:230] = 100.0  # low after 1.5 s of speech
    pitch[240:260] = 100.0  # low again, but within 800 ms of the last cue
    pitch[350:380] = 200.0  # too short to be answered
    cues = backchannel_cues(pitch)
    assert cues == pytest.approx([2.10, 3.19], abs=0.011)
    assert len(backchannel_cues(np.zeros(100))) == 0
