"""Reads a bag or a video file for ``reactface inspect``: tracks all images, measures all audio.

One thread reads and decodes; a second one (the stage) tracks and measures, in the same order.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from reactface_node.config import Config
from reactface_node.errors import UserError
from reactface_node.media.audio import AudioStats, to_mono
from reactface_node.media.pipeline import PipelineStage
from reactface_node.media.video import AudioInput, ImageInput, video_formats
from reactface_node.perception import make_tracker
from reactface_node.perception.face import Face
from reactface_node.perception.tracker import LandmarkTracker
from reactface_node.ros.bags.reader import BagMessage
from reactface_node.ros.bags.source import Elapsed, RecordingSource, open_source
from reactface_node.ros.messages import convert
from reactface_node.ros.messages.audio import Audio, AudioFormat, says_its_format
from reactface_node.ros.node.stamps import StreamClock, stream_clock
from reactface_node.schema import NUM_COEFFICIENTS
from reactface_node.tools.inspection.hearing import Hearing
from reactface_node.tools.inspection.record import AudioLog, ImageLog, Recording, StreamLog

FOREHEAD, CHIN = 10, 152
LUMA = np.array([0.299, 0.587, 0.114])


def read_recording(path: Path, config: Config) -> Recording:
    """The logs of a recording. UserError if it cannot be read."""
    with open_source(path, config.ros) as source:
        tracker = make_tracker(config.perception, False)
        try:
            with PipelineStage("tracker") as stage:
                return _read(path, source, config, tracker, stage)
        finally:
            tracker.close()


def _read(
    path: Path,
    source: RecordingSource,
    config: Config,
    tracker: LandmarkTracker,
    stage: PipelineStage,
) -> Recording:
    video = video_formats(path) if source.bag is None else ("", "")
    elapsed, end_s = Elapsed(), 0.0
    eye, ear = _Eye(config, tracker, stage), _Ear(config, tracker, stage)
    eye.expect(source.offsets_s.get("image", 0.0))
    ear.expect(source.offsets_s.get("audio", 0.0))
    for item in source.watched(path.name):
        arrival_s = item.stamp_s if isinstance(item, BagMessage) else item.arrival_s
        now_s = elapsed.time_s(arrival_s)
        end_s = max(end_s, now_s)
        if not isinstance(item, BagMessage):
            _look_and_hear(item, now_s, video, eye, ear)
        elif whose := source.follows_another(item):
            (eye if whose == "faces" else ear).follow_another()
        elif stream := source.stream_of(item):
            _hand_over(stream, item, now_s, eye, ear)
    stage.wait()
    images, audio_log = eye.log(), ear.log()
    if images is None and audio_log is None:
        raise UserError(f"{path} holds neither images nor sound")
    return Recording(
        name=path.name,
        kind="video file" if source.bag is None else "rosbag2",
        duration_s=end_s,
        images=images,
        audio=audio_log,
        leaps_s=tuple(elapsed.gaps_s),
        damaged=source.bag.damaged if source.bag else 0,
    )


def _look_and_hear(
    item: ImageInput | AudioInput, now_s: float, kinds: tuple[str, str], eye: "_Eye", ear: "_Ear"
) -> None:
    """Process a video file; unusable items are counted and skipped, as in a replay."""
    if isinstance(item, ImageInput):
        eye.see(item.stamp_s, np.nan, 0.0, now_s, item.rgb, kinds[0])
    else:
        audio = Audio(item.samples, item.rate_hz, item.stamp_s)
        ear.hear(np.nan, 0.0, now_s + item.stamp_s - item.arrival_s, audio, kinds[1])


def _hand_over(stream: str, item: BagMessage, now_s: float, eye: "_Eye", ear: "_Ear") -> None:
    """Process images and audio; the robot's own speech is not measured."""
    if stream == "image":
        eye.on_image(item, now_s)
    elif stream == "audio":
        ear.on_audio(item, now_s)
    elif stream == "audio_info":
        ear.on_audio_info(item)


class _Stream:
    """Collects a ``StreamLog``, on the thread of the stage."""

    def __init__(self, stage: PipelineStage) -> None:
        self._stage = stage
        self._times: list[tuple[float, float, float, float]] = []
        self._kinds: Counter[str] = Counter()
        self._rejected: Counter[str] = Counter()
        self._reasons: dict[str, str] = {}

    def add(
        self, stamp_s: float, arrival_s: float, offset_s: float, time_s: float, kind: str
    ) -> None:
        self._times.append((stamp_s, arrival_s, offset_s, time_s))
        self._kinds[kind] += 1

    @contextmanager
    def guarded(self) -> Iterator[None]:
        """Errors of a message are counted, as in a replay. For the thread that reads."""
        try:
            yield
        except Exception as error:
            self._stage.call(self._reject, error)

    def later(self, act: Callable[..., None], *arguments: Any) -> None:
        """Call it on the thread of the stage; errors are counted there."""
        self._stage.call(self._guarded, act, *arguments)

    def _guarded(self, act: Callable[..., None], *arguments: Any) -> None:
        try:
            act(*arguments)
        except Exception as error:
            self._reject(error)

    def _reject(self, error: Exception) -> None:
        text = " ".join(str(error).split())
        # Reasons that differ only in their numbers count as one.
        reason = self._reasons.setdefault(re.sub(r"\d+", "#", text), text)
        self._rejected[reason] += 1

    @property
    def empty(self) -> bool:
        return not self._times and not self._rejected

    def log(self) -> StreamLog:
        stamps, arrivals, offsets, times = np.array(self._times, float).reshape(-1, 4).T
        kinds, rejected = dict(self._kinds), dict(self._rejected)
        return StreamLog(stamps, arrivals, offsets, times, kinds, rejected)


class _Eye:
    def __init__(self, config: Config, tracker: LandmarkTracker, stage: PipelineStage) -> None:
        self._config, self._tracker, self._stage = config, tracker, stage
        self._stream = _Stream(stage)
        self._sizes: Counter[str] = Counter()
        self._doubts: Counter[str] = Counter()
        self._coefficients: list[np.ndarray] = []
        self._given: np.ndarray = np.zeros(NUM_COEFFICIENTS, bool)
        self._faces: list[tuple[bool, float, float, float]] = []
        self._newest_s = -np.inf
        self._people = self._last = self._most = 0

    def expect(self, offset_s: float) -> None:
        """What is added to stamps until messages show another offset."""
        self._clock = stream_clock("image", self._config.timeline.clock_jump_s, offset_s)

    def follow_another(self) -> None:
        """Follow another face of ROS4HRI from now on."""
        self._stage.call(self._tracker.change_person)
        self.expect(0.0)

    def on_image(self, item: BagMessage, now_s: float) -> None:
        message = item.message
        with self._stream.guarded():
            rgb = convert.image_to_rgb(message)
            stamp_s = convert.time_to_s(message.header.stamp)
            time_s = now_s + self._clock.place(stamp_s, item.stamp_s) - item.stamp_s
            form = str(message.format if hasattr(message, "format") else message.encoding)
            kind = f"{item.type.split('/')[-1]} '{form[:40]}'"
            self.see(stamp_s, item.stamp_s, _added(self._clock), time_s, rgb, kind)

    def see(
        self,
        stamp_s: float,
        arrival_s: float,
        offset_s: float,
        time_s: float,
        rgb: np.ndarray,
        kind: str,
    ) -> None:
        """Track an image later."""
        self._stream.later(self._see, stamp_s, arrival_s, offset_s, time_s, rgb, kind)

    def _see(
        self,
        stamp_s: float,
        arrival_s: float,
        offset_s: float,
        time_s: float,
        rgb: np.ndarray,
        kind: str,
    ) -> None:
        if time_s < self._newest_s - self._config.timeline.clock_jump_s:
            # As the session does.
            self._tracker.reset()
            self._newest_s = time_s
        self._newest_s = max(self._newest_s, time_s)
        seen = self._tracker.track(self._newest_s, rgb)
        self._given = self._given | seen.valid
        self._stream.add(stamp_s, arrival_s, offset_s, time_s, kind)
        self._sizes[f"{rgb.shape[1]}x{rgb.shape[0]}"] += 1
        self._doubts.update(seen.doubts)
        self._coefficients.append(seen.coefficients)
        self._people += seen.person not in (0, self._last)
        self._last = seen.person or self._last
        self._most = max(self._most, seen.people)
        face = self._tracker.face if seen.face_found else None
        height = np.nan if face is None else face_height(face, rgb)
        shrunk = min(1.0, self._config.perception.max_width_px / rgb.shape[1])
        self._faces.append((seen.face_found, height, height * shrunk, brightness(face, rgb)))

    def log(self) -> ImageLog | None:
        if self._stream.empty:
            return None
        stream = self._stream.log()
        order = np.argsort(stream.times_s, kind="stable")
        found, height, tracked, light = np.array(self._faces, float).reshape(-1, 4)[order].T
        return ImageLog(
            stream=stream,
            sizes=dict(self._sizes),
            times_s=stream.times_s[order],
            coefficients=np.array(self._coefficients).reshape(-1, NUM_COEFFICIENTS)[order],
            given=self._given,
            found=found.astype(bool),
            face_px=height,
            tracked_px=tracked,
            brightness=light,
            people=self._people,
            most_in_view=self._most,
            doubts=dict(self._doubts),
        )


class _Ear:
    def __init__(self, config: Config, tracker: LandmarkTracker, stage: PipelineStage) -> None:
        self._config, self._tracker = config, tracker
        self._stream = _Stream(stage)
        self._hearing = Hearing(config.timeline.audio_gap_s)
        self._bare = AudioFormat(config.ros.audio_rate_hz, config.ros.audio_channels)
        self._informed = False
        self._chunks: list[float] = []
        self._rates: Counter[int] = Counter()
        self._channels: Counter[int] = Counter()

    def on_audio_info(self, item: BagMessage) -> None:
        self._bare, self._informed = convert.format_from_info(item.message), True

    def expect(self, offset_s: float) -> None:
        """What is added to stamps until messages show another offset."""
        self._clock = stream_clock("audio", self._config.timeline.clock_jump_s, offset_s)

    def follow_another(self) -> None:
        """Follow another voice of ROS4HRI from now on."""
        self.expect(0.0)

    def on_audio(self, item: BagMessage, now_s: float) -> None:
        with self._stream.guarded():
            audio = convert.audio_to_samples(item.message, self._bare)
            began_s = self._clock.place(audio.stamp_s, item.stamp_s, audio.duration_s)
            known = self._informed or says_its_format(item.message)
            kind = f"{item.type.split('/')[-1]} {audio.samples.dtype}"
            kind += "" if known else ", rate and format assumed"
            time_s = now_s + began_s - item.stamp_s
            self.hear(item.stamp_s, _added(self._clock), time_s, audio, kind)

    def hear(
        self, arrival_s: float, offset_s: float, time_s: float, audio: Audio, kind: str
    ) -> None:
        """Measure a chunk of sound later."""
        self._stream.later(self._hear, arrival_s, offset_s, time_s, audio, kind)

    def _hear(
        self, arrival_s: float, offset_s: float, time_s: float, audio: Audio, kind: str
    ) -> None:
        stamp_s = np.nan if audio.stamp_s is None else audio.stamp_s
        self._hearing.push(time_s, audio.samples, audio.rate_hz)
        self._tracker.hear(time_s, to_mono(audio.samples, AudioStats()), audio.rate_hz)
        self._stream.add(stamp_s, arrival_s, offset_s, time_s, kind)
        self._chunks.append(audio.duration_s)
        self._rates[audio.rate_hz] += 1
        self._channels[audio.channels] += 1

    def log(self) -> AudioLog | None:
        if self._stream.empty:
            return None
        frames, levels = self._hearing.levels()
        return AudioLog(
            stream=self._stream.log(),
            chunk_s=np.array(self._chunks),
            rates_hz=dict(self._rates),
            channels=dict(self._channels),
            samples=self._hearing.samples,
            clipped=self._hearing.clipped,
            zeros=self._hearing.zeros,
            level_frames=frames,
            levels_db=levels,
            stats=self._hearing.stats,
        )


def _added(clock: StreamClock) -> float:
    """Offset added to the newest message's stamp; NaN if the stamp was not used."""
    return np.nan if clock.added_s is None else clock.added_s


def face_height(face: Face, rgb: np.ndarray) -> float:
    """Pixels from forehead to chin, as seen from the front."""
    height, width = rgb.shape[:2]
    along = (face.landmarks[FOREHEAD] - face.landmarks[CHIN]) * [width, height, width]
    return float(np.linalg.norm(along))


def brightness(face: Face | None, rgb: np.ndarray) -> float:
    """Mean luma, 0..255, of the face's box in (H, W, 3); of the whole image without a face."""
    part = rgb
    if face is not None:
        sizes = np.array(rgb.shape[1::-1])
        corners = np.stack([face.landmarks[:, :2].min(0), face.landmarks[:, :2].max(0)]) * sizes
        (left, top), (right, bottom) = np.clip(corners.round().astype(int), 0, sizes)
        if right > left and bottom > top:
            part = rgb[top:bottom, left:right]
    step = max(1, min(part.shape[:2]) // 64)
    return float((part[::step, ::step].reshape(-1, 3).mean(axis=0) * LUMA).sum())
