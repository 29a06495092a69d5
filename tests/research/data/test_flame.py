"""FLAME's pose and expression to ARKit weights and head rotation."""

import numpy as np
import pytest
from rigs.pair_sets import flame_map, save
from scipy.spatial.transform import Rotation

from reactface_node.errors import UserError
from reactface_node.research.data.flame import (
    JAW_OPEN_RAD,
    FlameMap,
    head_rotation,
    missing_channels,
    read_map,
    to_coefficients,
)
from reactface_node.schema import ARKIT_NAMES, COEFFICIENT_NAMES, index_of, indices_of

STILL = np.zeros((40, 6))
SEEN = [n for n in ARKIT_NAMES if not n.startswith("eyeLook") and n != "tongueOut"]


def moved(column, values):
    pose = STILL.copy()
    pose[:, column] = values
    return to_coefficients(np.zeros((40, 50)), pose)


@pytest.mark.parametrize("axis", range(3))
def test_the_neck_turns_the_head_about_the_same_axes(axis):
    """x nods down, y turns to the subject's left, z tilts its left side up, as ours."""
    values = np.linspace(-0.3, 0.5, 40)
    face = moved(axis, values)
    np.testing.assert_allclose(face[:, 52 + axis], values - np.median(values), atol=1e-5)
    others = [52 + other for other in range(3) if other != axis]
    assert np.abs(face[:, others]).max() < 1e-6 and not face[:, 55:].any()


def test_a_head_about_all_axes_is_the_same_rotation():
    angles = np.random.default_rng(0).uniform(-0.6, 0.6, (31, 3))
    theirs = Rotation.from_euler("YXZ", angles)
    found = head_rotation(angles)
    around = theirs.as_euler("xyz")  # about fixed axes: Rz Ry Rx
    np.testing.assert_allclose(found, around - np.median(around, axis=0), atol=1e-9)


def test_a_head_turns_by_1_rad_at_most():
    yaw = np.linspace(-3.0, 3.0, 41)
    found = head_rotation(np.stack([yaw, 0 * yaw, 0 * yaw], axis=1))
    np.testing.assert_allclose(found[:, 1], yaw.clip(-1.0, 1.0), atol=1e-9)


def test_the_jaw_opens_without_a_map_and_no_more_is_known():
    face = moved(3, np.linspace(-0.1, 0.7, 40))
    expected = (np.linspace(-0.1, 0.7, 40) / JAW_OPEN_RAD).clip(0.0, 1.0)
    np.testing.assert_allclose(face[:, index_of("jawOpen")], expected, atol=1e-6)
    unknown = missing_channels(False)
    assert not face[:, indices_of(*unknown)].any() and len(unknown) == 54
    assert set(COEFFICIENT_NAMES) - set(unknown) == {
        *("jawOpen", "rotationX", "rotationY", "rotationZ")
    }


def test_a_map_gives_back_the_weights_that_made_the_expression():
    rng = np.random.default_rng(1)
    weights = np.zeros((20, 52))
    for name in SEEN:  # left and right alike, as the solution prefers
        if not name.endswith("Right") or name in ("jawRight", "mouthRight"):
            both = [index_of(name)]
            twin = name.replace("Left", "Right")
            if name not in ("jawLeft", "mouthLeft") and twin in ARKIT_NAMES:
                both.append(index_of(twin))
            weights[:, both] = rng.uniform(0.05, 0.95, (20, 1))
    matrix = flame_map()
    jaws = indices_of("jawOpen", "jawLeft", "jawRight", "jawForward", "mouthClose")
    expression = weights[:, :51] @ matrix[:, :50]
    jaw = weights[:, jaws] @ matrix[jaws, 100:]
    found = FlameMap(matrix).weights(expression, jaw)
    np.testing.assert_allclose(found, weights, atol=0.02)
    assert found[:, indices_of("eyeLookUp", "tongueOut")].max() == 0.0


def test_weights_stay_within_0_and_1():
    matrix = flame_map()
    found = FlameMap(matrix).weights(3.0 * matrix[:5, :50], np.zeros((5, 3)))
    assert found.min() >= 0.0 and found.max() <= 1.0


def test_with_a_map_gaze_tongue_and_place_stay_unknown():
    assert set(missing_channels(True)) == {
        *(name for name in ARKIT_NAMES if name.startswith("eyeLook")),
        *("tongueOut", "translationX", "translationY", "translationZ"),
    }


def test_a_short_clip_is_not_smoothed():
    pose = np.zeros((3, 6))
    pose[:, 0] = (0.0, 0.3, 0.1)
    face = to_coefficients(np.zeros((3, 50)), pose)
    np.testing.assert_allclose(face[:, 52], np.array([0.0, 0.3, 0.1]) - 0.1, atol=1e-6)


@pytest.mark.parametrize("values", [np.zeros((51, 53)), np.full((51, 103), np.nan), np.zeros(3)])
def test_files_that_hold_no_map(tmp_path, values):
    save(tmp_path / "map.npy", values)
    with pytest.raises(UserError, match=r"map\.npy does not hold 51 x 103 usable numbers"):
        read_map(tmp_path / "map.npy")
    with pytest.raises(UserError, match=r"other\.npy is missing"):
        read_map(tmp_path / "other.npy")
