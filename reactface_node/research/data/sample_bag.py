"""The repository's sample recording: ``python -m reactface_node.research.data.sample_bag OUT``.

An mcap bag of 24 s as a robot would record it: ``image`` (CompressedImage, 640x480 JPEG at
30 fps) and ``audio`` (AudioDataStamped, 48 kHz mono S16LE) with ``audio_info``. The person is
synthetic: ``reactface_node.research.data`` makes face and voice, and nobody was filmed.
"""

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from reactface_node.config import RenderConfig
from reactface_node.errors import UserError
from reactface_node.research.data.sample import AUDIO_RATE_HZ, images, performance
from reactface_node.ros.bags.writer import BagWriter
from reactface_node.ros.messages.convert import header
from reactface_node.ros.messages.types import RosbagsTypes

WIDTH, HEIGHT = 640, 480
SEED = 3
# These settings keep the bag small enough for a repository, and the tracker still finds the face in
# every image. With restart markers after every block, equal blocks of successive images have equal
# bytes, which zstd compresses. Blocks that hardly change are replaced by the previous ones, as in a
# camera's noise reduction.
JPEG_QUALITY = 26
BLOCK_PX = 16
STILL_MEAN, STILL_MAX = 2.0, 60.0
# A microphone at some distance with a 12-bit converter.
AUDIO_GAIN, AUDIO_STEP = 0.35, 16
AUDIO_CHUNK_S = 0.04
AUDIO_INFO_EVERY_S = 5.0
# Any fixed time, here 2025-01-01 08:00 UTC.
START_S = 1_735_718_400.0


def write_sample(path: Path, seed: int = SEED) -> None:
    """Write the bag folder ``path``; UserError if it exists."""
    types = RosbagsTypes("ros-drivers")
    with BagWriter(path, types=types, compressed=True) as writer:
        for stamp_s, topic, message in sorted(_messages(types, seed), key=lambda entry: entry[0]):
            writer.write(topic, stamp_s, message)


def drawn_images(coefficients: np.ndarray) -> Iterator[tuple[float, np.ndarray]]:
    """(seconds, 480x640x3 RGB) of the person, drawn with the ``person`` theme."""
    from reactface_node.render import make_renderer

    config = replace(RenderConfig(), width=WIDTH, height=HEIGHT, theme="person")
    renderer = make_renderer(config)

    def draw(face: np.ndarray) -> np.ndarray:
        drawn = renderer.render(face)
        assert drawn is not None
        return drawn

    return images(coefficients, draw)


def _messages(types: RosbagsTypes, seed: int) -> Iterator[tuple[float, str, Any]]:
    coefficients, audio = performance(seed)
    yield from _audio_messages(types, _microphone(audio))
    compressed = types.message_type("sensor_msgs/msg/CompressedImage")
    for seconds, rgb in _hold_still(drawn_images(coefficients)):
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


def _microphone(audio: np.ndarray) -> np.ndarray:
    result: np.ndarray = (np.round(audio * (AUDIO_GAIN / AUDIO_STEP)) * AUDIO_STEP).astype("<i2")
    return result


def _hold_still(frames: Iterator[tuple[float, np.ndarray]]) -> Iterator[tuple[float, np.ndarray]]:
    """Replace blocks that differ little from the previous image by the previous ones."""
    shown: np.ndarray | None = None
    for seconds, rgb in frames:
        if shown is not None:
            change = cv2.absdiff(rgb, shown).max(axis=2)
            rows, columns = change.shape[0] // BLOCK_PX, change.shape[1] // BLOCK_PX
            blocks = change.reshape(rows, BLOCK_PX, columns, BLOCK_PX)
            moved = blocks.mean(axis=(1, 3)) > STILL_MEAN
            moved |= blocks.max(axis=(1, 3)) > STILL_MAX
            mask = moved.repeat(BLOCK_PX, axis=0).repeat(BLOCK_PX, axis=1)
            rgb = np.where(mask[:, :, None], rgb, shown)
        shown = rgb
        yield seconds, rgb


def _jpeg(rgb: np.ndarray) -> np.ndarray:
    options = [
        cv2.IMWRITE_JPEG_QUALITY,
        JPEG_QUALITY,
        cv2.IMWRITE_JPEG_RST_INTERVAL,
        1,
    ]
    done, data = cv2.imencode(".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), options)
    if not done:
        raise UserError("OpenCV cannot write JPEG images")
    return data.reshape(-1)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m reactface_node.research.data.sample_bag OUT")
    try:
        write_sample(Path(sys.argv[1]))
    except UserError as problem:
        sys.exit(str(problem))
