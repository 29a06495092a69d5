"""Published messages: axes, names, units, and values that rclpy's classes accept."""

from types import SimpleNamespace

import numpy as np
import pytest

from reactface_node.ros.messages import convert
from reactface_node.ros.messages.types import (
    AUDIO_VARIANTS,
    MessageTypes,
    RosbagsTypes,
    own_definitions,
)
from reactface_node.schema import (
    ARKIT_NAMES,
    EVENT_KINDS,
    PHASES,
    WHO,
    ListenerEvent,
    Reaction,
    index_of,
)

TYPES = RosbagsTypes()
RGB = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)


def rotate(quaternion, vector):
    x, y, z, w = quaternion
    q = np.array([x, y, z])
    return vector + 2 * np.cross(q, np.cross(q, vector) + w * vector)


FORWARD, LEFT, UP = np.eye(3)


@pytest.mark.parametrize(
    ("axis", "moved", "towards"),
    [(0, FORWARD, -UP), (1, FORWARD, LEFT), (2, LEFT, UP)],
    ids=["+x nods down", "+y turns to its own left", "+z tilts the left side up"],
)
def test_the_quaternion_turns_as_the_schema_says(axis, moved, towards):
    rotation = np.zeros(3)
    rotation[axis] = 0.3
    turned = rotate(convert.head_quaternion(rotation), moved)
    np.testing.assert_allclose(turned, np.cos(0.3) * moved + np.sin(0.3) * towards, atol=1e-12)


def test_the_quaternion_is_the_rotation_matrix_on_renamed_axes():
    angles = np.array([0.3, -0.5, 0.7])
    (cx, cy, cz), (sx, sy, sz) = np.cos(angles), np.sin(angles)
    rx = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    ry = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    rz = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    renamed = np.array([[0, 0, 1], [1, 0, 0], [0, 1, 0]])  # (x, y, z) -> (z, x, y)
    expected = renamed @ rz @ ry @ rx @ renamed.T
    quaternion = convert.head_quaternion(angles)
    actual = np.stack([rotate(quaternion, axis) for axis in np.eye(3)], 1)
    np.testing.assert_allclose(actual, expected, atol=1e-12)
    assert np.linalg.norm(quaternion) == pytest.approx(1)


def test_blendshapes_carry_names_clipped_weights_and_metres_in_rep_103():
    face = np.zeros(58, np.float32)
    face[[index_of("jawOpen"), index_of("tongueOut")]] = 1.5, -0.2
    face[55:58] = 0.1, 0.2, 0.3
    message = convert.blendshapes(TYPES, 1.75, "head", face)
    weights = dict(zip(message.names, message.weights.tolist(), strict=True))
    assert tuple(message.names) == ARKIT_NAMES
    assert weights["jawOpen"] == 1 and weights["tongueOut"] == 0
    assert (message.header.stamp.sec, message.header.stamp.nanosec) == (1, 750_000_000)
    moved = message.head_translation
    np.testing.assert_allclose([moved.x, moved.y, moved.z], [0.3, 0.1, 0.2], rtol=1e-6)
    assert message.header.frame_id == "head" and message.version == 1


def test_coefficients_and_reaction_survive_the_wire():
    samples = np.linspace(0, 1, 3 * 8 * 58, dtype=np.float32).reshape(3, 8, 58)
    reaction = Reaction(4, 10 + np.arange(8) / 25, samples, 1, samples[1], 1.0, 0.5)
    sent = convert.reaction_message(TYPES, "head", reaction)
    message = TYPES.deserialize(bytes(TYPES.serialize(sent)), "reactface_msgs/msg/Reaction")
    shape = (message.num_samples, message.num_frames, 58)
    np.testing.assert_array_equal(message.samples.reshape(shape), samples)
    assert (message.window_index, message.played, message.frame_rate_hz) == (4, 1, 25.0)
    assert convert.stamp_of(message) == 10.0
    sent = convert.face_coefficients(TYPES, 1.0, "head", samples[0, 0])
    name = "reactface_msgs/msg/FaceCoefficients"
    message = TYPES.deserialize(bytes(TYPES.serialize(sent)), name)
    parts = [message.expression, message.rotation, message.translation]
    np.testing.assert_array_equal(np.concatenate(parts), samples[0, 0])


NOD = ListenerEvent(10.5, "listener", "nod", "end", 0.75, 1.25, 2, 0.125, 2.5)


def test_an_event_survives_the_wire():
    sent = convert.event_message(TYPES, "head", NOD)
    name = "reactface_msgs/msg/ListenerEvent"
    message = TYPES.deserialize(bytes(TYPES.serialize(sent)), name)
    found = {field: getattr(message, field) for field in vars(NOD) if field != "stamp_s"}
    assert {"stamp_s": convert.stamp_of(message), **found} == vars(NOD)
    assert (message.version, message.header.frame_id) == (1, "head")


def test_the_events_constants_are_the_schemas_words():
    message = TYPES.message_type("reactface_msgs/msg/ListenerEvent")
    kinds = {kind for one in EVENT_KINDS.values() for kind in one}
    words = {*WHO, *PHASES, *kinds}
    constants = {name: value for name, value in vars(message).items() if name.isupper()}
    assert {value for value in constants.values() if isinstance(value, str)} == words
    for word in words:
        assert constants[word.upper()] == word


def test_stamps_round_to_nanoseconds_and_zero_means_none():
    stamp = convert.time_message(TYPES, 1_700_000_000.9999999999)
    assert (stamp.sec, stamp.nanosec) == (1_700_000_001, 0)
    for beyond, held in ((1e12, (2**31 - 1, 999_999_999)), (-1e12, (-(2**31), 0))):
        stamp = convert.time_message(TYPES, beyond)
        assert (stamp.sec, stamp.nanosec) == held
        TYPES.serialize(stamp)
    assert convert.stamp_of(convert.blendshapes(TYPES, 0.0, "", np.zeros(58))) is None
    bare = TYPES.message_type("audio_common_msgs/msg/AudioData")(data=np.zeros(0, np.uint8))
    assert convert.stamp_of(bare) is None


def test_the_typestore_holds_what_the_msg_files_say():
    definitions = own_definitions()
    assert set(definitions) == {
        f"reactface_msgs/msg/{name}"
        for name in ("Blendshapes", "FaceCoefficients", "ListenerEvent", "Reaction")
    }
    for name, text in definitions.items():
        lines = (line.partition("#")[0].split() for line in text.splitlines())
        fields = [tuple(words) for words in lines if len(words) == 2]
        generated, _ = TYPES.typestore.generate_msgdef(name, ros_version=2)
        head = generated.partition("=" * 80)[0].splitlines()
        known = [tuple(line.split()) for line in head if "=" not in line]
        assert known == fields, name
        assert TYPES.message_type(name).VERSION == 1


def test_every_field_of_ours_is_commented():
    for name, text in own_definitions().items():
        blocks = [block for block in text.split("\n\n") if block.strip()]
        for block in blocks[1:]:
            assert block.startswith("#"), f"{name}: {block}"


class GeneratedTypes:
    """Builds classes that are as strict as rosidl_generator_py's: what rclpy would accept."""

    def message_type(self, name: str) -> type:
        fields = {field: desc for field, desc in TYPES.typestore.fielddefs[name][1]}

        def build(**values):
            assert set(values) == set(fields), name
            for field, desc in fields.items():
                check_as_rosidl(f"{name}.{field}", int(desc[0]), desc[1], values[field])
            return SimpleNamespace(**values)

        return build  # type: ignore[return-value]

    def sequence(self, values):
        from reactface_node.ros.messages.types import RclpyTypes

        return RclpyTypes().sequence(values)

    def byte(self, value):
        return bytes([value])


def check_as_rosidl(where, kind, about, value):
    import array

    base, name, array_kind, sequence_kind = 1, 2, 3, 4
    if kind == base:
        wanted = {"string": str, "float32": float, "float64": float, "bool": bool, "byte": bytes}
        assert isinstance(value, wanted.get(about[0], int)), where
        assert type(value).__module__ == "builtins", where
    elif kind == array_kind:
        assert np.array(value, np.float32).shape == (about[1],), where
    elif kind == sequence_kind and int(about[0][0]) == base and about[0][1][0] != "string":
        codes = {"float32": "f", "uint8": "B"}
        assert len(array.array(codes[about[0][1][0]], value)) > 0, where
    else:
        assert kind in (name, sequence_kind), where


def test_builders_give_rclpy_what_its_setters_accept():
    types: MessageTypes = GeneratedTypes()
    face = np.linspace(0, 1, 58, dtype=np.float32)
    reaction = Reaction(
        np.int64(4), np.arange(8) / 25, np.zeros((1, 8, 58)), np.int64(0), face, 1, 1
    )
    blendshapes = convert.blendshapes(types, np.float64(1.5), "head", face)
    assert np.frombuffer(blendshapes.weights, np.float32).shape == (52,)
    convert.face_coefficients(types, np.float64(1.5), "head", face)
    convert.reaction_message(types, "head", reaction)
    convert.event_message(types, "head", NOD)
    assert convert.image(types, 1.5, "head", RGB).data == RGB.tobytes()
    assert len(convert.compressed_image(types, 1.5, "head", RGB, 80).data) > 100


def test_both_audio_packages_have_their_own_types():
    fields = {
        variant: [
            name
            for name, _ in RosbagsTypes(variant).typestore.fielddefs[
                "audio_common_msgs/msg/AudioInfo"
            ][1]
        ]
        for variant in AUDIO_VARIANTS
    }
    assert fields["ros-drivers"][0] == "channels" and fields["mgonzs13"][0] == "format"
