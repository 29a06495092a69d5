"""Makes the repository's sample recording: ``python -m reactface_node.ros.sample OUT``.

An mcap bag of 24 s as a robot would record it: ``image`` (CompressedImage, 640x480 JPEG at
30 fps) and ``audio`` (AudioDataStamped, 48 kHz mono S16LE) with ``audio_info``. The person is
synthetic: face, voice and words are made by ``reactface_node.data``, nobody was filmed.
"""

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from reactface_node.config import RenderConfig
from reactface_node.data.sample import AUDIO_RATE_HZ, images, performance
from reactface_node.errors import UserError
from reactface_node.ros.convert import header
from reactface_node.ros.types import RosbagsTypes

WIDTH, HEIGHT = 640, 480
SEED = 3
# The smallest quality at which the tracker found the face as surely as in the drawing itself.
JPEG_QUALITY = 60
# Restart markers make equal parts of successive images equal bytes, which zstd then finds: the
# still background costs almost nothing.
RESTART_BLOCKS = 4
# A microphone at some distance; the bag is smaller than with full scale.
AUDIO_GAIN = 0.35
AUDIO_CHUNK_S = 0.04
AUDIO_INFO_EVERY_S = 5.0
# Any fixed time does: 2025-01-01 08:00 UTC.
START_S = 1_735_718_400.0


def write_sample(path: Path, seed: int = SEED) -> None:
    """Writes the bag folder ``path``; UserError if it exists."""
    from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer

    if path.exists():
        raise UserError(f"{path} exists already; choose another output or remove it")
    types = RosbagsTypes("ros-drivers")
    messages = sorted(_messages(types, seed), key=lambda entry: entry[0])
    writer = Writer(path, version=9, storage_plugin=StoragePlugin.MCAP)
    writer.set_compression(CompressionMode.STORAGE, CompressionFormat.ZSTD)
    with writer:
        connections: dict[str, Any] = {}
        for stamp_s, topic, message in messages:
            if topic not in connections:
                kind = message.__msgtype__
                connections[topic] = writer.add_connection(topic, kind, typestore=types.typestore)
            writer.write(connections[topic], round(stamp_s * 1e9), types.serialize(message))


def drawn_images(coefficients: np.ndarray) -> Iterator[tuple[float, np.ndarray]]:
    """(seconds, 480x640x3 RGB) of the performer, drawn with the ``person`` theme."""
    from reactface_node.render import make_renderer

    config = replace(RenderConfig(), width=WIDTH, height=HEIGHT, theme="person")
    return images(coefficients, make_renderer(config).render)


def _messages(types: RosbagsTypes, seed: int) -> Iterator[tuple[float, str, Any]]:
    coefficients, audio = performance(seed)
    yield from _audio_messages(types, np.round(audio * AUDIO_GAIN).astype("<i2"))
    compressed = types.message_type("sensor_msgs/msg/CompressedImage")
    for seconds, rgb in drawn_images(coefficients):
        stamp_s = START_S + seconds
        yield (
            stamp_s,
            "/image",
            compressed(
                header=header(types, stamp_s, "camera"),
                format="rgb8; jpeg compressed bgr8",
                data=_jpeg(rgb),
            ),
        )


def _audio_messages(types: RosbagsTypes, audio: np.ndarray) -> Iterator[tuple[float, str, Any]]:
    info = types.message_type("audio_common_msgs/msg/AudioInfo")
    data = types.message_type("audio_common_msgs/msg/AudioData")
    stamped = types.message_type("audio_common_msgs/msg/AudioDataStamped")
    seconds = len(audio) / AUDIO_RATE_HZ
    for time in np.arange(0.0, seconds, AUDIO_INFO_EVERY_S):
        described = info(
            channels=1,
            sample_rate=AUDIO_RATE_HZ,
            sample_format="S16LE",
            bitrate=16 * AUDIO_RATE_HZ,
            coding_format="wave",
        )
        yield START_S + float(time), "/audio_info", described
    chunk = round(AUDIO_CHUNK_S * AUDIO_RATE_HZ)
    for start in range(0, len(audio), chunk):
        stamp_s = START_S + start / AUDIO_RATE_HZ
        piece = np.frombuffer(audio[start : start + chunk].tobytes(), np.uint8)
        message = stamped(header=header(types, stamp_s, "microphone"), audio=data(data=piece))
        yield stamp_s + AUDIO_CHUNK_S, "/audio", message


def _jpeg(rgb: np.ndarray) -> np.ndarray:
    options = [
        cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY, cv2.IMWRITE_JPEG_RST_INTERVAL, RESTART_BLOCKS,
    ]  # fmt: skip
    done, data = cv2.imencode(".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), options)
    if not done:
        raise UserError("OpenCV cannot write JPEG images")
    return data.reshape(-1)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m reactface_node.ros.sample OUT")
    try:
        write_sample(Path(sys.argv[1]))
    except UserError as problem:
        sys.exit(str(problem))
