"""Recordings to replay or inspect: a rosbag2 or a video file, in order of arrival."""

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from reactface_node.config import RosConfig
from reactface_node.errors import UserError
from reactface_node.files.progress import ProgressBar
from reactface_node.media.video import AudioInput, ImageInput, read_video, video_duration_s
from reactface_node.ros.bags.reader import BagMessage, BagReader
from reactface_node.ros.messages import convert
from reactface_node.ros.messages.audio import AudioFormat
from reactface_node.ros.messages.types import AUDIO_TYPES, INFO_TYPES, MessageError
from reactface_node.ros.node.stamps import first_offset_s
from reactface_node.ros.node.streams import AUTO, FACES, LISTS, VOICES, Humans, info_of, streams

BAR = "{desc}: {percentage:3.0f}%|{bar}| {elapsed} < {remaining}"
GAP_S, LEFT_S = 5.0, 1.0
"""A gap without arrivals that is longer (a paused recorder, or a clock that jumped) is shortened to
the second time."""
FIRST_S = 1.0
"""The first part of a recording, from which offsets of stamps are learned."""

Item = BagMessage | ImageInput | AudioInput


class Elapsed:
    """A recording's time since its first message, without gaps; from the messages alone.

    gaps_s: the length of each gap.
    """

    def __init__(self) -> None:
        self.gaps_s: list[float] = []
        self._zero_s = self._last_s = 0.0
        self._has_begun = False

    def time_s(self, arrival_s: float) -> float:
        """The recording's time of an arrival; call it for arrivals in order."""
        if not self._has_begun:
            self._has_begun = True
            self._zero_s = self._last_s = arrival_s
        gap_s = arrival_s - self._last_s
        if abs(gap_s) > GAP_S:
            self.gaps_s.append(gap_s)
            self._zero_s += gap_s - LEFT_S
        self._last_s = arrival_s
        return arrival_s - self._zero_s

    @property
    def left_out_s(self) -> float:
        """The seconds of all gaps that are left out."""
        return sum(abs(gap_s - LEFT_S) for gap_s in self.gaps_s)


BAG_STARTS = (b"\x89MCAP0\r\n", b"SQLite format 3\0", b"\x28\xb5\x2f\xfd")
"""First bytes of MCAP, of sqlite3, and of either of them compressed by zstd."""
BAG_SUFFIXES = {".mcap", ".db3", ".zstd"}


@dataclass(frozen=True, eq=False)
class RecordingSource:
    """An open recording.

    items: the messages of a bag's input topics, or the images and audio of a video file. size:
    number of messages as the bag states it, or seconds of a video file. image, audio: a bag's
    topics, None without one. bag: its reader, None for a video file. offsets_s: what to add to
    the first stamps of each stream.
    """

    items: Iterator[Item]
    size: float
    image: str | None = None
    audio: str | None = None
    bag: BagReader | None = None
    offsets_s: Mapping[str, float] = field(default_factory=dict)
    _router: "_Router | None" = None

    def watched(self, name: str) -> Iterator[Item]:
        """The items, read with a progress bar on a terminal."""
        first_s: float | None = None
        with ProgressBar(total=self.size or None, desc=name, bar_format=BAR) as bar:
            for item in self.items:
                yield item
                if isinstance(item, BagMessage):
                    bar.update(1)
                else:
                    first_s = item.arrival_s if first_s is None else first_s
                    bar.update(max(0.0, min(item.arrival_s - first_s, self.size) - bar.n))

    def stream_of(self, item: BagMessage) -> str:
        """The name of the stream (``streams.streams``) that a message belongs to now; "" for none
        and for lists of tracked people."""
        stream = self._router.names.get(item.topic, "") if self._router else ""
        return "" if stream in LISTS else stream

    def follows_another(self, item: BagMessage) -> str:
        """The name of the list of tracked people if it changes who is followed; else ""."""
        return self._router.update(item) if self._router else ""


class _Router:
    """Assigns the topics of a bag to streams; this changes with the people that ROS4HRI tracks."""

    def __init__(self, bag: BagReader, config: RosConfig) -> None:
        self._config, self._humans = config, Humans(config)
        self._types = {topic.name: topic.type for topic in bag.topics}
        first = Humans(config)
        for name, place, chosen in zip(
            LISTS, (FACES, VOICES), (config.face_id, config.voice_id), strict=True
        ):
            if chosen and not self._ids(place):
                raise UserError(
                    f"{bag.path} has nobody on {place}/...: leave out ros.{name[:-1]}_id={chosen}"
                )
            if chosen == AUTO:
                first.update(name, self._ids(place))
            if chosen == AUTO and f"{place}/tracked" not in self._types:
                self._humans.update(name, self._ids(place))
        self.inputs = bag.inputs(self._named(first))
        self.names: dict[str, str] = {}
        self._update_names()
        infos = {t: first_info(bag, t) for t in self.topics if self._types[t] in INFO_TYPES}
        self._infos = {topic: first for topic, first in infos.items() if first is not None}

    @property
    def topics(self) -> list[str]:
        """All topics that may be needed."""
        humans = [name for name in self._types if name.startswith("/humans/")]
        return sorted({*self.names, *(humans if self._humans.tracked() else [])})

    def messages(self, bag: BagReader) -> Iterator[BagMessage]:
        """All messages. A bag's AudioInfo comes before the AudioData that it describes."""
        told: list[str] = []
        for item in bag.messages(self.topics):
            wanted = [topic for topic in self._infos if topic in self.names]
            if wanted != told:
                told = wanted
                for topic in wanted:
                    yield replace(self._infos[topic], stamp_s=item.stamp_s)
            yield item

    def count(self, bag: BagReader) -> int:
        """The number of messages, as the bag states it."""
        return sum(topic.count for topic in bag.topics if topic.name in self.topics)

    def update(self, item: BagMessage) -> str:
        stream = self.names.get(item.topic, "")
        if stream not in LISTS or not self._humans.update(stream, item.message.ids):
            return ""
        self._update_names()
        return stream

    def offsets_s(self, bag: BagReader) -> dict[str, float]:
        """What to add to the first stamps of each stream that is followed at the beginning."""
        configured = AudioFormat(self._config.audio_rate_hz, self._config.audio_channels)
        infos = {self.names[t]: one for t, one in self._infos.items() if t in self.names}
        told = infos.get("audio_info")
        bare = convert.format_from_info(told.message) if told else configured
        return {
            stream: offset_at_start_s(bag, topic, bare)
            for topic, stream in self.names.items()
            if stream in ("image", "audio")
        }

    def _ids(self, place: str) -> list[str]:
        return [
            t.split("/")[3] for t in self._types if t.startswith(f"{place}/") and t.count("/") > 3
        ]

    def _named(self, humans: Humans) -> RosConfig:
        return replace(
            self._config,
            image_topic=humans.image_topic() or self._config.image_topic,
            audio_topic=humans.audio_topic() or self._config.audio_topic,
        )

    def _update_names(self) -> None:
        wanted = streams(self._config, self._humans)
        # The names that a bag has for a camera and a microphone need not be the configured ones.
        if not self._config.face_id and self.inputs.image:
            wanted["image"] = replace(wanted["image"], topic=self.inputs.image.name)
        if not self._config.voice_id and self.inputs.audio:
            wanted["audio"] = replace(wanted["audio"], topic=self.inputs.audio.name)
        found = {"/" + stream.topic.lstrip("/"): stream for stream in wanted.values()}
        self.names = {
            topic: stream.name
            for topic, stream in found.items()
            if self._types.get(topic) in stream.types
        }
        for topic, stream in found.items():
            info = info_of(stream, self._config) if stream.types is AUDIO_TYPES else None
            if topic in self.names and info and self._types.get("/" + info.topic) in INFO_TYPES:
                self.names["/" + info.topic] = info.name
        if self.inputs.audio_info:
            self.names[self.inputs.audio_info.name] = "audio_info"


def _is_bag(path: Path) -> bool:
    """Whether to read a path as a rosbag2: by its first bytes, or by its name if FFmpeg cannot
    read it. UserError if it does not exist."""
    try:
        if path.is_dir():
            return True
        with path.open("rb") as file:
            head = file.read(16)
    except FileNotFoundError as error:
        raise UserError(f"{path} does not exist") from error
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise UserError(f"{path} cannot be read: {why}") from error
    if head.startswith(BAG_STARTS):
        return True
    if path.suffix.lower() not in BAG_SUFFIXES:
        return False
    try:
        read_video(path)
    except UserError:
        return True
    return False


@contextmanager
def open_source(path: Path, config: RosConfig) -> Iterator[RecordingSource]:
    """Open a bag or a video file. UserError, one line, if it does not exist, cannot be read or
    holds nothing usable."""
    if not _is_bag(path):
        inputs = read_video(path)
        yield RecordingSource(inputs, video_duration_s(path))
        return
    with BagReader(path) as bag:
        router = _Router(bag, config)
        known = (router.inputs.image, router.inputs.audio)
        image, audio = (topic.name if topic else None for topic in known)
        items = router.messages(bag)
        yield RecordingSource(
            items, router.count(bag), image, audio, bag, router.offsets_s(bag), router
        )


def first_info(bag: BagReader, topic: str) -> BagMessage | None:
    """The first AudioInfo on a topic, wherever in the bag it is."""
    damaged = bag.damaged
    first = next(iter(bag.messages([topic])), None)
    # The same messages are read, and counted, again.
    bag.damaged = damaged
    return first


def offset_at_start_s(bag: BagReader, topic: str, bare: AudioFormat) -> float:
    """What to add to a topic's stamps, learned from its first second; 0 if they are right.

    A recording can be read ahead, so that no message is placed before the offset is known. bare:
    the format of its AudioData."""
    damaged, lags_s, end_s = bag.damaged, list[float](), math.inf
    for item in bag.messages([topic]):
        end_s = min(end_s, item.stamp_s + FIRST_S)
        if item.stamp_s > end_s:
            break
        try:
            if item.type in AUDIO_TYPES:
                audio = convert.audio_to_samples(item.message, bare)
                stamp_s, duration_s = audio.stamp_s, audio.duration_s
            else:
                stamp_s, duration_s = convert.stamp_of(item.message), 0.0
        except (MessageError, ValueError):
            continue
        if stamp_s:
            lags_s.append(item.stamp_s - stamp_s - duration_s)
    bag.damaged = damaged
    return first_offset_s(lags_s)
