"""Table 2b: all its values of one data set, and what counts as chance."""

import math
from dataclasses import replace

import numpy as np
import pytest
from rigs.tracks import face_of, nod, show

from reactface_node.research.data.clips import Clips
from reactface_node.research.evaluation import granger
from reactface_node.research.evaluation.coupling import pearson
from reactface_node.research.evaluation.distributions import motion_distance
from reactface_node.research.evaluation.field_metrics import (
    FIELD_DIRECTIONS,
    FieldReference,
    speech_features,
)
from reactface_node.schema import EXPRESSION, ROTATION

SECONDS, CLIPS = 14, 4
FRAMES = 25 * SECONDS


def face(seed):
    """Slow motion of all channels, a nod and a smile at times of its own."""
    r = np.random.default_rng(seed)
    drawn = 0.004 * r.standard_normal((FRAMES, 58)).cumsum(axis=0)
    return show(nod(face_of(SECONDS), 2.0 + seed), "mouthSmile", 6.0 + seed, 8.5 + seed, 0.6) + (
        drawn * np.r_[np.ones(52), np.full(3, 0.01), np.zeros(3)]
    )


@pytest.fixture(scope="module")
def clips():
    r = np.random.default_rng(9)
    faces = np.stack([face(n) for n in range(CLIPS)]).astype(np.float32)
    sound = (3000 * r.standard_normal((CLIPS, FRAMES * 640))).astype(np.int16)
    frames = np.full(CLIPS, FRAMES)
    own = tuple(np.array([n]) for n in range(CLIPS))
    return Clips(tuple("abcd"), frames, faces[::-1].copy(), sound, faces, own, frames)


@pytest.fixture(scope="module")
def reference(clips):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(granger, "SHIFTS", 3)
        patch.setattr(granger, "MOST_ROWS", 200)
        patch.setattr(granger, "OFFSETS", np.array([1, 5, 100]))
        return FieldReference.of(clips, FRAMES)


def test_the_real_listeners_are_at_no_distance_from_themselves(clips, reference):
    got = reference.measure(clips.reactions[:, None])
    assert set(FIELD_DIRECTIONS) <= set(got)
    for name in ("FD_exp", "FD_head", "P-FD_exp", "P-FD_head", "rPCC_exp", "rPCC_head"):
        assert got[name] == pytest.approx(0.0, abs=1e-6), name
    for name in ("nod_F1_0.5", "nod_F1_1", "smile_F1_0.5", "smile_F1_1"):
        assert got[name] == 1.0, name
        assert got[f"{name}_chance"] < 0.7
    assert 3.0 < got["SID_exp"] <= math.log2(40) and 2.0 < got["SID_head"] <= math.log2(20)


def test_values_are_means_over_samples_and_clips(clips, reference):
    r = np.random.default_rng(3)
    made = clips.reactions[:, None] + 0.1 * r.standard_normal((CLIPS, 2, FRAMES, 58))
    got = reference.measure(made)
    distances, residuals = [], []
    for one, real, speaker in zip(made, clips.reactions, clips.speaker, strict=True):
        distances += [motion_distance(x[:, EXPRESSION], real[:, EXPRESSION]) for x in one]
        theirs = pearson(real[:, ROTATION], speaker[:, ROTATION])
        residuals += [abs(theirs - pearson(x[:, ROTATION], speaker[:, ROTATION])) for x in one]
    assert got["FD_exp"] == pytest.approx(np.mean(distances))
    assert got["rPCC_head"] == pytest.approx(np.mean(residuals))
    assert got["P-FD_exp"] >= got["FD_exp"] - 1e-9


def test_a_copy_of_the_speaker_has_its_motion_at_no_lag_and_a_stranger_does_not(clips, reference):
    got = reference.measure(clips.speaker[:, None])
    for name in ("head", "smile"):
        assert got[f"WTLCC_{name}"] == pytest.approx(1.0)
        assert got[f"WTLCC_{name}_lag"] == 0.0
        assert got[f"WTLCC_{name}_chance"] < 0.9


def test_a_listener_that_never_moves_has_no_correlation_and_no_diversity(reference):
    got = reference.measure(np.zeros((CLIPS, 3, FRAMES, 58), np.float32))
    assert got["SID_exp"] == 0.0 and got["nod_F1_1"] == 0.0 and got["smile_F1_1"] == 0.0
    for name in ("rPCC_exp", "WTLCC_head", "WTLCC_head_lag", "WTLCC_smile"):
        assert math.isnan(got[name]), name
    assert got["FD_exp"] > 0 and got["R-DGG"] == 0.0


def test_short_clips_have_every_value_but_the_gain(clips):
    got = FieldReference.of(clips, 80).measure(clips.reactions[:, None, :80])
    assert "R-DGG" not in got and math.isnan(got["WTLCC_head"]) and got["FD_exp"] < 1e-6


def test_each_frame_has_the_spectrum_of_its_own_sound(clips):
    found = speech_features(clips, FRAMES)
    assert found.shape == (CLIPS, FRAMES, 80) and found.dtype == np.float32
    silent = clips.audio.copy()
    silent[:, 100 * 640 : 200 * 640] = 0
    other = speech_features(replace(clips, audio=silent), FRAMES)
    np.testing.assert_array_equal(other[:, :100], found[:, :100])
    assert (other[:, 101:200] < found[:, 101:200].min()).all()
