"""R-DGG against regressions solved in one piece, and its controls."""

from dataclasses import replace

import numpy as np
import pytest

from reactface_node.research.evaluation import granger
from reactface_node.research.evaluation.granger import FOLDS, HISTORY, OFFSETS, Reference

CLIPS, FRAMES = 8, 330


def courses(r, width, frames=FRAMES):
    """(N, T, width) slow motion."""
    drawn = r.standard_normal((CLIPS, frames, width))
    kernel = np.hanning(9)
    return np.apply_along_axis(lambda x: np.convolve(x, kernel, "same"), 1, drawn)


@pytest.fixture(scope="module")
def dyads():
    """Speech (N, T, 4), a speaker (N, T, 3) and a listener that answers the speech 8 frames
    later."""
    r = np.random.default_rng(0)
    speech, speaker, own = (courses(r, width) for width in (4, 3, 3))
    listener = own + np.roll(speech, 8, axis=1) @ r.standard_normal((4, 3))
    return listener, speaker, speech


@pytest.fixture(autouse=True)
def few_shifts(monkeypatch):
    monkeypatch.setattr(granger, "SHIFTS", 10)
    monkeypatch.setattr(granger, "DRAWS", 400)


def past(courses, clip, frame):
    return np.concatenate([courses[clip, (frame - offset) % FRAMES] for offset in OFFSETS])


def standard(rows):
    return (rows - rows.mean(axis=0)) / rows.std(axis=0)


def ridge(x, y, penalty):
    return np.linalg.solve(x.T @ x + np.diag(penalty), x.T @ y)


def test_what_the_speaker_predicts_is_from_other_clips_and_the_past_alone(dyads):
    listener, _, speech = dyads
    reference = Reference.fit(*dyads)
    target = listener - listener.mean(axis=1, keepdims=True)
    spread = target.reshape(-1, 3).var(axis=0)
    weights = (spread + np.median(spread)) ** -0.5
    np.testing.assert_allclose(reference.weights, weights, rtol=1e-5)
    # The regression (Eq. 11) on all columns, solved at once, for the first fold.
    places = [(clip, frame) for clip in range(CLIPS) for frame in range(HISTORY, FRAMES)]
    axes = granger._axes(speech, 64)
    own, theirs = (
        standard(np.array([past(part, *place) for place in places])) for part in (target, axes)
    )
    y = np.array([target[place] * weights for place in places])
    y -= y.mean(axis=0)
    first = CLIPS // FOLDS  # clips of the first fold
    other = np.array([clip >= first for clip, _ in places])
    x = np.concatenate([own, theirs], axis=1)
    penalty = 1e-4 * (x[other] ** 2).sum(axis=0).mean() * np.ones(x.shape[1])
    slopes = ridge(x[other], y[other], penalty)[own.shape[1] :]
    for row in (0, 57, 229):
        clip, frame = places[row]
        assert clip < first
        expected = theirs[row] @ slopes
        np.testing.assert_allclose(reference.speech[clip, frame], expected, atol=2e-3)


def test_the_gain_is_the_ratio_of_errors_less_that_of_shifted_speakers(dyads):
    listener, *_ = dyads
    reference = Reference.fit(*dyads)
    reference = replace(reference, shifts=reference.shifts[:2])
    target = listener - listener.mean(axis=1, keepdims=True)
    places = [(clip, frame) for clip in range(CLIPS) for frame in reference.frames]
    own = standard(np.array([past(target, *place) for place in places]))
    y = np.array([target[place] for place in places]) * reference.weights
    y -= y.mean(axis=0)

    def error(shift, *parts):
        added = [
            standard(np.array([part[c, (f - shift[c]) % FRAMES] for c, f in places]))
            for part in parts
        ]
        x = np.concatenate([own, *added], axis=1)
        width = x.shape[1] - own.shape[1]
        penalty = [1e-4 * len(places)] * own.shape[1] + [1e-1 * len(places)] * width
        return ((y - x @ ridge(x, y, np.array(penalty))) ** 2).sum()

    def gain(shift):
        with_speech = error(shift, reference.motion, reference.speech)
        return np.log(error(shift, reference.motion) / with_speech)

    none = np.zeros(CLIPS, int)
    expected = gain(none) - np.mean([gain(shift) for shift in reference.shifts])
    assert reference.gain(listener).score == pytest.approx(1e4 * expected, rel=2e-2)


def test_a_listener_that_answers_speech_gains_and_others_do_not(dyads):
    listener, speaker, _ = dyads
    reference = Reference.fit(*dyads)
    real = reference.gain(listener)
    assert 0 < real.low < real.score < real.high and real.chance == 0.0
    # Controls: another clip's listener, and one that follows the speaker's motion alone.
    strange = reference.gain(np.roll(listener, 3, axis=0))
    assert strange.score < 0.1 * real.score and strange.low < 0.1 * real.score
    copied = reference.gain(np.roll(speaker, 5, axis=1))
    assert copied.score < 0.1 * real.score


def test_shifts_are_longer_than_the_history_and_the_same_for_every_row(dyads):
    reference, again = Reference.fit(*dyads), Reference.fit(*dyads)
    assert reference.shifts.shape == (10, CLIPS)
    assert reference.shifts.min() >= HISTORY and reference.shifts.max() <= FRAMES - HISTORY
    np.testing.assert_array_equal(reference.shifts, again.shifts)
    assert reference.gain(dyads[0]) == again.gain(dyads[0])


def test_rows_are_thinned_evenly(dyads, monkeypatch):
    assert Reference.fit(*dyads).frames.tolist() == list(range(HISTORY, FRAMES))
    monkeypatch.setattr(granger, "MOST_ROWS", CLIPS * 24 + 7)
    frames = Reference.fit(*dyads).frames
    assert len(frames) == 24 and (frames[0], frames[-1]) == (HISTORY, FRAMES - 1)
    assert set(np.diff(frames).tolist()) <= {9, 10, 11}


def test_there_is_no_gain_where_nothing_can_be_fitted(dyads):
    listener, speaker, speech = dyads
    assert Reference.fit(*(part[:3] for part in dyads)) is None
    assert Reference.fit(*(part[:, :299] for part in dyads)) is None
    assert Reference.fit(np.zeros_like(listener), speaker, speech) is None
    still = Reference.fit(*dyads).gain(np.zeros_like(listener))
    assert still.score == 0.0 and (still.low, still.high) == (0.0, 0.0)
    silent = Reference.fit(listener, np.zeros_like(speaker), np.zeros_like(speech))
    assert silent.gain(listener).score == pytest.approx(0.0, abs=1e-6)
