"""The outputs as messages and datagrams: published values, and failures that never raise."""

import array
import logging
from types import SimpleNamespace

import numpy as np
import pytest
from pythonosc.osc_packet import OscPacket
from rigs.outputs import NO_HOST, face_of, free_port, receiver

from reactface_node.config.outputs import OutputsConfig
from reactface_node.errors import UserError
from reactface_node.files import resources
from reactface_node.ros.messages import convert
from reactface_node.ros.messages.types import RclpyTypes, RosbagsTypes
from reactface_node.ros.node import adapters
from reactface_node.ros.node.adapters import Adapters
from reactface_node.ros.node.topics import ADAPTER_TOPICS, OUTPUTS
from reactface_node.schema import COEFFICIENT_NAMES

TYPES = RosbagsTypes()
MOTOR_MAP = str(resources.folder("config") / "motors_example.yaml")
MESSAGES = {"expression": True, "facs": True, "joint_states": True, "motor_map": MOTOR_MAP}
SMILE = face_of(mouthSmile=0.8, cheekSquint=0.8, rotationY=0.25)


class Wire:
    """Publishes through CDR and back, as a subscriber would see it."""

    def __init__(self):
        self.seen = []

    def __call__(self, topic, message):
        kind = OUTPUTS[topic].type_name
        assert message.__msgtype__ == kind
        self.seen.append((topic, TYPES.deserialize(bytes(TYPES.serialize(message)), kind)))

    def on(self, topic):
        return [message for name, message in self.seen if name == topic]


def sent(*faces, **outputs):
    """What these faces are published as: at 10 s, and 0.04 s between frames."""
    wire, made = Wire(), Adapters(OutputsConfig(**outputs))
    for frame, face in enumerate(faces):
        made.send(TYPES, 10 + frame / 25, "head", face, wire)
    made.close()
    assert {topic for topic, _ in wire.seen} == set(made.topics)
    return wire


def test_nothing_configured_sends_nothing():
    assert Adapters(OutputsConfig()).topics == {}
    assert sent(SMILE).seen == []


def test_topics_are_what_is_configured():
    every = Adapters(OutputsConfig(**MESSAGES)).topics
    assert every == {topic: OUTPUTS[topic] for topic in ADAPTER_TOPICS}
    assert all(TYPES.message_type(kind) for kind, _, _ in every.values())
    assert list(Adapters(OutputsConfig(facs=True)).topics) == ["~/facs"]


def test_expression():
    (message,) = sent(SMILE, expression=True).on("~/expression")
    assert message.expression == "happy"
    assert 0.5 < message.valence < 1 and 0 < message.arousal < 1 and 0.5 < message.confidence < 1
    assert convert.stamp_of(message) == 10.0 and message.header.frame_id == "head"


def test_facial_action_units():
    (message,) = sent(SMILE, facs=True).on("~/facs")
    assert message.intensity.shape == message.confidence.shape == (99,)
    assert message.intensity[12] == pytest.approx(0.8) and message.confidence[12] == 1
    assert message.confidence[23] == 0


def test_joint_states_are_the_coefficients_by_name():
    (message,) = sent(SMILE, joint_states=True).on("~/joint_states")
    assert message.name == list(COEFFICIENT_NAMES)
    np.testing.assert_array_equal(message.position, SMILE.astype(np.float64))
    assert len(message.velocity) == len(message.effort) == 0


def test_motors_and_their_trajectory():
    wire = sent(face_of(), face_of(jawOpen=1.0), motor_map=MOTOR_MAP)
    rest, moved = wire.on("~/motors")
    jaw = rest.name.index("jaw")
    assert rest.position[jaw] == 0
    assert moved.position[jaw] == pytest.approx(4.0 / 25)  # the example's rate limit
    assert convert.stamp_of(moved) == pytest.approx(10.04)
    trajectory = wire.on("~/joint_trajectory")[1]
    (point,) = trajectory.points
    assert trajectory.joint_names == rest.name
    np.testing.assert_array_equal(point.positions, moved.position)
    assert (point.time_from_start.sec, point.time_from_start.nanosec) == (0, 40_000_000)
    assert convert.stamp_of(trajectory) is None  # start at once


def test_motors_hold_what_is_no_number():
    broken = np.full(58, np.nan)
    wire = sent(face_of(jawOpen=0.5), broken, face_of(jawOpen=0.5), motor_map=MOTOR_MAP)
    first, held, last = (message.position for message in wire.on("~/motors"))
    assert first.any() and np.isfinite(held).all()
    np.testing.assert_array_equal(first, held)
    np.testing.assert_array_equal(first, last)


class GeneratedTypes(RclpyTypes):
    """rclpy's way with arrays, and classes that take what rosidl's setters take."""

    def message_type(self, name):
        fields = dict(TYPES.typestore.fielddefs[name][1])

        def build(**values):
            assert set(values) == set(fields), name
            for field, value in values.items():
                check_as_rosidl(f"{name}.{field}", fields[field], value)
            return SimpleNamespace(**values)

        return build


def check_as_rosidl(where, description, value):
    kind, about = int(description[0]), description[1]
    if kind == 1:
        wanted = {"string": str, "float32": float}.get(about[0], int)
        assert type(value) is wanted, where
    elif kind == 3:
        assert isinstance(value, np.ndarray) and value.dtype == np.float32, where
        assert value.shape == (about[1],), where
    elif kind == 4 and about[0][1] == ("float64", 0):
        assert isinstance(value, bytes), where
        assert np.isfinite(array.array("d", value)).all(), where
    elif kind == 4:
        assert isinstance(value, list), where
        assert int(about[0][0]) == 2 or all(type(item) is str for item in value), where


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rclpys_setters_accept_them(dtype):
    published, made = {}, Adapters(OutputsConfig(**MESSAGES))
    face = SMILE.astype(dtype)
    made.send(GeneratedTypes(), np.float64(10.0), "head", face, published.__setitem__)
    assert set(published) == set(ADAPTER_TOPICS)
    position = array.array("d", published["~/joint_states"].position)
    np.testing.assert_array_equal(position, face.astype(np.float64))


def test_hri_msgs_are_those_of_the_released_package():
    """hri_msgs 2.0.0: Expression.msg, FacialActionUnits.msg and IdsList.msg."""

    def fields(name):
        text, _ = TYPES.typestore.generate_msgdef(f"hri_msgs/msg/{name}", ros_version=2)
        return text.partition("=" * 80)[0].split("\n")[:-1]

    header = "std_msgs/Header header"
    assert fields("IdsList") == [header, "string[] ids"]
    assert fields("Expression") == [
        header,
        "string expression",
        "float32 valence",
        "float32 arousal",
        "float32 confidence",
    ]
    assert fields("FacialActionUnits") == [
        header,
        "float32[99] intensity",
        "float32[99] confidence",
    ]


def test_datagrams_arrive():
    with receiver() as (unreal, port), receiver() as (avatar, other):
        made = Adapters(OutputsConfig(livelink=f"127.0.0.1:{port}", vmc=f"127.0.0.1:{other}"))
        made.send(TYPES, 10.0, "head", SMILE, Wire())
        data = unreal.recv(2048)
        messages = [item.message for item in OscPacket(avatar.recv(2048)).messages]
        made.close()
    assert data[0] == 6 and b"reactface" in data
    assert messages[0].address == "/VMC/Ext/OK"
    assert made.topics == {}


def test_one_failing_output_is_said_once_and_stops_no_other(caplog, monkeypatch):
    def broken(face):
        raise RuntimeError("a\nbug")

    monkeypatch.setattr(adapters, "express", broken)
    with caplog.at_level(logging.WARNING):
        wire, made = Wire(), Adapters(OutputsConfig(expression=True, facs=True))
        for _ in range(3):
            made.send(TYPES, 10.0, "head", SMILE, wire)
    assert len(wire.on("~/facs")) == 3
    (record,) = caplog.records
    assert "~/expression failed" in record.getMessage()
    assert "RuntimeError: a bug" in record.getMessage()


def test_a_publisher_that_fails_does_not_raise(caplog):
    def publish(topic, message):
        raise OSError("gone")

    made = Adapters(OutputsConfig(**MESSAGES))
    for _ in range(2):
        made.send(TYPES, 10.0, "head", SMILE, publish)
    # One each: the two messages of the motor map are one output.
    assert len(caplog.records) == len(MESSAGES)


def test_a_peer_that_listens_not_is_said_once(caplog):
    made = Adapters(OutputsConfig(livelink=f"127.0.0.1:{free_port()}"))
    for frame in range(1000):
        made.send(TYPES, frame / 25, "head", SMILE, Wire())
        if len(caplog.records) > 0 and frame > 10:
            break
    made.close()
    (record,) = caplog.records
    assert "Live Link Face: nobody takes the datagrams" in record.getMessage()


@pytest.mark.parametrize(
    ("outputs", "says"),
    [
        ({"livelink": "host:0"}, "'host:0': a port is within"),
        ({"vmc": "::1"}, "needs brackets"),
        ({"vmc": NO_HOST}, "cannot find the host"),
        ({"motor_map": "none.yaml"}, "cannot read .*none.yaml"),
    ],
)
def test_mistakes_are_said_at_the_start(outputs, says):
    with pytest.raises(UserError, match=says):
        Adapters(OutputsConfig(**{"livelink": "127.0.0.1", **outputs}))


def test_a_home_folder_is_found(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    with open(MOTOR_MAP, encoding="utf-8") as example:
        (tmp_path / "mine.yaml").write_text(example.read())
    assert list(Adapters(OutputsConfig(motor_map="~/mine.yaml")).topics) == [
        "~/motors",
        "~/joint_trajectory",
    ]
