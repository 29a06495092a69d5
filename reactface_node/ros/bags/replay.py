"""``reactface replay``: runs a bag or a video file through the session into a bag and an mp4.

The node's own logic (``Server``) runs on a simulated clock: each message is given to it at its
time of arrival in the recording, with small ticks between messages.
"""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from reactface_node.config import Config, RosConfig
from reactface_node.errors import UserError
from reactface_node.media.audio import AudioStats, to_mono
from reactface_node.media.fitting import fitted
from reactface_node.media.pipeline import PipelineStage
from reactface_node.media.video import AudioInput, ImageInput, VideoWriter
from reactface_node.render import make_renderer
from reactface_node.ros.bags.reader import BagMessage
from reactface_node.ros.bags.replay_server import ReplayServer
from reactface_node.ros.bags.source import Elapsed, RecordingSource, open_source
from reactface_node.ros.bags.writer import BagWriter
from reactface_node.ros.node.adapters import Adapters
from reactface_node.ros.node.server import Server
from reactface_node.ros.node.topics import IMAGE, outputs
from reactface_node.schema import FRAME_RATE_HZ, Reaction
from reactface_node.session.overload import Workload
from reactface_node.session.session import ReactionSession

TICK_S = 0.01
PANEL_GREY = 24
AUDIO_SLACK_S = 0.08  # stamps jitter; sound in the mp4 is cut or padded only beyond this
NODE_NAME = "reactface"

Deliver = Callable[[Server], None]


@dataclass(eq=False)
class SpeakerInputs:
    """Inputs of a session. images: (stamp, (H, W, 3) RGB). sounds: (stamp, mono, rate)."""

    images: list[tuple[float, np.ndarray]] = field(default_factory=list)
    sounds: list[tuple[float, np.ndarray, int]] = field(default_factory=list)


class ObservedSession:
    """A session that also keeps its inputs, for the mp4."""

    def __init__(self, session: ReactionSession):
        self.session = session
        self._inputs = SpeakerInputs()

    def take_inputs(self) -> SpeakerInputs:
        """The inputs since the last call."""
        inputs, self._inputs = self._inputs, SpeakerInputs()
        return inputs

    @property
    def config(self) -> Config:
        return self.session.config

    def needs_image(self, stamp_s: float) -> bool:
        """Always: each one is kept."""
        del stamp_s
        return True

    @property
    def is_idle(self) -> bool:
        return self.session.is_idle

    def push_image(self, stamp_s: float, rgb: np.ndarray | None) -> None:
        assert rgb is not None
        self.session.push_image(stamp_s, rgb)
        self._inputs.images.append((stamp_s, rgb))

    def push_audio(self, stamp_s: float, samples: np.ndarray, rate_hz: int) -> None:
        self.session.push_audio(stamp_s, samples, rate_hz)
        self._inputs.sounds.append((stamp_s, to_mono(samples, AudioStats()), rate_hz))

    def push_speaking(self, stamp_s: float, on: bool) -> None:
        self.session.push_speaking(stamp_s, on)

    def push_own_audio(self, stamp_s: float, samples: np.ndarray, rate_hz: int) -> None:
        self.session.push_own_audio(stamp_s, samples, rate_hz)

    def change_speaker(self) -> None:
        self.session.change_speaker()

    def next_poll_s(self, now_s: float) -> float:
        return self.session.next_poll_s(now_s)

    def shed(self, level: int) -> None:
        self.session.shed(level)

    @property
    def workload(self) -> Workload:
        return self.session.workload

    def poll(self, now_s: float, wait: bool = True) -> list[Reaction]:
        return self.session.poll(now_s, wait)

    def poll_ahead(self, now_s: float) -> "Future[list[Reaction]]":
        return self.session.poll_ahead(now_s)

    def reset(self) -> None:
        self.session.reset()

    def check(self, changes: Any) -> Config:
        return self.session.check(changes)

    def configure(self, changes: Any) -> None:
        self.session.configure(changes)

    def stats(self) -> dict[str, float]:
        return self.session.stats()

    @property
    def doubts(self) -> tuple[str, ...]:
        return self.session.doubts


class SideBySideVideo:
    """Writes an mp4, speaker | reaction, with the speaker's audio; one frame for each published
    frame. It is encoded on a thread: an error is raised by a later call."""

    def __init__(self, path: Path, config: Config):
        self._height = config.render.height
        self._panel = (round(self._height * 4 / 3), self._height)
        self._writer = VideoWriter(path, self._panel[0] + config.render.width, self._height)
        self._stage = PipelineStage("video")
        self._images: deque[tuple[float, np.ndarray]] = deque(maxlen=90)
        self._sounds: deque[tuple[float, np.ndarray, int]] = deque()
        self._first_s: float | None = None
        self._frames = 0
        self._heard_s = 0.0

    def __enter__(self) -> "SideBySideVideo":
        with ExitStack() as stack:
            stack.enter_context(self._writer)
            stack.enter_context(self._stage)
            self._open = stack.pop_all()
        return self

    def __exit__(self, *exception: Any) -> None:
        self._open.__exit__(*exception)

    def see(self, inputs: SpeakerInputs) -> None:
        """Take the speaker's next images and sounds."""
        if inputs.images or inputs.sounds:
            self._stage.call(self._see, inputs)

    def write(self, show_at_s: float, reaction: np.ndarray) -> None:
        """Write a reaction (H, W, 3) beside the newest image of the speaker at that time."""
        self._stage.call(self._write, show_at_s, reaction)

    def leave_out(self, from_s: float, seconds: float) -> None:
        """Leave out so many seconds after that time."""
        self._stage.call(self._leave_out, from_s, seconds)

    def _see(self, inputs: SpeakerInputs) -> None:
        self._images += inputs.images
        self._sounds += inputs.sounds

    def _write(self, show_at_s: float, reaction: np.ndarray) -> None:
        if self._first_s is None:
            self._first_s = show_at_s
        frame = np.concatenate([self._speaker(show_at_s), reaction], axis=1)
        # Frames of skipped windows are missing; the last picture is repeated to keep audio in step.
        due = round((show_at_s - self._first_s) * FRAME_RATE_HZ) + 1
        while self._frames < due:
            self._writer.write_image(frame)
            self._frames += 1
        self._write_sounds(show_at_s)

    def _leave_out(self, from_s: float, seconds: float) -> None:
        self._write_sounds(from_s)
        if self._first_s is not None:
            self._first_s += seconds

    def _speaker(self, time_s: float) -> np.ndarray:
        width, height = self._panel
        seen = [rgb for stamp_s, rgb in self._images if stamp_s <= time_s]
        if not seen:
            return np.full((height, width, 3), PANEL_GREY, np.uint8)
        return fitted(seen[-1], width, height, PANEL_GREY, cv2.INTER_AREA)

    def _write_sounds(self, until_s: float) -> None:
        """Write the audio up to that time as one track without holes."""
        sounds = self._sounds
        while sounds and self._first_s is not None and sounds[0][0] <= until_s:
            stamp_s, mono, rate_hz = sounds.popleft()
            at_s = stamp_s - self._first_s
            if at_s < self._heard_s - AUDIO_SLACK_S:
                mono = mono[round((self._heard_s - at_s) * rate_hz) :]
            elif at_s > self._heard_s + AUDIO_SLACK_S or not self._heard_s:
                self._pad(at_s - self._heard_s, rate_hz)
            if len(mono):
                self._writer.write_audio(self._heard_s, mono, rate_hz)
                self._heard_s += len(mono) / rate_hz

    def _pad(self, seconds: float, rate_hz: int) -> None:
        silence = np.zeros(max(0, round(seconds * rate_hz)), np.float32)
        if len(silence):
            self._writer.write_audio(self._heard_s, silence, rate_hz)
            self._heard_s += len(silence) / rate_hz


class ReplayTransport:
    """Writes the node's messages to the bag, and its pictures to the mp4."""

    def __init__(
        self, config: RosConfig, bag: BagWriter, video: SideBySideVideo | None, adapters: Adapters
    ):
        self._bag, self._video = bag, video
        self._outputs = outputs(config, adapters.topics)
        self._now_s = 0.0

    def prepare(self, now_s: float, inputs: SpeakerInputs) -> None:
        """Set the time of the messages to come, and take what came in before it."""
        self._now_s = now_s
        if self._video is not None:
            self._video.see(inputs)

    def subscribers(self, topic: str) -> int:
        # Raw pictures would fill the disk: the bag holds the compressed ones.
        return int(topic != IMAGE or self._video is not None)

    def publish(self, topic: str, message: Any) -> None:
        if topic == IMAGE:
            assert self._video is not None
            stamp = message.header.stamp
            picture = message.data.reshape(message.height, message.width, 3)
            self._video.write(stamp.sec + stamp.nanosec * 1e-9, picture)
            return
        name = topic.replace("~", f"/{NODE_NAME}")
        self._bag.write(name, self._now_s, message, best_effort=self._outputs[topic].best_effort)

    def leave_out(self, from_s: float, seconds: float) -> None:
        """Leave out so many seconds after that time in the mp4."""
        if self._video is not None:
            self._video.leave_out(from_s, seconds)


def replay(
    config: Config,
    source: Path,
    out: Path,
    video: Path | None,
    load: Callable[[], ReactionSession],
) -> dict[str, float]:
    """Run the recording through a session; write the bag ``out`` and, if asked, the mp4.

    load: makes the session, once the recording and the outputs are known to be usable. The outputs
    appear only when they are complete. Returns the session's statistics. UserError if the
    recording cannot be read, or an output exists or cannot be written.
    """
    if video is not None and config.render.renderer == "none":
        raise UserError("--video needs a renderer; leave render.renderer at avatar")
    with ExitStack() as stack:
        recording = stack.enter_context(open_source(source, config.ros))
        bag = stack.enter_context(BagWriter(out))
        renderer = make_renderer(
            config.render, config.on_device_failure, config.perception.landmarker
        )
        session = load()
        stack.callback(session.close)
        observed = ObservedSession(session)
        beside = stack.enter_context(SideBySideVideo(video, config)) if video else None
        adapters = Adapters(config.outputs)
        stack.callback(adapters.close)
        transport = ReplayTransport(config.ros, bag, beside, adapters)
        server = ReplayServer(
            *(config, observed, bag.types, transport, renderer, NODE_NAME, adapters),
            stage=stack.enter_context(PipelineStage("publish")),
            prepare=lambda now_s: partial(transport.prepare, now_s, observed.take_inputs()),
        )
        server.intake.expect_offsets(recording.offsets_s)
        elapsed = Elapsed()
        _play(_deliveries(recording, source.name), elapsed, server, transport, session.end)
        gaps = {"gaps": len(elapsed.gaps_s), "gaps_s": elapsed.left_out_s}
        return {**session.stats(), **server.meter.totals, **server.intake.offsets(), **gaps}


def _play(
    deliveries: Iterator[tuple[float, Deliver]],
    elapsed: Elapsed,
    server: ReplayServer,
    transport: ReplayTransport,
    end: Callable[[], None],
) -> None:
    """Run all deliveries with ticks between them. end: called when no more input comes."""
    timeline, playout = server.config.timeline, server.config.playout
    window_s = server.config.model.window / FRAME_RATE_HZ
    rest_s = timeline.max_wait_s + playout.playout_delay_s + 2 * window_s
    now_s: float | None = None

    def pass_until(start_s: float, end_s: float) -> float:
        now_s = start_s
        while now_s < end_s:
            server.tick(now_s)
            now_s += TICK_S
        return now_s

    for arrival_s, deliver in deliveries:
        gaps = len(elapsed.gaps_s)
        elapsed.time_s(arrival_s)
        if now_s is None:
            now_s = arrival_s
        elif len(elapsed.gaps_s) > gaps:
            # Time for the reaction to what came before the gap.
            now_s = pass_until(now_s, now_s + rest_s)
            server.settle()
            transport.leave_out(now_s, arrival_s - now_s)
            now_s = arrival_s
            server.tick(now_s)
        now_s = pass_until(now_s, arrival_s)
        deliver(server)
    end()
    if now_s is not None:
        pass_until(now_s, now_s + rest_s)
    server.settle()


def _deliveries(source: RecordingSource, name: str) -> Iterator[tuple[float, Deliver]]:
    """(arrival, function that gives the item to the server) in order of arrival."""
    for item in source.watched(name):
        if not isinstance(item, BagMessage):
            yield item.arrival_s, _pusher(item)
        elif whose := source.follows_another(item):
            yield item.stamp_s, _follower(whose)
        elif stream := source.stream_of(item):
            yield item.stamp_s, _call("receive", stream, item.message, item.stamp_s)


def _follower(whose: str) -> Deliver:
    return lambda server: server.intake.follow_another(whose)


def _call(method: str, *arguments: Any) -> Deliver:
    return lambda server: getattr(server, method)(*arguments)


def _pusher(item: ImageInput | AudioInput) -> Deliver:
    if isinstance(item, ImageInput):
        return _call("push_image", item.stamp_s, item.rgb, item.arrival_s)
    return _call("push_audio", item.stamp_s, item.samples, item.rate_hz, item.arrival_s)


def summary(source: Path, stats: dict[str, float]) -> str:
    """A summary of a replay for the terminal."""
    rejected = int(stats.get("rejected", 0))
    lines = [
        f"{source.name}: {stats['seconds_reacted']:.1f} s of reactions; a face in "
        f"{stats['face_seen']:.0%} and a voice in {stats['voice_heard']:.0%} of the time"
    ]
    if stats["gaps"]:
        lines.append(
            f"{stats['gaps']:.0f} gap(s) in which nothing was recorded were left out, "
            f"{stats['gaps_s']:.0f} s in all"
        )
    if rejected:
        lines.append(f"{rejected} messages could not be used (see the warnings above)")
    if stats["windows_skipped"]:
        lines.append(f"{int(stats['windows_skipped'])} windows were skipped")
    if not stats["face_seen"]:
        lines.append(f"no face was found: reactface inspect {source} says why")
    if not stats["voice_heard"]:
        lines.append("nothing was heard: it holds no sound, or none that could be used")
    return "\n".join(lines)
