"""Helpers of ``test_replay``, for other tests too."""

import numpy as np

from reactface_node.ros.bags.writer import BagWriter
from reactface_node.ros.messages import convert
from reactface_node.ros.messages.types import RosbagsTypes

SECONDS = 2.0


START_S = 1000.0


def picture(index):
    return np.random.default_rng(index).integers(1, 255, (48, 64, 3), np.uint8)


def write_inputs(path, storage="mcap", broken=()):
    """A camera at 30 fps (messages in ``broken`` lie about their size) and a 16 kHz microphone."""
    types = RosbagsTypes("mgonzs13")
    make = types.message_type
    with BagWriter(path, storage, types) as bag:
        for index in range(int(SECONDS * 30)):
            at = START_S + index / 30
            message = convert.image(types, at, "camera", picture(index))
            if index in broken:
                message.height += 1
            bag.write("/image", at + 0.005, message)
        for index in range(int(SECONDS * 50)):
            at = START_S + index / 50
            tone = 0.3 * np.sin(0.05 * np.arange(320 * index, 320 * (index + 1)))
            empty = {f"int{n}_data": np.zeros(0, f"int{n}") for n in (8, 16, 32)}
            data = make("audio_common_msgs/msg/AudioData")(
                float32_data=tone.astype(np.float32), uint8_data=np.zeros(0, np.uint8), **empty
            )
            info = make("audio_common_msgs/msg/AudioInfo")(
                format=1, channels=1, rate=16000, chunk=320
            )
            audio = make("audio_common_msgs/msg/Audio")(audio_data=data, info=info)
            message = make("audio_common_msgs/msg/AudioStamped")(
                header=convert.header(types, at, "microphone"), audio=audio
            )
            bag.write("/audio", at + 0.02, message)
    return path
