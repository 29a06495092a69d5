"""Random and truncated messages of every stream: counted, never raised."""

import copy
import dataclasses

import cv2
import numpy as np
import pytest
from ros_server_rig import START_S, an_image, audio_data, faked_node
from test_ros_audio import portaudio, raw_audio

from reactface_node.ros import convert
from reactface_node.ros.streams import Humans
from reactface_node.ros.types import MessageError, RosbagsTypes

APT, OTHER = RosbagsTypes(), RosbagsTypes("mgonzs13")
HEADER = convert.header(APT, START_S, "x")


def made(name, **fields):
    return APT.message_type(name)(**fields)


def compressed(ending):
    rgb = np.random.default_rng(0).integers(0, 255, (24, 32, 3), np.uint8)
    data = cv2.imencode(ending, rgb)[1].reshape(-1)
    return made("sensor_msgs/msg/CompressedImage", header=HEADER, format="jpeg", data=data)


def wide():
    """The header of a picture that is large enough to be reduced, and has Exif's."""
    message = compressed(".jpg")
    data = message.data.tobytes()
    exif = b"\xff\xe1\0\x0aExif\0\0MM"
    message.data = np.frombuffer(data[:2] + exif + data[2:], np.uint8)
    return message


MESSAGES = {
    "image": [an_image(), compressed(".jpg"), compressed(".png"), wide()],
    "audio": [
        audio_data(160),
        made("audio_common_msgs/msg/AudioDataStamped", header=HEADER, audio=audio_data(160)),
        raw_audio(),
        portaudio(8, [1, 2, 3]),
    ],
    "own_audio": [audio_data(160)],
    "audio_info": [
        made("audio_common_msgs/msg/AudioInfo", channels=1, sample_rate=16000,
             sample_format="S16LE", bitrate=0, coding_format="wave"),
    ],
    "speaking": [made("std_msgs/msg/Bool", data=True)],
    "voice": [made("std_msgs/msg/Bool", data=True)],
    "faces": [made("hri_msgs/msg/IdsList", header=HEADER, ids=["anna", "bert"])],
}  # fmt: skip
MESSAGES["own_audio_info"] = MESSAGES["audio_info"]
CASES = [(stream, one) for stream, several in MESSAGES.items() for one in several]
NAMES = [f"{stream}-{one.__msgtype__.split('/')[-1]}" for stream, one in CASES]


def damaged(data, rng):
    """Some bytes changed, or cut off, or anything at all."""
    data = bytearray(data)
    kind = rng.integers(0, 3)
    if kind == 0:
        for _ in range(rng.integers(1, 6)):
            data[rng.integers(4, len(data))] = rng.integers(0, 256)
    elif kind == 1:
        del data[rng.integers(0, len(data)) :]
    else:
        data[4:] = rng.bytes(int(rng.integers(0, 200)))
    return bytes(data)


def deliver(node, humans, stream, message):
    """As a transport does."""
    if stream == "faces":
        if humans.see(stream, message.ids):
            node.server.follow_another(stream)
    else:
        node.server.receive(stream, message, START_S)


@pytest.mark.parametrize(("stream", "message"), CASES, ids=NAMES)
def test_damaged_on_the_wire(stream, message):
    types = OTHER if message.__msgtype__.endswith("AudioStamped") else APT
    good = bytes(types.serialize(message))
    rng = np.random.default_rng(len(good))
    node, humans = faked_node(), Humans(faked_node().server.config.ros)
    understood = 0
    for _ in range(300):
        try:
            read = types.deserialize(damaged(good, rng), message.__msgtype__)
        except MessageError:
            continue
        understood += 1
        deliver(node, humans, stream, read)
        # What the damaged AudioInfo said is not to be kept from failing later.
        node.server.receive("audio", audio_data(160), START_S)
        node.server.receive("own_audio", audio_data(160), START_S)
    assert understood > 5


@pytest.mark.parametrize(("stream", "message"), CASES, ids=NAMES)
def test_fields_of_any_value(stream, message):
    rng = np.random.default_rng(0)
    node, humans = faked_node(), Humans(faked_node().server.config.ros)
    for _ in range(200):
        deliver(node, humans, stream, mutated(copy.deepcopy(message), rng))


NUMBERS = [0, 1, 2, 3, 255, 65535, 2**31 - 1]
TEXTS = ["", "x" * 300, "rgb8", "nv12", "nv24", "yuyv", "bayer_rggb16", "16UC4", "S24LE", "F64BE",
         "U8", "mp3", "\0", "é/\n%s"]  # fmt: skip


def mutated(message, rng):
    """One field, at any depth, of another value of its kind."""
    field = rng.choice([field.name for field in dataclasses.fields(message)
                        if not field.name.startswith("__")])  # fmt: skip
    value = getattr(message, field)
    if dataclasses.is_dataclass(value):
        mutated(value, rng)
    elif isinstance(value, str):
        setattr(message, field, str(rng.choice(TEXTS)))
    elif isinstance(value, bool):
        setattr(message, field, not value)
    elif isinstance(value, int):
        setattr(message, field, int(rng.choice(NUMBERS)))
    elif isinstance(value, np.ndarray):
        anything = rng.integers(0, 256, rng.integers(0, 900), np.uint8)
        setattr(message, field, anything.astype(value.dtype))
    elif isinstance(value, list):
        setattr(message, field, [str(text) for text in rng.choice(TEXTS, 3)])
    return message


def test_ids_that_are_no_names_of_topics_are_nobodys():
    humans = Humans(dataclasses.replace(faked_node().server.config.ros, face_id="auto"))
    for ids in ([], [""], ["a/b", "a b", "1a", "é", "~", "{x}", "a\n"], TEXTS[:2][:1]):
        assert not humans.see("faces", ids) and humans.image_topic() == ""
    assert humans.see("faces", ["a b", "anna"])
    assert humans.image_topic() == "/humans/faces/anna/cropped"
    assert not humans.see("faces", []) and humans.face == "anna"
