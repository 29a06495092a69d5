"""The node's logic, the same under rclpy and on the bare wire: convert, call the session, publish.

A transport owns the publishers and subscriptions, calls ``on_image``, ``on_audio``,
``on_audio_info`` and, every few milliseconds, ``tick``; all from one thread. Time comes in as
arguments, in seconds on the clock that stamps are on.
"""

import logging
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import numpy as np

from reactface_node.config import Config
from reactface_node.errors import UserError
from reactface_node.render import Renderer
from reactface_node.ros import convert
from reactface_node.ros.audio import AudioFormat, says_its_format
from reactface_node.ros.diagnostics import Meter, diagnostic_array, memory_mb
from reactface_node.ros.types import MessageError, MessageTypes
from reactface_node.schema import Reaction

BLENDSHAPES = "~/blendshapes"
COEFFICIENTS = "~/coefficients"
REACTION = "~/reaction"
IMAGE = "~/image"
COMPRESSED = "~/image/compressed"
DIAGNOSTICS = "/diagnostics"
# topic -> (type, best effort as for sensor data, depth)
OUTPUTS = {
    BLENDSHAPES: ("reactface_msgs/msg/Blendshapes", False, 10),
    COEFFICIENTS: ("reactface_msgs/msg/FaceCoefficients", False, 10),
    REACTION: ("reactface_msgs/msg/Reaction", False, 10),
    IMAGE: ("sensor_msgs/msg/Image", True, 1),
    COMPRESSED: ("sensor_msgs/msg/CompressedImage", True, 1),
    DIAGNOSTICS: ("diagnostic_msgs/msg/DiagnosticArray", False, 10),
}
FOREIGN_CLOCK_S = 5.0
WARN_PERIOD_S = 1.0


class Transport(Protocol):
    """How the server reaches the graph; topics are the keys of ``OUTPUTS``."""

    def publish(self, topic: str, message: Any) -> None: ...
    def subscribers(self, topic: str) -> int: ...


class Session(Protocol):
    """What the server needs of ``reactface_node.session.ReactionSession``."""

    def push_image(self, stamp_s: float, rgb: np.ndarray) -> None: ...
    def push_audio(self, stamp_s: float, samples: np.ndarray, rate_hz: int) -> None: ...
    def poll(self, now_s: float) -> list[Reaction]: ...
    def reset(self) -> None: ...
    def configure(self, changes: Mapping[str, Any]) -> None: ...
    def stats(self) -> dict[str, float]: ...


@dataclass(frozen=True, eq=False)
class _Frame:
    """A face (58,) to publish at ``show_at_s``, what draws it, and its last input's arrival."""

    show_at_s: float
    face: np.ndarray
    draw: Callable[[], np.ndarray | None]
    arrival_s: float | None


class Server:
    """Messages in, frames out at their time; a bad message is counted, never raised."""

    def __init__(
        self,
        config: Config,
        session: Session,
        types: MessageTypes,
        transport: Transport,
        renderer: Renderer,
        name: str = "reactface",
    ) -> None:
        self.enabled = True
        self.meter = Meter()
        self.config = config
        self._session, self._types = session, types
        self._transport, self._renderer, self._name = transport, renderer, name
        self._bare = AudioFormat(config.ros.audio_rate_hz, config.ros.audio_channels)
        self._due: deque[_Frame] = deque()
        self._newest_arrival_s: float | None = None
        self._measured_arrival_s: float | None = None
        self._foreign: set[str] = set()
        self._informed = False
        self._warned_s: dict[str, float] = {}
        self._log = logging.getLogger(__name__)

    def on_image(self, message: Any, arrival_s: float) -> None:
        """sensor_msgs/Image or CompressedImage."""
        if not self.enabled:
            return
        with self._guarded("image", arrival_s):
            rgb = convert.image_to_rgb(message)
            stamp_s = self._trusted("image", convert.stamp_of(message), arrival_s, arrival_s)
            self._session.push_image(stamp_s, rgb)
            self.meter.count("images")

    def on_audio(self, message: Any, arrival_s: float) -> None:
        """Any audio message; unstamped audio ended when it arrived."""
        if not self.enabled:
            return
        with self._guarded("audio", arrival_s):
            audio = convert.audio_to_samples(message, self._bare)
            self._say_what_is_assumed(message)
            began_s = arrival_s - audio.duration_s
            stamp_s = self._trusted("audio", audio.stamp_s or None, began_s, arrival_s)
            self._session.push_audio(stamp_s, audio.samples, audio.rate_hz)
            self.meter.count("audio")

    def see(self, stamp_s: float, rgb: np.ndarray, arrival_s: float) -> None:
        """An image that came by another way than a message, such as a webcam's."""
        if self.enabled:
            with self._guarded("image", arrival_s):
                self._session.push_image(stamp_s, rgb)
                self.meter.count("images")

    def hear(self, stamp_s: float, samples: np.ndarray, rate_hz: int, arrival_s: float) -> None:
        """Audio that came by another way than a message."""
        if self.enabled:
            with self._guarded("audio", arrival_s):
                self._session.push_audio(stamp_s, samples, rate_hz)
                self.meter.count("audio")

    def on_audio_info(self, message: Any) -> None:
        """AudioInfo of the apt release: what its AudioData holds from now on."""
        self._bare = convert.format_from_info(message)
        self._informed = True

    def reject(self, stream: str, error: Exception, arrival_s: float) -> None:
        """Counts an unusable message and warns of its stream at most once a second."""
        self.meter.count("rejected")
        if abs(arrival_s - self._warned_s.get(stream, -np.inf)) < WARN_PERIOD_S:
            return
        self._warned_s[stream] = arrival_s
        known = isinstance(error, MessageError | UserError)
        text = str(error) if known else f"{stream}: {type(error).__name__}: {error}"
        self._log.warning("message left out: %s", " ".join(text.split()))

    def tick(self, now_s: float) -> None:
        """Publishes what is due, then lets the session react.

        In this order, so that a frame goes out on a tick whose ``now_s`` includes the time that
        its reaction took: the latency that is measured is the one that is felt.
        """
        if self.enabled:
            self._publish_due(now_s)
            for reaction in self._session.poll(now_s):
                self._queue(reaction)
        if self.meter.due(now_s):
            values = self.meter.report(now_s) | self._session.stats() | memory_mb()
            message = diagnostic_array(self._types, now_s, self._name, self.enabled, values)
            self._transport.publish(DIAGNOSTICS, message)

    def reset(self) -> None:
        """Forgets the conversation and what was still to be shown."""
        self._due.clear()
        self._newest_arrival_s = None
        self._session.reset()
        self._renderer.reset()

    def enable(self, on: bool) -> None:
        """Disabled: nothing is listened to and no face is published; enabling starts afresh."""
        if on != self.enabled:
            self.enabled = on
            self.reset()

    def configure(self, changes: Mapping[str, Any]) -> str:
        """Changes live settings by dotted name; the reason if they were refused, else ''."""
        try:
            self.config = reconfigured(self.config, changes, self._session, self._renderer)
        except UserError as error:
            return str(error)
        return ""

    def _queue(self, reaction: Reaction) -> None:
        self._transport.publish(
            REACTION, convert.reaction_message(self._types, self.config.ros.frame_id, reaction)
        )
        first_s = float(reaction.show_at_s[0])
        # After a clock that jumped back, what waits for the old time would never be due.
        while self._due and self._due[-1].show_at_s >= first_s:
            self._due.pop()
        arrival_s, self._newest_arrival_s = self._newest_arrival_s, None
        draw = self._renderer.begin(reaction.face)
        for index, (show_at_s, face) in enumerate(
            zip(reaction.show_at_s, reaction.face, strict=True)
        ):
            self._due.append(_Frame(float(show_at_s), face, partial(draw, index), arrival_s))
        self.meter.count("windows")

    def _publish_due(self, now_s: float) -> None:
        latest = None
        while self._due and self._due[0].show_at_s <= now_s:
            if latest is not None:
                self.meter.count("frames_late")
            latest = self._due.popleft()
        if latest is None:
            return
        self._publish_frame(latest)
        self.meter.count("frames")
        if latest.arrival_s is not None and latest.arrival_s != self._measured_arrival_s:
            self._measured_arrival_s = latest.arrival_s
            self.meter.latency(now_s - latest.arrival_s)

    def _publish_frame(self, frame: "_Frame") -> None:
        about = (self._types, frame.show_at_s, self.config.ros.frame_id)
        self._transport.publish(BLENDSHAPES, convert.blendshapes(*about, frame.face))
        self._transport.publish(COEFFICIENTS, convert.face_coefficients(*about, frame.face))
        wanted = [topic for topic in (IMAGE, COMPRESSED) if self._transport.subscribers(topic)]
        rgb = frame.draw() if wanted else None
        if rgb is None:
            return
        if IMAGE in wanted:
            self._transport.publish(IMAGE, convert.image(*about, rgb))
        if COMPRESSED in wanted:
            quality = self.config.ros.jpeg_quality
            self._transport.publish(COMPRESSED, convert.compressed_image(*about, rgb, quality))

    def _say_what_is_assumed(self, message: Any) -> None:
        """Once: audio that no AudioInfo has described yet is taken as the configuration says."""
        if self._informed or says_its_format(message):
            return
        self._informed = True
        self._log.warning(
            "no message on %s has described the audio yet: taking it as %d Hz, %d channel(s)",
            self.config.ros.audio_info_topic, self._bare.rate_hz, self._bare.channels,
        )  # fmt: skip

    def _trusted(
        self, stream: str, stamp_s: float | None, fallback_s: float, arrival_s: float
    ) -> float:
        """The stamp, unless it is missing or on another clock; then ``fallback_s``."""
        if stamp_s is not None and abs(stamp_s - arrival_s) <= FOREIGN_CLOCK_S:
            return stamp_s
        if stream not in self._foreign and not (stamp_s is None and stream == "audio"):
            self._foreign.add(stream)
            reason = "are zero" if stamp_s is None else f"differ by {stamp_s - arrival_s:+.1f} s"
            self._log.warning("%s stamps %s: using the time of arrival instead", stream, reason)
        return fallback_s

    @contextmanager
    def _guarded(self, stream: str, arrival_s: float) -> Iterator[None]:
        """Nothing that a message does may end the node: it is counted and said once a second."""
        try:
            yield
            self._newest_arrival_s = arrival_s
        except Exception as error:
            self.reject(stream, error, arrival_s)


def reconfigured(
    config: Config, changes: Mapping[str, Any], session: Session, renderer: Renderer
) -> Config:
    """The config with live settings changed, taken over by both; UserError leaves both as they
    were."""
    if "render.portrait" in changes and config.render.renderer != "portrait":
        raise UserError(
            f"no portrait is drawn: render.renderer is {config.render.renderer}, not portrait"
        )
    changed = config.replace(**changes)
    renderer.configure(changed.render)
    try:
        session.configure(changes)
    except UserError:
        renderer.configure(config.render)
        raise
    return changed
