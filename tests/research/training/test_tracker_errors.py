"""The simulated tracker reads a face as the real one does."""

import numpy as np
import pytest

from reactface_node.perception.person import DEAD_ZONE, MEASURED, beyond_noise
from reactface_node.research.training import tracker_errors, unreliable
from reactface_node.research.training.tracker_errors import as_tracked
from reactface_node.research.training.unreliable import drawn_reliability
from reactface_node.schema import (
    EXPRESSION,
    NUM_COEFFICIENTS,
    NUM_EXPRESSION,
    index_of,
    indices_of,
)

SMILE, JAW = indices_of("mouthSmile"), index_of("jawOpen")
BROWS = indices_of("browDown")


def face(size=4, frames=80, **weights):
    """A face that does not move, (size, frames, 58)."""
    truth = np.zeros((size, frames, NUM_COEFFICIENTS), np.float32)
    for stem, weight in weights.items():
        truth[..., indices_of(stem)] = weight
    return truth


@pytest.fixture
def exact(monkeypatch):
    """No random errors; every crop has the Face Landmarker."""
    for name, value in {
        "PLAIN_SHARE": 0.0,
        "LEARNED_SHARE": 1.0,
        "GAIN": (1.0, 1.0),
        "NOISE_SCALE": (0.0, 0.0),
        "REST_SCALE": (0.0, 0.0),
        "ARRIVES_SHARE": 0.0,
        "WRONG_SMILE_SHARE": 0.0,
    }.items():
        monkeypatch.setattr(tracker_errors, name, value)
    monkeypatch.setattr(unreliable, "UNRELIABLE_SHARE", 0.0)


def rng():
    return np.random.default_rng(0)


def test_the_dead_zone_is_the_trackers(exact):
    truth = face(mouthSmile=0.5, jawOpen=0.03, browDown=0.2)
    found = as_tracked(rng(), truth, 0.0)
    assert (found.face[..., JAW] == 0.0).all()
    expected = np.where(MEASURED, beyond_noise(truth[..., EXPRESSION]), 0.0)
    np.testing.assert_allclose(found.face[..., EXPRESSION], expected, atol=1e-6)
    assert found.valid[..., EXPRESSION].all(axis=(0, 1)).tolist() == MEASURED.tolist()
    assert found.valid[..., NUM_EXPRESSION:].all()


def test_a_change_is_smoothed_and_a_blink_is_not(exact):
    truth = face(1, 6)
    truth[:, 3:, [JAW, *indices_of("eyeBlink")]] = 1.0
    found = as_tracked(rng(), truth, 0.0).face[0]
    read = np.array([0.0, 0.0, 0.0, 0.7, 0.91, 0.973])
    dead = DEAD_ZONE[JAW]
    np.testing.assert_allclose(found[:, JAW], np.clip(read - dead, 0, None) / (1 - dead), atol=1e-6)
    assert found[3:, indices_of("eyeBlink")].min() == 1.0


def test_a_squint_needs_a_smile_or_a_cheek(exact):
    squint = indices_of("eyeSquint")
    assert not as_tracked(rng(), face(eyeSquint=0.8), 0.0).face[..., squint].any()
    smiling = as_tracked(rng(), face(eyeSquint=0.8, mouthSmile=0.4), 0.0).face[..., squint]
    np.testing.assert_allclose(smiling, beyond_noise(face(eyeSquint=0.4)[..., :52])[..., squint])


def test_at_the_beginning_the_neutral_face_is_not_known(exact):
    """A calm face with lowered brows: a second at rest, 25 frames, makes it known. Smiles count
    from the first image on."""
    truth = face(2, 60, browDown=0.15, mouthSmile=0.15)
    begins = as_tracked(rng(), truth, 0.0, begins=True).face
    knew = as_tracked(rng(), truth, 0.0).face
    brows = begins[0, :, BROWS[0]]
    assert brows[:3].max() == 0.0 and (np.diff(brows) >= -1e-6).all()
    assert 0.02 < brows[12] < 0.1
    np.testing.assert_allclose(brows[40:], knew[0, 40:, BROWS[0]], atol=1e-5)
    np.testing.assert_array_equal(begins[..., SMILE], knew[..., SMILE])


def test_a_neutral_face_is_learned_more_slowly_in_expression(exact):
    """Brows that are lowered far are no rest."""

    def share(weight):
        truth = face(1, 40, browDown=weight)
        shown = as_tracked(rng(), truth, 0.0, begins=True).face[0, :, BROWS[0]]
        return shown / beyond_noise(truth[0, :, EXPRESSION])[:, BROWS[0]]

    assert share(0.15)[30] == pytest.approx(1.0, abs=1e-3)
    assert share(0.8)[30] < 0.7


def test_reliability_discounts_the_input_as_a_session_does(exact, monkeypatch):
    half = np.ones(NUM_COEFFICIENTS)
    half[JAW] = 0.5
    monkeypatch.setattr(
        tracker_errors,
        "drawn_reliability",
        lambda rng, truth: (np.broadcast_to(half, truth.shape), np.zeros(truth.shape)),
    )
    truth = face(jawOpen=0.6, mouthSmile=0.6)
    found = as_tracked(rng(), truth, 0.0)
    shown = beyond_noise(truth[..., EXPRESSION])
    np.testing.assert_allclose(found.face[..., JAW], 0.5 * shown[..., JAW], atol=1e-6)
    np.testing.assert_allclose(found.face[..., SMILE], shown[..., SMILE], atol=1e-6)
    assert found.valid[..., JAW].all()


def test_the_errors_are_those_that_a_reliability_stands_for(monkeypatch):
    """r = mean(read * true) / mean(read * read), by channel over many crops."""
    factor = np.full(NUM_COEFFICIENTS, 0.6)
    monkeypatch.setattr(unreliable, "UNRELIABLE_SHARE", 1.0)
    monkeypatch.setattr(unreliable, "_condition", lambda rng, frames: (slice(0, frames), factor))
    truth = np.abs(rng().standard_normal((200, 60, NUM_COEFFICIENTS)))
    found, error = drawn_reliability(rng(), truth)
    assert (found == 0.6).all()
    read = truth + error
    measured = (read * truth).mean((0, 1)) / np.square(read).mean((0, 1))
    np.testing.assert_allclose(measured, 0.6, atol=0.04)


def test_some_stretches_are_read_badly_and_most_are_not():
    found, error = drawn_reliability(rng(), face(400, 80, jawOpen=0.5))
    bad = (found < 1.0).any(axis=(1, 2))
    assert 0.25 < bad.mean() < 0.4
    assert found.min() > 0.2 and found.max() == 1.0
    assert not error[~bad].any() and error[..., JAW].any()
    stretches = (found[bad] < 1.0).any(axis=2).mean(axis=1)
    assert (stretches == 1.0).any() and (stretches < 0.5).any()


def test_a_still_neutral_face_is_mostly_exactly_zero(monkeypatch):
    """On the real clips' neutral faces 57 to 100 % of a channel's values are 0."""
    monkeypatch.setattr(tracker_errors, "PLAIN_SHARE", 0.0)
    monkeypatch.setattr(tracker_errors, "LEARNED_SHARE", 1.0)
    shown = as_tracked(rng(), face(300, 60), 0.0).face[..., EXPRESSION][..., MEASURED]
    zeros = (shown == 0.0).mean(axis=(0, 1))
    assert zeros.min() > 0.5 and zeros.max() > 0.97
    smiles = as_tracked(rng(), face(300, 60), 0.0).face[..., SMILE]
    assert (smiles > 0.05).mean() < 0.01


def test_crying_is_read_as_a_small_smile_now_and_then_and_rest_is_not(exact, monkeypatch):
    monkeypatch.setattr(tracker_errors, "WRONG_SMILE_SHARE", 1.0)
    cries = as_tracked(rng(), face(200, 80, mouthFrown=0.8), 0.0).face[..., SMILE]
    assert 0.05 < cries.max() <= tracker_errors.WRONG_SMILE
    assert (cries == 0.0).mean() > 0.5
    assert not as_tracked(rng(), face(200, 80), 0.0).face[..., SMILE].any()


def test_faces_are_missing_are_lost_for_a_while_and_arrive():
    found = as_tracked(rng(), face(400, 80, jawOpen=0.5), 0.2)
    seen = found.valid.any(axis=2)
    assert not found.face[~found.valid].any()
    assert 0.1 < (~seen.any(axis=1)).mean() < 0.3
    gaps = seen.any(axis=1) & ~seen.all(axis=1)
    assert 0.15 < gaps.mean() < 0.4
    assert (~seen[gaps, 0]).any() and (~seen[gaps, -1]).any()
    assert as_tracked(rng(), face(50), 0.0).valid.any(axis=2).all()


def test_some_crops_are_plain_with_channels_that_this_tracker_does_not_measure():
    truth = face(400, 10, cheekPuff=0.7)
    found = as_tracked(rng(), truth, 0.15)
    puff = index_of("cheekPuff")
    plain = found.valid[..., puff].any(axis=1)
    assert 0.08 < plain.mean() < 0.25
    assert set(np.unique(found.face[..., puff])) == {0.0, np.float32(0.7)}


def test_the_same_generator_gives_the_same_crops():
    one, other = (as_tracked(rng(), face(8, 60, jawOpen=0.4), 0.15, True) for _ in range(2))
    np.testing.assert_array_equal(one.face, other.face)
    np.testing.assert_array_equal(one.valid, other.valid)
    assert one.face.dtype == np.float32 and np.isfinite(one.face).all()
    assert one.face[..., EXPRESSION].min() >= 0.0 and one.face[..., EXPRESSION].max() <= 1.0
