"""Good messages of every stream, as CDR bytes."""

import struct
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from reactface_node.ros.messages import convert
from reactface_node.ros.messages.types import RosbagsTypes

RATE_HZ = 16000
CHUNK = 320
NO_HEADER = ("AudioData", "AudioInfo", "Bool")


@dataclass(frozen=True, eq=False)
class Sample:
    """data: CDR. is_stamped: the time is its first field."""

    stream: str
    kind: str
    data: bytes
    is_stamped: bool
    types: RosbagsTypes

    def at(self, stamp_s: float) -> bytes:
        """Stamped anew."""
        if not self.is_stamped:
            return self.data
        changed = bytearray(self.data)
        sec, nanosec = divmod(round(stamp_s * 1e9), 1_000_000_000)
        struct.pack_into("<iI", changed, 4, int(np.clip(sec, -(2**31), 2**31 - 1)), nanosec)
        return bytes(changed)

    def message(self, stamp_s: float) -> Any:
        return self.types.deserialize(self.at(stamp_s), self.kind)


class Samples:
    """One of each kind; ``good`` are those that a plain camera and microphone send."""

    def __init__(self) -> None:
        self.types, self.others = RosbagsTypes(), RosbagsTypes("mgonzs13")
        self.all = [*self._images(), *self._sounds(), *self._rest()]
        self.by_stream: dict[str, list[Sample]] = {}
        for sample in self.all:
            self.by_stream.setdefault(sample.stream, []).append(sample)
        self.image, self.jpeg = self.by_stream["image"][:2]
        self.audio, self.stamped = self.by_stream["audio"][:2]
        self.info = self.by_stream["audio_info"][0]
        self.own_audio = self.by_stream["own_audio"][0]

    def build(self, name: str, types: RosbagsTypes | None = None, **fields: Any) -> Any:
        return (types or self.types).message_type(name)(**fields)

    def _sample(self, stream: str, message: Any, types: RosbagsTypes | None = None) -> Sample:
        types, kind = types or self.types, message.__msgtype__
        has_stamp = kind.rpartition("/")[2] not in NO_HEADER
        return Sample(stream, kind, bytes(types.serialize(message)), has_stamp, types)

    def _images(self) -> list[Sample]:
        rgb = np.random.default_rng(0).integers(0, 255, (24, 32, 3), np.uint8)
        header = convert.header(self.types, 1.0, "camera")
        found = [convert.image(self.types, 1.0, "camera", rgb)]
        for ending in (".jpg", ".png"):
            data = cv2.imencode(ending, rgb)[1].reshape(-1)
            found.append(
                self.build(
                    "sensor_msgs/msg/CompressedImage", header=header, format=ending[1:], data=data
                )
            )
        for encoding, width in (("mono8", 1), ("yuv422_yuy2", 2), ("bayer_rggb8", 1)):
            data = np.zeros(24 * 32 * width, np.uint8)
            found.append(
                self.build(
                    "sensor_msgs/msg/Image",
                    header=header,
                    height=24,
                    width=32,
                    encoding=encoding,
                    is_bigendian=0,
                    step=32 * width,
                    data=data,
                )
            )
        return [self._sample("image", message) for message in found]

    def _sounds(self) -> list[Sample]:
        tone = 0.3 * np.sin(0.1 * np.arange(CHUNK))
        pcm = (tone * 32767).astype("<i2").view(np.uint8)
        bare = self.build("audio_common_msgs/msg/AudioData", data=pcm)
        header = convert.header(self.types, 1.0, "microphone")
        stamped = self.build("audio_common_msgs/msg/AudioDataStamped", header=header, audio=bare)
        stamp = convert.time_message(self.types, 1.0)
        raw = self.build(
            "foxglove_msgs/msg/RawAudio",
            timestamp=stamp,
            data=pcm,
            format="pcm-s16",
            sample_rate=RATE_HZ,
            number_of_channels=1,
        )
        return [
            self._sample("audio", bare),
            self._sample("audio", stamped),
            self._sample("audio", raw),
            self._sample("audio", self.portaudio(tone), self.others),
            self._sample("own_audio", bare),
        ]

    def portaudio(self, tone: np.ndarray, **about: int) -> Any:
        """AudioStamped of the other package; about: what its info says instead of the truth."""
        name = "audio_common_msgs/msg/"
        empty = {f"int{n}_data": np.zeros(0, f"int{n}") for n in (8, 16, 32)}
        data = self.build(
            name + "AudioData",
            self.others,
            float32_data=tone.astype(np.float32),
            uint8_data=np.zeros(0, np.uint8),
            **empty,
        )
        said = {"format": 1, "channels": 1, "rate": RATE_HZ, "chunk": CHUNK, **about}
        info = self.build(name + "AudioInfo", self.others, **said)
        audio = self.build(name + "Audio", self.others, audio_data=data, info=info)
        header = convert.header(self.others, 1.0, "microphone")
        return self.build(name + "AudioStamped", self.others, header=header, audio=audio)

    def audio_info(self, **about: Any) -> Any:
        said = {
            "channels": 1,
            "sample_rate": RATE_HZ,
            "sample_format": "S16LE",
            "bitrate": 0,
            "coding_format": "wave",
            **about,
        }
        return self.build("audio_common_msgs/msg/AudioInfo", **said)

    def _rest(self) -> list[Sample]:
        info, header = self.audio_info(), convert.header(self.types, 1.0, "")
        yes = self.build("std_msgs/msg/Bool", data=True)
        ids = self.build("hri_msgs/msg/IdsList", header=header, ids=["anna", "bert"])
        found = [
            ("audio_info", info),
            ("own_audio_info", info),
            ("speaking", yes),
            ("voice", yes),
            ("faces", ids),
            ("voices", ids),
        ]
        return [self._sample(stream, message) for stream, message in found]
