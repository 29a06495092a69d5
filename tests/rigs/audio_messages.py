"""Helpers of ``test_ros_audio``, for other tests too."""

import dataclasses

import numpy as np

from reactface_node.ros.messages import convert
from reactface_node.ros.messages.types import RosbagsTypes

TYPES = RosbagsTypes()


FIELDS = {
    1: ("float32_data", np.float32),
    2: ("int32_data", np.int32),
    8: ("int16_data", np.int16),
    16: ("int8_data", np.int8),
    32: ("uint8_data", np.uint8),
}


def portaudio(code, samples, channels=1, rate=16000):
    types = RosbagsTypes("mgonzs13")
    name = "audio_common_msgs/msg/"
    filled = {f: np.zeros(0, kind) for f, kind in FIELDS.values()}
    field, kind = FIELDS.get(code, FIELDS[8])
    filled[field] = np.array(samples, kind)
    info = types.message_type(name + "AudioInfo")(
        format=code, channels=channels, rate=rate, chunk=512
    )
    audio = types.message_type(name + "Audio")(
        audio_data=types.message_type(name + "AudioData")(**filled), info=info
    )
    build = types.message_type(name + "AudioStamped")
    return build(header=convert.header(types, 7.5, "mic"), audio=audio)


def raw_audio(**change):
    stamp = convert.time_message(TYPES, 3.5)
    message = TYPES.message_type("foxglove_msgs/msg/RawAudio")(
        timestamp=stamp,
        data=np.array([1, 0, 2, 0], np.uint8),
        format="pcm-s16",
        sample_rate=8000,
        number_of_channels=1,
    )
    return dataclasses.replace(message, **change)
