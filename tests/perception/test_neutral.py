"""The neutral face: learned at rest alone, from a prior, and corrected if it was wrong."""

import numpy as np
import pytest
from rigs.landmarks import drawn_landmarks, needs_facemesh

from reactface_node.perception.expression import LEAST_REST, ExpressionReader, rest_shares
from reactface_node.perception.face import Face
from reactface_node.perception.geometry import face_shape, to_pixels, without_perspective
from reactface_node.perception.measures import NAMES, learnable
from reactface_node.perception.neutral import (
    GROUPS,
    RunningNeutral,
    blendshape_rest,
    measured_rest,
    weighted_median,
)
from reactface_node.schema import ARKIT_NAMES, index_of

PRIOR = measured_rest().prior
REST, POSE = np.ones(len(GROUPS)), np.zeros(6)
FROWN, SMILE, BROW = (
    index_of(name) for name in ("mouthFrownLeft", "mouthSmileLeft", "browDownLeft")
)


def learn(neutral, values, seconds, start_s=0.0, at_rest=REST, pose=POSE):
    for frame in range(round(25 * seconds)):
        neutral.see(start_s + frame / 25, values, pose, at_rest)
    return neutral.values


def shape_of(landmarks):
    points = to_pixels(landmarks, 640, 480)
    return face_shape(without_perspective(points, 640, 480))


def read(reader, seconds, start_s=0.0, smile=0.0, **shapes):
    """Weights (n, 52) of a drawn face whose blendshapes are these, 25 times a second."""
    landmarks = drawn_landmarks(smile=smile)
    named = dict.fromkeys(ARKIT_NAMES, 0.0) | shapes
    face, shape = Face(landmarks, named), shape_of(landmarks)
    times_s = start_s + np.arange(round(25 * seconds)) / 25
    return np.stack([reader.read(stamp_s, shape, face, POSE)[0] for stamp_s in times_s])


def test_the_neutral_becomes_the_persons_at_once():
    neutral = RunningNeutral(measured_rest())
    own = PRIOR + 0.02
    first = learn(neutral, own, 0.04).copy()
    assert ((first - PRIOR) / 0.02 > 0.6).all()
    np.testing.assert_allclose(learn(neutral, own, 4.0, 0.2), own, atol=1e-3)


def test_a_face_in_expression_is_hardly_learned():
    neutral = RunningNeutral(measured_rest())
    mouth = np.array([1.0, 1.0, LEAST_REST])
    learn(neutral, PRIOR + 1.0, 1.0)
    smile = learn(neutral, PRIOR + 5.0, 10.0, 1.0, at_rest=mouth)
    width, brow = NAMES.index("width"), NAMES.index("innerLeft")
    assert smile[width] - PRIOR[width] == pytest.approx(1.0, abs=0.1)
    assert smile[brow] - PRIOR[brow] == pytest.approx(5.0, abs=0.1)


def test_a_wrong_neutral_is_corrected_by_rest():
    neutral = RunningNeutral(measured_rest())
    learn(neutral, PRIOR + 5.0, 10.0, at_rest=np.full(3, LEAST_REST))
    rest = learn(neutral, PRIOR, 1.0, 10.0)
    assert np.abs(rest - PRIOR).max() < 0.1


def test_the_neutral_is_never_far_from_every_known_face():
    neutral = RunningNeutral(measured_rest())
    assert (learn(neutral, PRIOR + 40.0, 10.0) - PRIOR).max() <= 13.0


@pytest.mark.parametrize(
    ("name", "rest", "learned"),
    [
        ("browInnerUp", 0.80, 0.80),
        ("eyeSquintLeft", 0.70, 0.70),
        ("browDownRight", 0.68, 0.68),
        # A held smile, an open jaw and shut eyes are no rest.
        ("mouthSmileLeft", 0.80, 0.15),
        ("jawOpen", 0.80, 0.15),
        ("eyeBlinkLeft", 0.80, 0.40),
    ],
)
def test_a_high_rest_is_learned_where_the_form_of_the_face_makes_it(name, rest, learned):
    neutral = RunningNeutral(blendshape_rest())
    values = np.zeros(len(ARKIT_NAMES))
    values[index_of(name)] = rest
    assert learn(neutral, values, 6.0)[index_of(name)] == pytest.approx(learned, abs=0.01)


def test_shut_eyes_teach_no_gaze():
    neutral = RunningNeutral(measured_rest())
    lids, gaze = NAMES.index("openLeft"), NAMES.index("look_upLeft")
    shut, awake = PRIOR.copy(), PRIOR.copy()
    shut[[lids, gaze]] = 0.05, -0.09
    awake[[lids, gaze]] = 0.36, 0.09
    learn(neutral, learnable(shut, neutral.values), 4.0, at_rest=np.array([1.0, 0.05, 1.0]))
    assert neutral.values[gaze] == PRIOR[gaze]
    learn(neutral, awake, 4.0, 4.0)
    assert neutral.values[gaze] == pytest.approx(0.09, abs=0.01)
    assert neutral.values[lids] == pytest.approx(0.36, abs=0.01)


def test_the_weighted_median():
    rows = np.array([[3.0, 1.0], [1.0, 2.0], [2.0, 9.0]])
    even, uneven = np.ones((3, 2)), np.array([[0.1, 0.0], [0.1, 0.0], [5.0, 1.0]])
    np.testing.assert_array_equal(weighted_median(rows, even), [2.0, 2.0])
    np.testing.assert_array_equal(weighted_median(rows, uneven), [2.0, 9.0])


def test_what_counts_as_rest():
    still, smile, blink = (np.zeros(len(ARKIT_NAMES)) for _ in range(3))
    smile[SMILE], blink[index_of("eyeBlinkLeft")] = 0.8, 1.0
    np.testing.assert_array_equal(rest_shares(still, None), REST)
    np.testing.assert_array_equal(rest_shares(smile, None), np.full(3, LEAST_REST))
    np.testing.assert_array_equal(rest_shares(blink, None), [1.0, LEAST_REST, 1.0])
    # The model sees a smile that the measures, relative to a wrong neutral, do not.
    np.testing.assert_array_equal(rest_shares(still, smile), np.full(3, LEAST_REST))


def test_who_smiles_first_does_not_frown_at_rest():
    reader = ExpressionReader(1.0)
    smiling = read(reader, 4.0, smile=1.0, mouthSmileLeft=0.8, mouthSmileRight=0.8)
    at_rest = read(reader, 4.0, 4.0)
    assert smiling[:, SMILE].min() > 0.8
    assert at_rest[:, FROWN].max() < 0.1 and at_rest[:, SMILE].max() < 0.1


@needs_facemesh
def test_a_still_face_has_no_expression_from_the_first_image_on():
    """Not even one whose brows the model takes for lowered; once they are known, a change shows."""
    reader = ExpressionReader(1.0)
    still = read(reader, 10.0, browDownLeft=0.6, browDownRight=0.6)
    assert still.max() < 0.12
    frown = read(reader, 0.4, 10.0, browDownLeft=0.9, browDownRight=0.9)
    assert frown[:, BROW].min() > 0.5
