"""Reads a rosbag2 without ROS, in time order; ``BagWriter`` writes one."""

import heapq
import logging
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reactface_node.config import RosConfig
from reactface_node.errors import UserError
from reactface_node.ros.bags.files import METADATA, Declared, open_part, part_files
from reactface_node.ros.bags.part import BagPart, Channel, Unreadable, plain, printable
from reactface_node.ros.bags.writer import BagWriter
from reactface_node.ros.messages.types import (
    AUDIO_TYPES,
    IMAGE_TYPES,
    INFO_TYPES,
    MessageError,
    RosbagsTypes,
    audio_variant,
)

__all__ = ["BagInputs", "BagMessage", "BagReader", "BagTopic", "BagWriter"]

CDR = "cdr"
MOST_TOLD = 5
LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True)
class BagTopic:
    name: str
    type: str
    count: int


@dataclass(frozen=True)
class BagMessage:
    """A message of a bag. stamp_s: when it was recorded. message: rosbags' dataclass."""

    topic: str
    type: str
    stamp_s: float
    message: Any


@dataclass(frozen=True)
class BagInputs:
    """The topics to replay; None if the bag has no such stream."""

    image: BagTopic | None
    audio: BagTopic | None
    audio_info: BagTopic | None

    @property
    def names(self) -> tuple[str, ...]:
        found = (self.image, self.audio, self.audio_info)
        return tuple(topic.name for topic in found if topic is not None)


class BagReader:
    """A rosbag2 folder, or one of its files; use it as a context manager.

    Of a damaged bag all undamaged messages are read; ``missing`` says what was lost and is logged
    when messages are read. start_s, duration_s: from the messages, not from metadata.yaml.
    damaged: number of messages that could not be decoded. UserError, one line, if it is no bag or
    has no messages.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.damaged = 0
        self._types: dict[tuple[str, str], RosbagsTypes] = {}
        self._logged = ""
        self._stack = ExitStack()
        if not _exists(path):
            raise UserError(f"{path} does not exist")
        try:
            self._parts, self._notes = self._open()
            if not self._parts:
                raise UserError(f"{path} cannot be read as a rosbag2: {self.missing[:300]}")
            starts = [part.start_ns for part in self._parts if part.start_ns is not None]
            ends = [part.end_ns for part in self._parts if part.end_ns is not None]
            if not starts:
                lost = self.missing
                raise UserError(
                    f"{path} is an empty bag: it holds no messages"
                    + (f" ({lost[:200]})" if lost else "")
                )
        except BaseException:
            self.close()
            raise
        self.start_s = min(starts) * 1e-9
        self.duration_s = (max(ends) - min(starts)) * 1e-9

    @property
    def missing(self) -> str:
        """What could not be read so far; "" if nothing is missing."""
        told = [*self._notes]
        told += [f"{part.path.name}: {part.loss}" for part in self._parts if str(part.loss)]
        if self.damaged:
            told.append(f"{self.damaged} messages could not be decoded")
        more = [f"and {len(told) - MOST_TOLD} more"] if len(told) > MOST_TOLD else []
        return "; ".join(told[:MOST_TOLD] + more)

    @property
    def topics(self) -> list[BagTopic]:
        """The topics by name; of several types of one name, the one with most messages."""
        counts: Counter[tuple[str, str]] = Counter()
        for part in self._parts:
            for channel in part.channels:
                counts[channel.topic, _type_of(channel)] += channel.count
        found = {name: BagTopic(name, kind, n) for (name, kind), n in counts.most_common()[::-1]}
        return sorted(found.values(), key=lambda topic: topic.name)

    def inputs(self, config: RosConfig) -> BagInputs:
        """The topics that the configuration names, else the only ones of a fitting type.

        UserError, with a list of the bag's topics, if a named topic is missing or has another
        type, if several topics fit, or if there is neither an image nor an audio topic.
        """
        image_types = _forced(IMAGE_TYPES, config.image_type)
        audio_types = _forced(AUDIO_TYPES, config.audio_type)
        image = self._find("image_topic", config.image_topic, image_types)
        own_audio = _absolute(config.own_audio_topic)
        audio = self._find("audio_topic", config.audio_topic, audio_types, own_audio)
        if image is None and audio is None:
            raise UserError(f"{self.path} has no image and no audio topic; {self._listing()}")
        # Audio that the robot plays is no microphone's, and neither is its format.
        own = {_absolute(config.own_audio_topic), _absolute(f"{config.own_audio_topic}_info")}
        info = [t for t in self.topics if t.type in INFO_TYPES and t.name not in own]
        named = [t for t in info if t.name == _absolute(config.audio_info_topic)] or info
        return BagInputs(image, audio, named[0] if named else None)

    def messages(self, topics: Collection[str] = ()) -> Iterator[BagMessage]:
        """Messages of these topics (all if none are named) in the order they were received.

        One is read at a time. UserError if a file cannot be read any more.
        """
        self._tell()
        parts = [self._messages_of(part, topics) for part in self._parts]
        try:
            for stamp_ns, channel, data in heapq.merge(*parts, key=lambda found: found[0]):
                if channel is None:
                    continue
                try:
                    types = self._types_of(channel)
                    message = types.deserialize(plain(data), channel.type)
                except MessageError:
                    self.damaged += 1
                    continue
                yield BagMessage(channel.topic, channel.type, stamp_ns * 1e-9, message)
        except (OSError, Unreadable) as error:
            raise UserError(f"{self.path} cannot be read: {error}") from error
        self._tell()

    def close(self) -> None:
        self._stack.close()

    def __enter__(self) -> "BagReader":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _open(self) -> tuple[list[BagPart], list[str]]:
        """(parts that can be read, log lines about the others)."""
        files, declared, notes = [self.path], dict[str, Declared](), list[str]()
        if self.path.is_dir():
            try:
                files, declared, notes = part_files(self.path)
            except OSError as error:
                raise UserError(f"{self.path} cannot be read: {error.strerror}") from error
            if not files and not notes:
                raise UserError(
                    f"{self.path} is not a rosbag2: it has no {METADATA} and no .mcap or .db3 file"
                )
        parts = []
        for file in files:
            told = declared.get(file.name, Declared())
            try:
                part = open_part(file, self._stack)
                if str(part.loss) and not part.loss.messages:
                    held = sum(channel.count for channel in part.channels)
                    part.loss.messages = max(0, (told.messages or 0) - held)
                parts.append(part)
            except Unreadable as error:
                reason = " ".join(str(error).split())
                notes.append(f"{printable(file.name)}{told} cannot be read: {reason[:120]}")
        return parts, notes

    def _messages_of(
        self, part: BagPart, topics: Collection[str]
    ) -> Iterator[tuple[int, Channel | None, bytes]]:
        """Messages of a part, after an item with its start, so that parts are opened in order."""
        if part.start_ns is None:
            return
        yield part.start_ns, None, b""
        wanted = {c.id: c for c in part.channels if not topics or c.topic in topics}
        for stamp_ns, number, data in part.messages(wanted):
            yield stamp_ns, wanted[number], data

    def _tell(self) -> None:
        if self.missing != self._logged:
            self._logged = self.missing
            LOGGER.warning("%s is read as far as it goes: %s", self.path, self._logged)

    def _find(
        self, setting: str, name: str, types: Sequence[str], not_this: str = ""
    ) -> BagTopic | None:
        fitting = [topic for topic in self.topics if topic.type in types]
        for topic in fitting:
            if topic.name == _absolute(name):
                return topic
        if name != getattr(RosConfig(), setting):
            raise UserError(
                f"{self.path} has no topic {_absolute(name)} that can be used as "
                f"ros.{setting}; {self._listing()}"
            )
        fitting = [topic for topic in fitting if topic.name != not_this]
        # ROS4HRI's faces and voices are cut out of a camera's and a microphone's topic.
        fitting = [t for t in fitting if not t.name.startswith("/humans/")] or fitting
        if len(fitting) > 1:
            several = ", ".join(topic.name for topic in fitting)
            raise UserError(
                f"{self.path} has several topics that fit: {several}; "
                f"choose one with ros.{setting}=NAME"
            )
        return fitting[0] if fitting else None

    def _listing(self) -> str:
        told = [f"{printable(topic.name)} [{printable(topic.type)}]" for topic in self.topics]
        return "it has " + ", ".join(told)

    def _types_of(self, channel: Channel) -> RosbagsTypes:
        """The types for a channel: by the definition in the bag if it can be used, else by ours."""
        name, key = channel.type, (channel.type, channel.definition)
        if key not in self._types:
            self._types[key] = types = RosbagsTypes(audio_variant(name))
            if not types.trust(name, channel.form, channel.definition):
                self._notes.append(f"its definition of {printable(name)} cannot be used, ours was")
        return self._types[key]


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # Its name is too long.
        return False


def _type_of(channel: Channel) -> str:
    """The type of a channel; marked as another one if it is not encoded as in ROS 2."""
    return channel.type if channel.encoding == CDR else f"{channel.type} as {channel.encoding}"


def _absolute(name: str) -> str:
    return "/" + name.lstrip("/")


def _forced(types: tuple[str, ...], leaf: str) -> tuple[str, ...]:
    return types if leaf == "auto" else tuple(t for t in types if t.endswith("/" + leaf))
