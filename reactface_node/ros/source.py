"""What can be replayed and inspected: a rosbag2 or a video file, in the order of arrival."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from reactface_node.config import RosConfig
from reactface_node.errors import UserError
from reactface_node.media import (
    VIDEO_SUFFIXES,
    AudioInput,
    ImageInput,
    read_video,
    video_duration_s,
)
from reactface_node.ros.bag import BagMessage, BagReader

BAR = "{desc}: {percentage:3.0f}%|{bar}| {elapsed} < {remaining}"


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


@contextmanager
def open_source(path: Path, config: RosConfig) -> Iterator[Source]:
    """UserError, one line, where it does not exist, cannot be read or holds nothing to use."""
    if path.suffix.lower() in VIDEO_SUFFIXES:
        if not path.is_file():
            raise UserError(f"{path} does not exist")
        inputs = read_video(path)
        yield Source(inputs, 0.0, video_duration_s(path))
        return
    with BagReader(path) as bag:
        topics = bag.inputs(config)
        image, audio = (topic.name if topic else None for topic in (topics.image, topics.audio))
        items = bag.messages(topics.names)
        yield Source(items, bag.start_s, bag.duration_s, image, audio, bag)
