"""The node's logic, the same under rclpy and on the bare wire: convert, call the session, publish.

A transport owns the publishers and subscriptions, calls ``receive`` and, every few milliseconds,
``tick``; all from one thread. Time comes in as arguments, in seconds on the clock that stamps are
on.
"""

import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import numpy as np

from reactface_node.config import Config, RosConfig
from reactface_node.errors import UserError
from reactface_node.render import Renderer
from reactface_node.ros import convert
from reactface_node.ros.adapters import Adapters
from reactface_node.ros.diagnostics import diagnostic_array, memory_mb
from reactface_node.ros.intake import Intake, Session
from reactface_node.ros.shedding import Shedding
from reactface_node.ros.types import MessageTypes
from reactface_node.schema import Reaction, joined
from reactface_node.settings import settings

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


class Transport(Protocol):
    """How the server reaches the graph; topics are the keys of ``outputs``."""

    def publish(self, topic: str, message: Any) -> None: ...
    def subscribers(self, topic: str) -> int: ...


class Page(Protocol):
    """What the server needs of ``reactface_node.web.WebFace``; no call waits for anybody."""

    def show(self, face: np.ndarray, speaker: np.ndarray | None) -> None: ...
    def tell(self, about: Mapping[str, Any]) -> None: ...
    def commands(self) -> list[tuple[str, Any]]: ...


@dataclass(frozen=True, eq=False)
class _Frame:
    """A face (58,) to publish at ``show_at_s``, what draws it, the speaker's (58,) in the same
    frame of their window, and its last input's arrival."""

    show_at_s: float
    face: np.ndarray
    draw: Callable[[], np.ndarray | None]
    speaker: np.ndarray | None
    arrival_s: float | None


class Server(Intake):
    """Messages in, frames out at their time; a bad message is counted, never raised."""

    def __init__(
        self,
        config: Config,
        session: Session,
        types: MessageTypes,
        transport: Transport,
        renderer: Renderer,
        name: str = "reactface",
        adapters: Adapters | None = None,
        page: Page | None = None,
        change: Callable[[Mapping[str, Any]], str] | None = None,
        is_live: bool = True,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """adapters: what else is sent for every frame. page: the face in a browser, whose settings
        are changed by ``change``, which is ``configure`` where there is no other way to it.
        is_live: time goes on by itself, so that nothing is waited for, and work that there is no
        time for is left out. clock: what that is measured with."""
        super().__init__(config, session, is_live)
        self.enabled = True
        self._types, self._transport = types, transport
        self._renderer, self._name = renderer, name
        self._adapters, self._page = adapters, page
        self._change = change or self.configure
        self._is_live = is_live
        self._work = Shedding(session, clock, is_live and config.ros.load_shedding)
        self._due: deque[_Frame] = deque()
        self._measured_arrival_s: float | None = None
        self._window: list[Reaction] = []

    def tick(self, now_s: float) -> None:
        """Publishes what is due, then lets the session react.

        In this order, so that a frame goes out on a tick whose ``now_s`` includes the time that
        its reaction took: the latency that is measured is the one that is felt. UserError where
        it cannot go on, such as without its GPU; diagnostics say so first.
        """
        with self._work.at_work():
            if self.enabled:
                try:
                    self._play(now_s)
                except UserError as error:
                    self._tell_of_end(now_s, str(error))
                    raise
            if self.meter.due(now_s):
                self._report(now_s)
            if self._page is not None:
                self._obey(self._page)

    def receive(self, stream: str, message: Any, arrival_s: float, source: Any = None) -> None:
        """As the intake's, measured."""
        with self._work.at_work():
            super().receive(stream, message, arrival_s, source)

    def see(self, stamp_s: float, rgb: np.ndarray, arrival_s: float) -> None:
        """As the intake's, measured."""
        with self._work.at_work():
            super().see(stamp_s, rgb, arrival_s)

    def hear(self, stamp_s: float, samples: np.ndarray, rate_hz: int, arrival_s: float) -> None:
        """As the intake's, measured."""
        with self._work.at_work():
            super().hear(stamp_s, samples, rate_hz, arrival_s)

    def reset(self) -> None:
        """Forgets the conversation and what was still to be shown."""
        self._due.clear()
        self._window.clear()
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

    def _play(self, now_s: float) -> None:
        self._publish_due(now_s)
        for reaction in self._session.poll(now_s, wait=not self._is_live):
            self._queue(reaction)

    def _tell_of_end(self, now_s: float, reason: str) -> None:
        values = self._session.stats()
        message = diagnostic_array(self._types, now_s, self._name, self.enabled, values, reason)
        self._transport.publish(DIAGNOSTICS, message)

    def _report(self, now_s: float) -> None:
        load = self._work.report(self.meter.totals.get("frames_late", 0))
        values = self.meter.report(now_s) | self._session.stats() | memory_mb() | load
        values |= self.offsets()
        self.narrow(int(values["image_width_px"]))
        message = diagnostic_array(self._types, now_s, self._name, self.enabled, values)
        self._transport.publish(DIAGNOSTICS, message)
        if self._page is not None:
            self._page.tell({"stats": values, "enabled": self.enabled,
                             "state": message.status[0].message,
                             "settings": live(self.config)})  # fmt: skip

    def _obey(self, page: Page) -> None:
        """What somebody pressed on the page."""
        for command, value in page.commands():
            reason = ""
            if command == "enable":
                self.enable(value)
            elif command == "reset":
                self.reset()
            else:
                reason = self._change(value)
            page.tell({"enabled": self.enabled, "settings": live(self.config), "reason": reason})

    def _queue(self, reaction: Reaction) -> None:
        self._publish_window(reaction)
        first_s = float(reaction.show_at_s[0])
        # After a clock that jumped back, what waits for the old time would never be due.
        while self._due and self._due[-1].show_at_s >= first_s:
            self._due.pop()
        arrival_s, self._newest_arrival_s = self._newest_arrival_s, None
        draw = self._renderer.begin(reaction.face)
        for index, (show_at_s, face) in enumerate(
            zip(reaction.show_at_s, reaction.face, strict=True)
        ):
            speaker = None if reaction.speaker is None else reaction.speaker[index]
            self._due.append(
                _Frame(float(show_at_s), face, partial(draw, index), speaker, arrival_s)
            )
        self.meter.count("windows")

    def _publish_window(self, reaction: Reaction) -> None:
        """A whole window, in frame mode as soon as its last frame is there."""
        if self._window and self._window[0].window_index != reaction.window_index:
            self._window.clear()
        self._window.append(reaction)
        ended = reaction.first_frame + len(reaction.face) == self.config.model.window
        if ended or self.config.mode == "window":
            message = convert.reaction_message(
                self._types, self.config.ros.frame_id, joined(self._window)
            )
            self._transport.publish(REACTION, message)

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
        if self._adapters is not None:
            self._adapters.send(*about, frame.face, self._transport.publish)
        if self._page is not None:
            self._page.show(frame.face, frame.speaker)
        wanted = [topic for topic in (IMAGE, COMPRESSED) if self._transport.subscribers(topic)]
        rgb = frame.draw() if wanted else None
        if rgb is None:
            return
        if IMAGE in wanted:
            self._transport.publish(IMAGE, convert.image(*about, rgb))
        if COMPRESSED in wanted:
            quality = self.config.ros.jpeg_quality
            self._transport.publish(COMPRESSED, convert.compressed_image(*about, rgb, quality))


def outputs(config: RosConfig, adapters: Adapters) -> dict[str, tuple[str, bool, int]]:
    """All topics that are published: topic -> (type, best effort, depth)."""
    pictures = {
        topic: (OUTPUTS[topic][0], config.picture_qos == "best_effort", 1)
        for topic in (IMAGE, COMPRESSED)
    }
    return OUTPUTS | pictures | adapters.topics


def live(config: Config) -> dict[str, Any]:
    """The settings that may change while running, by name."""
    return {item.name: item.value for item in settings(config) if item.live}


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
