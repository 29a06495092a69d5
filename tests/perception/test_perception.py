"""Distances and weights of drawn faces with known poses, and the tracker on a real clip."""

import numpy as np
import pytest
from rigs.landmarks import needs_facemesh
from rigs.paths import SHARED

from reactface_node.config import PerceptionConfig
from reactface_node.perception import make_tracker
from reactface_node.perception.geometry import (
    RIGID,
    RIGID_M,
    euler_angles,
    face_shape,
    head_pose,
    rotation_matrix,
    without_perspective,
)
from reactface_node.perception.measures import ESTIMATED, SIDES, measure, weights
from reactface_node.schema import ARKIT_NAMES, CROP_PX, index_of

CLIP = SHARED / "clips" / "emotions_pexels.mp4"
WIDTH, HEIGHT = 640, 480
RIGHT, LEFT = SIDES


def face():
    """A symmetric generic face, (478, 3) in metres; points nobody reads lie at the chin."""
    shape = np.tile([0.0, -0.085, 0.010], (478, 1))
    shape[RIGID] = RIGID_M
    middle = {
        152: (0, -110, 10),
        13: (0, -60, 25),
        14: (0, -61, 25),
        0: (0, -54, 27),
        17: (0, -76, 24),
    }
    for index, place in middle.items():
        shape[index] = np.array(place) / 1000
    for side in SIDES:
        parts = {
            side.upper_lid: (31, 4, 4),
            side.lower_lid: (31, -4, 4),
            (side.iris,): (31, 0, 4),
            side.inner_brow: (13, 18, 8),
            side.outer_brow: (54, 16, 0),
            (side.mouth_corner,): (29, -63, 12),
            side.upper_lip: (9, -58, 25),
            side.lower_lip: (9, -70, 24),
            side.cheek: (50, -22, 0),
        }
        for indices, (x, y, z) in parts.items():
            shape[list(indices)] = np.array([side.sign * x, y, z]) / 1000
    return shape


def moved(shape, indices, **by_mm):
    changed = shape.copy()
    for axis, amount in by_mm.items():
        changed[list(indices), "xyz".index(axis)] += amount / 1000
    return changed


def seen(shape, angles=(0, 0, 0), place=(0, 0, -0.6)):
    """The face as a pinhole camera sees it: pixels in our axes, depth in pixels too."""
    turned = shape @ rotation_matrix(np.array(angles)).T + place
    scale = WIDTH / -turned[:, 2]
    x = WIDTH / 2 + turned[:, 0] * scale
    y = -(HEIGHT / 2 - turned[:, 1] * scale)
    return np.stack([x, y, (turned[:, 2] - place[2]) * WIDTH / 0.6], axis=1)


def shown(shape):
    """Weights of a face relative to the generic face at rest."""
    return dict(zip(ARKIT_NAMES, weights(measure(shape), measure(face())), strict=True))


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("degrees", [-20, 15])
def test_pose_signs_and_sizes(axis, degrees):
    angles = np.zeros(3)
    angles[axis] = np.radians(degrees)
    rotation, place = head_pose(seen(face(), angles, (0.05, -0.02, -0.7)), WIDTH, HEIGHT)
    np.testing.assert_allclose(np.degrees(euler_angles(rotation)), np.degrees(angles), atol=0.2)
    np.testing.assert_allclose(place, [0.05, -0.02, -0.7], atol=2e-3)


def test_what_the_signs_mean_in_the_image():
    """+x nods down, +y turns to the subject's left (image right), +z lifts the left side."""
    nose, left_eye, right_eye = 1, 263, 33
    rest = seen(face())
    assert rest[left_eye, 0] > rest[right_eye, 0]
    assert seen(face(), (0.3, 0, 0))[nose, 1] < rest[nose, 1]
    assert seen(face(), (0, 0.3, 0))[nose, 0] > rest[nose, 0]
    tilted = seen(face(), (0, 0, 0.3))
    assert tilted[left_eye, 1] > tilted[right_eye, 1]


def test_euler_angles_invert_rotation_matrix():
    angles = np.array([0.2, -0.5, 0.3])
    np.testing.assert_allclose(euler_angles(rotation_matrix(angles)), angles, atol=1e-12)


def test_turning_the_head_is_no_expression():
    def read(angles):
        return measure(face_shape(without_perspective(seen(face(), angles), WIDTH, HEIGHT)))

    rest = read((0, 0, 0))
    for angles in [(0.3, 0, 0), (-0.2, 0.35, 0), (0, -0.35, 0.4)]:
        assert weights(read(angles), rest).max() < 0.1


@pytest.mark.parametrize(
    ("expected", "indices", "by"),
    [
        (["browInnerUp"], [*RIGHT.inner_brow, *LEFT.inner_brow], {"y": 6}),
        (["browOuterUpLeft"], LEFT.outer_brow, {"y": 6}),
        (["browDownRight"], [*RIGHT.inner_brow, *RIGHT.outer_brow], {"y": -5}),
        (["eyeBlinkLeft"], LEFT.upper_lid, {"y": -7}),
        (["eyeWideRight"], RIGHT.upper_lid, {"y": 3}),
        (["eyeLookOutLeft"], [LEFT.iris], {"x": 5}),
        (["eyeLookInRight"], [RIGHT.iris], {"x": 5}),
        (["eyeLookUpLeft"], [LEFT.iris], {"y": 3}),
        (["eyeLookDownRight"], [RIGHT.iris], {"y": -3}),
        (["cheekSquintRight"], RIGHT.cheek, {"y": 5}),
        (["mouthFrownLeft"], [LEFT.mouth_corner], {"y": -5}),
        (["mouthStretchLeft"], [LEFT.mouth_corner], {"x": 8}),
        (["mouthUpperUpRight"], RIGHT.upper_lip, {"y": 5}),
        (["mouthLowerDownLeft"], LEFT.lower_lip, {"y": -7}),
    ],
)
def test_each_movement_is_its_own_blendshape(expected, indices, by):
    found = shown(moved(face(), indices, **by))
    assert min(found[name] for name in expected) > 0.5
    partners = {"mouthSmileLeft", "eyeSquintLeft", "eyeSquintRight"}
    others = {n: w for n, w in found.items() if n not in {*expected, *partners}}
    assert max(others.values()) < 0.35, max(others, key=others.get)


def test_an_open_mouth_with_parted_and_with_closed_lips():
    jaw = [152, 14, 17, *RIGHT.lower_lip, *LEFT.lower_lip]
    opened = shown(moved(moved(face(), jaw, y=-22), [61, 291], y=-4))
    assert opened["jawOpen"] > 0.7
    assert max(weight for name, weight in opened.items() if name != "jawOpen") < 0.35
    closed = shown(moved(face(), [152, 13, 14, 0, 17], y=-18))
    assert closed["mouthClose"] > 0.5 and closed["jawOpen"] > 0.5


def test_a_smile_and_a_pucker():
    grin = moved(face(), [14, 17, *RIGHT.lower_lip, *LEFT.lower_lip], y=-9)
    assert shown(grin)["jawOpen"] == 0  # Bared teeth on a closed jaw.
    smile = moved(moved(face(), [61, 291], y=6), [61], x=-5)
    smile = moved(smile, [291], x=5)
    found = shown(smile)
    assert found["mouthSmileLeft"] > 0.7 and found["mouthSmileRight"] > 0.7
    assert found["mouthFrownLeft"] == found["mouthPucker"] == 0
    pucker = moved(moved(face(), [61], x=7), [291], x=-7)
    assert shown(pucker)["mouthPucker"] > 0.6 and shown(pucker)["mouthSmileLeft"] == 0


def test_a_mirrored_face_swaps_left_and_right():
    shape = moved(moved(face(), LEFT.upper_lid, y=-6), [LEFT.mouth_corner], y=-4)
    mirrored = face()
    for left, right in zip(vars(LEFT).values(), vars(RIGHT).values(), strict=True):
        if isinstance(left, int | tuple):
            mirrored[right if isinstance(right, int) else list(right)] = shape[
                left if isinstance(left, int) else list(left)
            ] * [-1, 1, 1]
    one, other = shown(shape), shown(mirrored)
    for name in one:
        swapped = name.replace("Left", "L?").replace("Right", "Left").replace("L?", "Right")
        assert one[name] == pytest.approx(other[swapped], abs=1e-6)


@needs_facemesh
@pytest.mark.slow
@pytest.mark.skipif(not CLIP.is_file(), reason="needs the real clip of ../shared/clips")
def test_a_real_person_is_tracked_and_smiles():
    import av

    with av.open(str(CLIP)) as container:
        frames = [
            (frame.time, frame.to_ndarray(format="rgb24"))
            for index, frame in enumerate(container.decode(video=0))
            if index % 2 == 0
        ]
    # FaceMesh's measures, also where the learned model is there.
    tracker = make_tracker(PerceptionConfig(landmarker=""), want_crop=True)
    try:
        first = [tracker.track(stamp, rgb) for stamp, rgb in frames]
        tracker.reset()
        again = [tracker.track(stamp, rgb) for stamp, rgb in frames[:40]]
    finally:
        tracker.close()
    assert np.mean([o.face_found for o in first]) >= 0.95
    assert first[0].valid[:52].sum() == len(ESTIMATED) and first[0].valid[52:].all()
    assert first[0].crop.shape == (CROP_PX, CROP_PX, 3)
    for one, two in zip(first, again, strict=False):
        assert np.array_equal(one.coefficients, two.coefficients)
    values = np.stack([o.coefficients for o in first])
    smile = values[:, [index_of("mouthSmileLeft"), index_of("mouthSmileRight")]].mean(axis=1)
    # She cries with a hand at her face until 10 s, then laughs.
    assert smile[130:].mean() > smile[40:110].mean() + 0.25
    assert np.degrees(values[:, 54]).max() > 20 and np.degrees(values[:, 54]).min() < -15
