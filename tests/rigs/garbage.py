"""Helpers of ``test_ros_garbage``, for other tests too."""

import dataclasses

import cv2
import numpy as np

from reactface_node.ros.messages import convert
from reactface_node.ros.messages.types import RosbagsTypes
from rigs.audio_messages import portaudio, raw_audio
from rigs.server import START_S, an_image, audio_data

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
        made(
            "audio_common_msgs/msg/AudioInfo",
            channels=1,
            sample_rate=16000,
            sample_format="S16LE",
            bitrate=0,
            coding_format="wave",
        ),
    ],
    "speaking": [made("std_msgs/msg/Bool", data=True)],
    "voice": [made("std_msgs/msg/Bool", data=True)],
    "faces": [made("hri_msgs/msg/IdsList", header=HEADER, ids=["anna", "bert"])],
}
MESSAGES["own_audio_info"] = MESSAGES["audio_info"]

NUMBERS = [0, 1, 2, 3, 255, 65535, 2**31 - 1]


TEXTS = [
    "",
    "x" * 300,
    "rgb8",
    "nv12",
    "nv24",
    "yuyv",
    "bayer_rggb16",
    "16UC4",
    "S24LE",
    "F64BE",
    "U8",
    "mp3",
    "\0",
    "é/\n%s",
]


def mutated(message, rng):
    """One field, at any depth, of another value of its kind."""
    field = rng.choice(
        [field.name for field in dataclasses.fields(message) if not field.name.startswith("__")]
    )
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
