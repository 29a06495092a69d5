"""What can be replayed and inspected: a rosbag2 or a video file, in the order of arrival."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from reactface_node.config import RosConfig
from reactface_node.errors import UserError
from reactface_node.media import AudioInput, ImageInput, read_video, video_duration_s
from reactface_node.ros.bag import AUDIO_TYPES, INFO_TYPES, BagMessage, BagReader
from reactface_node.ros.streams import AUTO, FACES, LISTS, VOICES, Humans, info_of, streams

BAR = "{desc}: {percentage:3.0f}%|{bar}| {elapsed} < {remaining}"

BAG_STARTS = (b"\x89MCAP0\r\n", b"SQLite format 3\0", b"\x28\xb5\x2f\xfd")
"""MCAP, sqlite3, and either of them compressed by zstd."""
BAG_SUFFIXES = {".mcap", ".db3", ".zstd"}


@dataclass(frozen=True, eq=False)
class Source:
    """items: of a bag the messages of the topics that are listened to, of a video file its
    images and sound. image, audio: names of a bag's topics, None where it has none.
    bag: what it is read with, None for a video file."""

    items: Iterator[BagMessage | ImageInput | AudioInput]
    start_s: float
    duration_s: float
    image: str | None = None
    audio: str | None = None
    bag: BagReader | None = None
    _router: "_Router | None" = None

    def stream_of(self, item: BagMessage) -> str:
        """Which of ``streams.streams`` a message belongs to now; '' for none, and for lists."""
        stream = self._router.names.get(item.topic, "") if self._router else ""
        return "" if stream in LISTS else stream

    def follows_another(self, item: BagMessage) -> str:
        """Which of ``LISTS`` it is where it makes another one the followed one; else ''."""
        return self._router.see(item) if self._router else ""


class _Router:
    """Topics of a bag -> streams, which change where ROS4HRI's people come and go."""

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
                first.see(name, self._ids(place))
            if chosen == AUTO and f"{place}/tracked" not in self._types:
                self._humans.see(name, self._ids(place))
        self.inputs = bag.inputs(self._named(first))
        self.names: dict[str, str] = {}
        self._lead()

    @property
    def topics(self) -> list[str]:
        """All that may ever be needed."""
        humans = [name for name in self._types if name.startswith("/humans/")]
        return sorted({*self.names, *(humans if self._humans.tracked() else [])})

    def see(self, item: BagMessage) -> str:
        stream = self.names.get(item.topic, "")
        if stream not in LISTS or not self._humans.see(stream, item.message.ids):
            return ""
        self._lead()
        return stream

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

    def _lead(self) -> None:
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
    """Whether it is to be read as a rosbag2: by its first bytes, whatever it is called; and by its
    name where FFmpeg cannot read it. UserError where it is not there."""
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
def open_source(path: Path, config: RosConfig) -> Iterator[Source]:
    """UserError, one line, where it does not exist, cannot be read or holds nothing to use."""
    if not _is_bag(path):
        inputs = read_video(path)
        yield Source(inputs, 0.0, video_duration_s(path))
        return
    with BagReader(path) as bag:
        router = _Router(bag, config)
        known = (router.inputs.image, router.inputs.audio)
        image, audio = (topic.name if topic else None for topic in known)
        items = bag.messages(router.topics)
        yield Source(items, bag.start_s, bag.duration_s, image, audio, bag, router)
