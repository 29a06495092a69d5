"""A folder of bags that a user recorded of two people, as a data set.

    ros2 bag record /image /audio /audio_info /listener/image -o FOLDER/talk1

Each bag (folder, .mcap or .db3) in FOLDER holds one conversation on one clock: the speaker's camera
and microphone on the topics that the node itself listens to (``ros.image_topic``,
``ros.audio_topic``, ``ros.audio_info_topic``), and the listener's camera on LISTENER_TOPIC. Both
faces are tracked by the node's tracker, each on a thread, and laid on the same 25 Hz grid as in the
live timeline; a long bag is cut into clips of CLIP_S; the rest at its end, or the whole of a
shorter bag, is a clip if it lasts SHORTEST_S. The user decides who appears in which split:
FOLDER/train, FOLDER/val and FOLDER/test have their own bags.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from reactface_node.config import RosConfig, TimelineConfig
from reactface_node.errors import UserError
from reactface_node.media.audio import float_to_int16
from reactface_node.media.pipeline import PipelineStage
from reactface_node.research.data.decode import (
    ClipTracker,
    NodeTracker,
    TrackerFactory,
    crops,
    fill_gaps,
)
from reactface_node.research.data.source import Clip, own_reactions
from reactface_node.ros.bags.reader import BagInputs, BagMessage, BagReader
from reactface_node.ros.bags.source import Elapsed, first_info, offset_at_start_s
from reactface_node.ros.messages import convert
from reactface_node.ros.messages.audio import AudioFormat
from reactface_node.ros.messages.types import IMAGE_TYPES, MessageError
from reactface_node.ros.node.stamps import stream_clock
from reactface_node.schema import FRAME_RATE_HZ, SAMPLES_PER_FRAME, Observation
from reactface_node.session.timeline import Timeline, Window

LISTENER_TOPIC = "/listener/image"
CLIP_S = 30.0
"""As in REACT 2023."""
SHORTEST_S = 4.0
WAIT_S = 2.0
Perceive = Callable[[int, float, np.ndarray], Future[Observation]]
"""A slot, its time in seconds and its image -> what is seen there; see ``Timeline``."""


@dataclass(frozen=True, eq=False)
class Recordings:
    """The bags of one split; a ``Source``. faces: keep the speaker's face crops. read_with: as
    ``Conversations``."""

    root: Path
    split: str
    faces: bool = False
    ros: RosConfig = field(default_factory=RosConfig)
    listener_topic: str = LISTENER_TOPIC
    tracker: TrackerFactory = field(default_factory=NodeTracker)
    read_with: Mapping[str, Any] = field(default_factory=dict)
    listeners: int = 1

    @cached_property
    def bags(self) -> tuple[tuple[Path, int], ...]:
        """(bag, number of its clips), those with at least one. UserError if none can be read."""
        found = []
        for path in _bag_paths(self.root / self.split):
            with BagReader(path) as bag:
                found.append((path, _clip_count(_length_s(bag, self._topics(bag)))))
        used = tuple((path, clips) for path, clips in found if clips)
        if not used:
            raise UserError(
                f"{self.root / self.split} holds no rosbag2 of at least {SHORTEST_S:.0f} s"
            )
        return used

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(
            f"{path.name}/{part:03d}" for path, count in self.bags for part in range(count)
        )

    @property
    def facts(self) -> dict[str, Any]:
        topics = [self.ros.image_topic, self.ros.audio_topic, self.listener_topic]
        return {"kind": "bags", "topics": topics, "clip_s": CLIP_S, **self.read_with}

    def problems(self) -> Iterator[str]:
        paths = _bag_paths(self.root / self.split)
        if not paths:
            yield f"{self.root / self.split} holds no rosbag2"
        for path in paths:
            try:
                with BagReader(path) as bag:
                    self._inputs(bag)
                    length_s = _length_s(bag, self._topics(bag))
                    if length_s < SHORTEST_S:
                        yield f"{path} lasts {length_s:.1f} s, less than {SHORTEST_S:.0f} s"
            except UserError as error:
                yield str(error)

    def files(self) -> Iterator[Path]:
        return (path for path, _ in self.bags)

    def max_frames(self) -> int:
        return round(CLIP_S * FRAME_RATE_HZ)

    def jobs(self) -> list[range]:
        ends = np.cumsum([count for _, count in self.bags])
        return [
            range(int(end) - count, int(end))
            for end, (_, count) in zip(ends, self.bags, strict=True)
        ]

    def read(self, clips: range) -> Iterator[Clip]:
        index = self.jobs().index(clips)
        path, count = self.bags[index]
        speaker, audio, listener = self._seen(path)
        length = round(CLIP_S * FRAME_RATE_HZ)
        for part in range(count):
            span = slice(part * length, (part + 1) * length)
            what = f"{path} from {part * CLIP_S:.0f} s on"
            if len(speaker[span]) < SHORTEST_S * FRAME_RATE_HZ / 2:
                raise UserError(f"{what}: the cameras were not on")
            yield Clip(
                fill_gaps(speaker[span], f"{what}, speaker"),
                audio[span].reshape(-1),
                fill_gaps(listener[span], f"{what}, listener")[None],
                crops(speaker[span]) if self.faces else None,
            )

    def appropriate(self) -> tuple[np.ndarray, ...]:
        return own_reactions(len(self.names))

    def _inputs(self, bag: BagReader) -> BagInputs:
        """UserError that names the bag if the speaker's camera or microphone, or the listener's
        camera, is not in it."""
        types = {topic.name: topic.type for topic in bag.topics}
        name = "/" + self.listener_topic.lstrip("/")
        if types.get(name) not in IMAGE_TYPES:
            has = ", ".join(f"{topic} [{kind}]" for topic, kind in types.items())
            raise UserError(f"{bag.path} has no camera topic {name} of the listener; it has {has}")
        wanted = "/" + self.ros.image_topic.lstrip("/")
        if wanted not in types:
            raise UserError(f"{bag.path} has no camera topic {wanted} of the speaker")
        inputs = bag.inputs(self.ros)
        if inputs.audio is None:
            raise UserError(f"{bag.path} has no audio topic of the speaker")
        return inputs

    def _topics(self, bag: BagReader) -> list[str]:
        """Names of the topics that are read."""
        inputs = self._inputs(bag)
        return [*inputs.names, "/" + self.listener_topic.lstrip("/")]

    def _seen(self, path: Path) -> tuple[list[Observation], np.ndarray, list[Observation]]:
        """Speaker and listener, t frames each, and (t, 640) int16 of the speaker's voice."""
        trackers = self.tracker(self.faces), self.tracker(False)
        try:
            with BagReader(path) as bag, ExitStack() as stages:
                track = [
                    _on_a_thread(tracker, stages.enter_context(PipelineStage(person)))
                    for tracker, person in zip(trackers, ("speaker", "listener"), strict=True)
                ]
                speaker, listener = _play(bag, self._inputs(bag), self, track)
        finally:
            for tracker in trackers:
                tracker.close()
        frames = min(_frames(speaker), _frames(listener))
        audio = np.zeros((frames, SAMPLES_PER_FRAME), np.int16)
        for window in speaker:
            if window.index < frames:
                audio[window.index] = float_to_int16(window.audio)
        return _payloads(speaker, frames), audio, _payloads(listener, frames)


def _bag_paths(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise UserError(f"{folder} is missing")
    return sorted(
        path
        for path in folder.iterdir()
        if (path / "metadata.yaml").is_file() or path.suffix in (".mcap", ".db3")
    )


def _length_s(bag: BagReader, topics: list[str]) -> float:
    """Length from the messages, without gaps; a bag's metadata may be wrong."""
    elapsed, end_s = Elapsed(), 0.0
    for item in bag.messages(topics):
        end_s = elapsed.time_s(item.stamp_s)
    return end_s


def _clip_count(duration_s: float) -> int:
    whole, rest = divmod(duration_s, CLIP_S)
    return int(whole) + (rest >= SHORTEST_S)


def _play(
    bag: BagReader, inputs: BagInputs, source: Recordings, track: Sequence[Perceive]
) -> tuple[list[Window], list[Window]]:
    """Both people's windows of one frame, on one grid that begins with the first message.

    track: of the speaker and of the listener.
    """
    # In a recording waiting costs nothing; with windows of one frame no frames at the end are lost.
    settings = replace(TimelineConfig(), max_wait_s=WAIT_S)
    people = [Timeline(settings, 1, perceive) for perceive in track]
    windows: tuple[list[Window], list[Window]] = ([], [])
    push = _Push(bag, source, inputs, people)
    elapsed, now_s = Elapsed(), 0.0
    for person in people:
        person.poll(now_s)
    for item in bag.messages(source._topics(bag)):
        now_s = elapsed.time_s(item.stamp_s)
        try:
            push(item, now_s)
        except (MessageError, ValueError) as error:
            raise UserError(f"{bag.path}: {item.topic}: {error}") from error
        for person, kept in zip(people, windows, strict=True):
            kept += person.poll(now_s)
    for person, kept in zip(people, windows, strict=True):
        kept += person.poll(now_s + settings.max_wait_s)
    frames = round(now_s * FRAME_RATE_HZ)
    return tuple([w for w in kept if w.index < frames] for kept in windows)  # type: ignore[return-value]


class _Push:
    """Pushes messages to the two timelines, at the times that the node gives them
    (``ros.node.stamps``)."""

    def __init__(
        self, bag: BagReader, source: Recordings, inputs: BagInputs, people: list[Timeline]
    ) -> None:
        assert inputs.image is not None and inputs.audio is not None
        self._audio, self._speaker = inputs.audio.name, people[0]
        self._bare = AudioFormat(source.ros.audio_rate_hz, source.ros.audio_channels)
        if inputs.audio_info and (first := first_info(bag, inputs.audio_info.name)):
            self._bare = convert.format_from_info(first.message)
        seen_on = (inputs.image.name, "/" + source.listener_topic.lstrip("/"))
        self._people = dict(zip(seen_on, people, strict=True))
        jump_s = TimelineConfig().clock_jump_s
        self._clocks = {
            topic: stream_clock(stream, jump_s, offset_at_start_s(bag, topic, self._bare))
            for stream, topics in (("image", seen_on), ("audio", (self._audio,)))
            for topic in topics
        }

    def __call__(self, item: BagMessage, now_s: float) -> None:
        """Push a message; MessageError or ValueError if it cannot be read."""
        if item.topic in self._people:
            stamp_s = self._placed(item, convert.stamp_of(item.message), 0.0, now_s)
            rgb = convert.image_to_rgb(item.message)
            self._people[item.topic].push_image(stamp_s, rgb)
        elif item.topic == self._audio:
            audio = convert.audio_to_samples(item.message, self._bare)
            stamp_s = self._placed(item, audio.stamp_s, audio.duration_s, now_s)
            self._speaker.push_audio(stamp_s, audio.samples, audio.rate_hz)
        else:
            self._bare = convert.format_from_info(item.message)

    def _placed(
        self, item: BagMessage, stamp_s: float | None, duration_s: float, now_s: float
    ) -> float:
        placed_s = self._clocks[item.topic].place(stamp_s, item.stamp_s, duration_s)
        return now_s + placed_s - item.stamp_s


def _on_a_thread(tracker: ClipTracker, stage: PipelineStage) -> Perceive:
    return lambda _, stamp_s, rgb: stage.call(tracker.track, stamp_s, rgb)


def _frames(windows: list[Window]) -> int:
    return windows[-1].index + 1 if windows else 0


def _payloads(windows: list[Window], frames: int) -> list[Observation]:
    """One value per frame; None for frames that the timeline skipped or that have none."""
    found = [Observation.missing()] * frames
    for window in windows:
        if window.index < frames and window.frames[0] is not None:
            found[window.index] = window.frames[0].result()
    return found
