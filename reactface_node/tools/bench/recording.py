"""The sample recording as an endless stream of messages of a camera and a microphone."""

import heapq
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from reactface_node.config import Config
from reactface_node.errors import UserError
from reactface_node.files import resources
from reactface_node.files.progress import ProgressBar
from reactface_node.media.fitting import fitted
from reactface_node.ros.bags.reader import BagReader
from reactface_node.ros.messages import convert
from reactface_node.ros.messages.types import RosbagsTypes

HD = (1280, 720)
HD_IMAGES = 120
"""Four seconds, 330 MB on disk; more raw images would be too large."""


@dataclass(frozen=True, eq=False)
class Event:
    """A message as CDR; it arrives ``arrival_s`` after the start and is stamped ``stamp_s``
    after it."""

    arrival_s: float
    stamp_s: float
    stream: str
    kind: str
    data: Callable[[], bytes]

    def message(self, types: RosbagsTypes, start_s: float) -> Any:
        """The deserialised message; ``start_s`` is added to its stamp."""
        message = types.deserialize(self.data(), self.kind)
        if hasattr(message, "header"):
            message.header.stamp = convert.time_message(types, start_s + self.stamp_s)
        return message


class BenchRecording:
    """``sample/``: 24 s of 640x480 JPEGs at 30 fps and of 48 kHz sound, 12 MB.

    UserError if it is not installed.
    """

    def __init__(self, config: Config) -> None:
        path = Path(resources.folder("config")).parent / "sample"
        if not path.is_dir():
            raise UserError("the sample recording is not there: run bench from a source checkout")
        self.types = RosbagsTypes()
        self._data: dict[str, list[bytes]] = {"image": [], "audio": [], "audio_info": []}
        self._kinds: dict[str, str] = {}
        first_s: dict[str, float] = {}
        last_s: dict[str, float] = {}
        with BagReader(path) as bag:
            topics = bag.inputs(config.ros)
            found = {"image": topics.image, "audio": topics.audio, "audio_info": topics.audio_info}
            streams = {topic.name: stream for stream, topic in found.items() if topic}
            for item in bag.messages(topics.names):
                stream = streams[item.topic]
                self._data[stream].append(bytes(self.types.serialize(item.message)))
                self._kinds[stream] = item.type
                first_s.setdefault(stream, item.stamp_s)
                last_s[stream] = item.stamp_s
        self._period_s = {
            stream: (last_s[stream] - first_s[stream]) / (len(self._data[stream]) - 1)
            for stream in ("image", "audio")
        }
        self.image_s = self._period_s["image"]
        self.seconds = len(self._data["image"]) * self.image_s

    def pictures(self) -> Iterator[np.ndarray]:
        """(H, W, 3) uint8 RGB, one after the other."""
        for data in self._data["image"]:
            yield convert.image_to_rgb(self.types.deserialize(data, self._kinds["image"]))

    def sounds(self) -> Iterator[convert.Audio]:
        """Chunks of the microphone, one after the other."""
        (info, *_) = self._data["audio_info"]
        described = self.types.deserialize(info, self._kinds["audio_info"])
        form = convert.format_from_info(described)
        for data in self._data["audio"]:
            message = self.types.deserialize(data, self._kinds["audio"])
            yield convert.audio_to_samples(message, form)

    def events(self, seconds: float, pictures: "Pictures | None" = None) -> Iterator[Event]:
        """All messages of ``seconds``, in order of arrival.

        Images run forward and backward, so that the face never jumps; audio starts again.
        pictures: used instead of the recording's.
        """
        shown = pictures or Pictures(
            self._kinds["image"], self._data["image"].__getitem__, len(self._data["image"])
        )
        streams = [
            self._described(),
            self._images(shown),
            self._heard(),
        ]
        merged = heapq.merge(*streams, key=lambda event: event.arrival_s)
        return itertools.takewhile(lambda event: event.arrival_s < seconds, merged)

    def _described(self) -> Iterator[Event]:
        for data in self._data["audio_info"][:1]:
            kind = self._kinds["audio_info"]
            yield Event(0.0, 0.0, "audio_info", kind, partial(bytes, data))

    def _images(self, pictures: "Pictures") -> Iterator[Event]:
        count = pictures.count
        order = itertools.cycle([*range(count), *range(count - 2, 0, -1)])
        for number, index in enumerate(order):
            at_s = number * self.image_s
            yield Event(at_s, at_s, "image", pictures.kind, partial(pictures.read, index))

    def _heard(self) -> Iterator[Event]:
        period_s = self._period_s["audio"]
        for number, data in enumerate(itertools.cycle(self._data["audio"])):
            # A chunk is stamped at its first sample and arrives after its last.
            stamp_s, kind = number * period_s, self._kinds["audio"]
            yield Event(stamp_s + period_s, stamp_s, "audio", kind, partial(bytes, data))


@dataclass(frozen=True, eq=False)
class Pictures:
    """``count`` images as CDR of the type ``kind``, by index."""

    kind: str
    read: Callable[[int], bytes]
    count: int


def enlarged(
    recording: BenchRecording, file: BinaryIO, size: tuple[int, int] = HD, count: int = HD_IMAGES
) -> Pictures:
    """The first pictures as raw ``sensor_msgs/Image`` of (width, height) in a file: they need
    no memory, and reading one is a copy, as from a socket."""
    types, sizes = recording.types, []
    shown = itertools.islice(recording.pictures(), count)
    for rgb in ProgressBar(shown, "pictures", count, unit="", leave=False):
        data = types.serialize(convert.image(types, 0.0, "camera", fitted(rgb, *size)))
        sizes.append(len(data))
        file.write(data)
    file.flush()

    def read(index: int) -> bytes:
        file.seek(index * sizes[0])
        return file.read(sizes[0])

    return Pictures("sensor_msgs/msg/Image", read, len(sizes))
