"""Real, labelled faces through the whole tracker, with the model files that users download."""

import functools

import numpy as np
import pytest
import yaml
from rigs.clips import frames_of
from rigs.landmarks import needs_facemesh
from rigs.paths import SHARED

from reactface_node.config import PerceptionConfig
from reactface_node.files import resources
from reactface_node.perception.finders import FaceMeshFinder
from reactface_node.perception.hands import choose_hands
from reactface_node.perception.landmarker import LandmarkerFinder
from reactface_node.perception.tracker import LandmarkTracker
from reactface_node.research.data.labels import NO_SMILE_KINDS
from reactface_node.schema import KINDS, NUM_EXPRESSION, indices_of

LANDMARKER, CLASSIFIER = (
    resources.weights_file(getattr(PerceptionConfig, name))
    for name in ("landmarker", "expression_classifier")
)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        CLASSIFIER is None,
        reason="no weights/expression_classifier.tflite: reactface weights --download it",
    ),
    pytest.mark.skipif(
        not (SHARED / "clips").is_dir(), reason="the clips are not in the repository"
    ),
]
needs_landmarker = pytest.mark.skipif(
    LANDMARKER is None, reason="no weights/face_landmarker.task: reactface weights --download it"
)
FINDERS = {
    "networks": lambda config: LandmarkerFinder(config, LANDMARKER, CLASSIFIER),
    "fused": lambda config: FaceMeshFinder(config, LANDMARKER, CLASSIFIER),
    "measures": lambda config: FaceMeshFinder(config, None, CLASSIFIER),
}
by_every_finder = pytest.mark.parametrize(
    "finder",
    [
        pytest.param("networks", marks=needs_landmarker),
        pytest.param("fused", marks=[needs_landmarker, needs_facemesh]),
        pytest.param("measures", marks=needs_facemesh),
    ],
)
SMILE, FROWN = indices_of("mouthSmile"), indices_of("mouthFrown")


@functools.cache
def labels():
    return yaml.safe_load((SHARED / "clips" / "labels.yaml").read_text())


def track(frames, finder):
    """Times (n,), coefficients (n, 58) and probabilities of ``KINDS`` (n, 9) of images."""
    config = PerceptionConfig()
    tracker = LandmarkTracker(config, False, FINDERS[finder](config), choose_hands(config))
    rows = []
    for stamp_s, image in frames:
        seen = tracker.track(stamp_s, image)
        assert seen.face_found
        rows.append((stamp_s, seen.coefficients, seen.kinds))
    tracker.close()
    times_s, coefficients, kinds = zip(*rows, strict=True)
    return np.array(times_s), np.stack(coefficients), np.stack(kinds)


@functools.cache
def tracked(clip, finder):
    return track(frames_of(clip), finder)


def during(kind, finder, values):
    """Values of all images in the labelled intervals of a kind; values: of ``track``'s result."""
    found = []
    for clip, kinds in labels().items():
        times_s, *_ = result = tracked(clip, finder)
        for start_s, end_s in kinds.get(kind, []):
            found.append(values(result)[(times_s >= start_s) & (times_s <= end_s)])
    return np.concatenate(found)


def smile_of(result):
    return result[1][:, SMILE].mean(axis=1)


def best_kinds(kind, finder):
    """Share of the time of a labelled kind in which each of ``KINDS`` is the most probable one."""
    best = during(kind, finder, lambda result: result[2].argmax(axis=1))
    return np.bincount(best, minlength=len(KINDS)) / len(best)


@by_every_finder
def test_smiles_are_told_from_all_else(finder):
    """In one test, since tracking the clips takes its time."""
    no_smile = np.concatenate([during(kind, finder, smile_of) for kind in NO_SMILE_KINDS])
    assert (no_smile > 0.3).mean() < 0.02
    for kind in ("cry", "frown", "pout", "sulk", "oh", "worry"):
        assert (during(kind, finder, smile_of) > 0.2).mean() < 0.01, kind
    # A yell passes through what looks like a smile.
    assert (during("yell", finder, smile_of) > 0.2).mean() < 0.15
    smiling = during("smile", finder, smile_of)
    assert (smiling > 0.3).mean() > 0.9 and smiling.mean() > 0.65

    shares = {kind: best_kinds(kind, finder) for kind in ("smile", "cry", "yell", "neutral", "oh")}
    smiles = [KINDS.index("smile"), KINDS.index("laugh")]
    assert shares["smile"][smiles].sum() > 0.75
    assert shares["neutral"][KINDS.index("neutral")] > 0.85
    assert shares["yell"][KINDS.index("yell")] > 0.8
    assert shares["oh"][KINDS.index("surprise")] > 0.5
    # For a third of the time a hand is before the crying face.
    assert shares["cry"][KINDS.index("cry")] > 0.5
    for kind in ("cry", "yell", "neutral", "oh"):
        assert shares[kind][smiles].sum() < 0.1


def cut(clip, start_s, end_s, at_s=0.0):
    """A part of a clip, whose first image comes at ``at_s``."""
    for stamp_s, image in frames_of(clip, end_s):
        if stamp_s >= start_s:
            yield at_s + stamp_s - start_s, image


@by_every_finder
def test_who_smiles_first_and_then_rests_does_not_frown(finder):
    times_s, values, _ = track([*cut("d9", 9.9, 12.1), *cut("d9", 12.6, 14.9, at_s=2.3)], finder)
    smile, frown = values[:, SMILE].mean(axis=1), values[:, FROWN].mean(axis=1)
    assert smile[times_s < 2.0].mean() > 0.6
    assert frown[times_s > 2.7].max() < 0.13 and frown[times_s > 2.7].mean() < 0.05


@by_every_finder
@pytest.mark.parametrize("clip", ["d3", "d9", "d12", "d18", "d19"])
def test_a_still_neutral_face_has_no_expression(clip, finder):
    _, image = next(iter(frames_of(clip, 0.1)))
    _, values, _ = track([(frame / 25, image) for frame in range(250)], finder)
    assert values[:, :NUM_EXPRESSION].max() < 0.12
