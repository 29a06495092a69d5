"""The motor map: limits, rates, NaN and infinity, and every mistake in its file."""

import numpy as np
import pytest
import yaml
from rigs.outputs import face_of

from reactface_node.config import profile_names
from reactface_node.errors import UserError
from reactface_node.files import resources
from reactface_node.outputs.motors import MotorMap

JAW = {
    "name": "jaw",
    "from": {"jawOpen": 0.5},
    "offset": 0.1,
    "min": 0.0,
    "max": 0.4,
    "rate_limit": 2.5,
}
NECK = {"name": "neck", "from": {"rotationY": -1.0}, "min": -0.5, "max": 0.5, "rate_limit": 50}


def loaded(tmp_path, *joints):
    path = tmp_path / "motors.yaml"
    path.write_text(yaml.safe_dump({"joints": list(joints)}))
    return MotorMap.load(path)


def test_joints_take_gains_offset_and_limits(tmp_path):
    motors = loaded(tmp_path, JAW, NECK)
    assert motors.names == ("jaw", "neck")
    np.testing.assert_allclose(motors.move(face_of()), [0.1, 0.0])
    moved = motors.move(face_of(jawOpen=0.4, rotationY=0.3))
    np.testing.assert_allclose(moved, [0.3, -0.3], atol=1e-6)
    np.testing.assert_allclose(motors.move(face_of(jawOpen=3.0, rotationY=-2.0)), [0.4, 0.5])
    np.testing.assert_allclose(motors.move(face_of(jawOpen=-3.0, rotationY=2.0)), [0.0, -0.5])


def test_several_sources_add_up(tmp_path):
    brow = JAW | {"from": {"browInnerUp": 0.2, "browDownLeft": -0.4}, "offset": 0, "min": -1}
    moved = loaded(tmp_path, brow).move(face_of(browInnerUp=0.5, browDownLeft=0.5))
    np.testing.assert_allclose(moved, [-0.1], atol=1e-6)


def test_the_rate_limit_is_per_second_and_the_first_frame_starts_there(tmp_path):
    motors = loaded(tmp_path, JAW)
    positions = motors.move(face_of(jawOpen=0.0))
    seen = [float(positions[0])]
    for _ in range(4):
        positions = motors.move(face_of(jawOpen=1.0), positions)
        seen.append(float(positions[0]))
    np.testing.assert_allclose(seen, [0.1, 0.2, 0.3, 0.4, 0.4])  # 2.5 a second, 25 a second
    back = motors.move(face_of(jawOpen=0.0), positions)
    np.testing.assert_allclose(back, [0.3])


def test_moving_keeps_no_state(tmp_path):
    motors = loaded(tmp_path, JAW)
    motors.move(face_of(jawOpen=1.0))
    np.testing.assert_allclose(motors.move(face_of()), [0.1])


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_reaches_no_motor(tmp_path, bad):
    motors = loaded(tmp_path, JAW, NECK)
    broken = face_of(jawOpen=bad, rotationY=0.2)
    last = motors.move(face_of(jawOpen=0.4, rotationY=0.1))
    np.testing.assert_allclose(motors.move(broken, last), [last[0], -0.2], atol=1e-6)
    np.testing.assert_allclose(motors.move(broken), [0.1, -0.2], atol=1e-6)
    # A coefficient that no joint takes does not matter.
    held = motors.move(face_of(tongueOut=bad, jawOpen=0.4, rotationY=0.1), last)
    np.testing.assert_allclose(held, last)
    everything = motors.move(np.full(58, bad), last)
    np.testing.assert_array_equal(everything, last)


@pytest.mark.parametrize(
    ("joint", "says"),
    [
        ("jaw", r"joint 1 must hold names and values, not 'jaw'"),
        ({**JAW, "name": [3]}, r"'name' must be a text, not \['3'\]"),
        ({**JAW, "name": ""}, "'name' must be a text"),
        ({k: v for k, v in JAW.items() if k != "name"}, "'name' must be a text, not None"),
        ({**JAW, "offest": 0}, r"\(jaw\): unknown key 'offest'; did you mean 'offset'"),
        ({k: v for k, v in JAW.items() if k != "max"}, r"\(jaw\): 'max' is missing"),
        ({k: v for k, v in JAW.items() if k != "from"}, "'from' is missing"),
        ({k: v for k, v in JAW.items() if k != "rate_limit"}, "'rate_limit' is missing"),
        ({**JAW, "min": "low"}, "'min' must be a number, not 'low'"),
        ({**JAW, "max": True}, "'max' must be a number, not true"),
        ({**JAW, "offset": None}, "'offset' must be a number, not null"),
        ({**JAW, "max": float("inf")}, "'max' must be a number, not .inf"),
        ({**JAW, "min": 0.4}, "'min' must be below 'max'"),
        ({**JAW, "rate_limit": 0}, "'rate_limit' must be above 0"),
        ({**JAW, "from": ["jawOpen"]}, "'from' must hold names and gains"),
        ({**JAW, "from": {}}, "'from' must hold names and gains"),
        ({**JAW, "from": {"jawopen": 1}}, "no 'jawopen' to take; did you mean 'jawOpen'"),
        ({**JAW, "from": {7: 1}}, "no '7' to take"),
        ({**JAW, "from": {"jawOpen": "1"}}, "'jawOpen' must be a number, not '1'"),
        ({**JAW, "from": {"jawOpen": float("nan")}}, "'jawOpen' must be a number, not .nan"),
    ],
)
def test_a_wrong_joint_is_named(tmp_path, joint, says):
    with pytest.raises(UserError, match=says) as caught:
        loaded(tmp_path, joint)
    assert "motors.yaml: joint 1" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "'joints' must be a list"),
        ("joints: []", "'joints' must be a list"),
        ("joints: {jaw: 1}", "'joints' must be a list"),
        ("joint: []", "unknown key 'joint'"),
        ("- jaw", "must hold names and values"),
        ("joints: [", "not valid YAML"),
    ],
)
def test_a_wrong_file_is_named(tmp_path, text, says):
    path = tmp_path / "motors.yaml"
    path.write_text(text)
    with pytest.raises(UserError, match=f"motors.yaml.*{says}"):
        MotorMap.load(path)


def test_a_missing_file_and_a_name_twice(tmp_path):
    with pytest.raises(UserError, match=r"cannot read .*none.yaml"):
        MotorMap.load(tmp_path / "none.yaml")
    with pytest.raises(UserError, match=r"motors.yaml: two joints are named 'jaw'"):
        loaded(tmp_path, JAW, NECK, JAW)


def test_the_example_moves_a_head():
    path = resources.folder("config") / "motors_example.yaml"
    assert "motors_example" not in profile_names()
    motors = MotorMap.load(path)
    at = {name: k for k, name in enumerate(motors.names)}
    rest = motors.move(face_of())
    np.testing.assert_array_equal(rest, motors.offset)
    smiling = motors.move(face_of(mouthSmile=1.0, jawOpen=1.0, rotationX=0.2)) - rest
    assert smiling[at["lip_corner_left"]] == -smiling[at["lip_corner_right"]] > 0.3
    assert smiling[at["jaw"]] > 0.3 and smiling[at["neck_pitch"]] == pytest.approx(0.2)
    blink = motors.move(face_of(eyeBlink=1.0))
    assert blink[at["upper_lid_left"]] == blink[at["upper_lid_right"]] == 0
    look = motors.move(face_of(eyeLookOutLeft=1.0, eyeLookInRight=1.0))
    assert look[at["eyes_pan"]] == motors.high[at["eyes_pan"]]
    assert len(motors.names) == 12
