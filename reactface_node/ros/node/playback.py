"""From reactions to messages: each frame is published when it is to be shown."""

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from reactface_node.config import Config
from reactface_node.render.renderer import Renderer
from reactface_node.ros.messages import convert
from reactface_node.ros.messages.types import MessageTypes
from reactface_node.ros.node.adapters import Adapters
from reactface_node.ros.node.diagnostics import Meter
from reactface_node.ros.node.protocols import Page, Transport
from reactface_node.ros.node.topics import (
    BLENDSHAPES,
    COEFFICIENTS,
    COMPRESSED,
    EVENTS,
    IMAGE,
    REACTION,
)
from reactface_node.schema import Reaction, joined
from reactface_node.session.probe import Probe

_EACH_FRAME = {BLENDSHAPES: convert.blendshapes, COEFFICIENTS: convert.face_coefficients}
EVENTS_ON_PAGE = 8
"""The page lists so many of the newest events."""


@dataclass(frozen=True, eq=False)
class _Frame:
    """A frame to publish at ``show_at_s``.

    face: coefficients (58,). draw: draws it. speaker: the speaker's coefficients (58,) in the
    same frame of their window. arrival_s: of the last input that the frame waited for.
    """

    show_at_s: float
    face: np.ndarray
    draw: Callable[[], np.ndarray | None]
    speaker: np.ndarray | None
    arrival_s: float | None


class Playback:
    """The queue of frames, and what is published for each of them."""

    def __init__(
        self,
        types: MessageTypes,
        transport: Transport,
        renderer: Renderer,
        adapters: Adapters | None,
        page: Page | None,
        meter: Meter,
        probe: Probe,
    ) -> None:
        """meter: counts frames and windows, and takes the latency. probe: as the server's."""
        self._types, self._transport = types, transport
        self._renderer, self._adapters, self._page = renderer, adapters, page
        self._meter, self._probe = meter, probe
        self._due: deque[_Frame] = deque()
        self._measured_arrival_s: float | None = None
        self._window: list[Reaction] = []
        self._recent: deque[dict[str, Any]] = deque(maxlen=EVENTS_ON_PAGE)

    def clear(self) -> None:
        """Drop all frames in the queue."""
        self._due.clear()
        self._window.clear()

    @property
    def next_s(self) -> float:
        """The time at which the next frame is to be shown; inf without one."""
        return self._due[0].show_at_s if self._due else math.inf

    def queue(self, reaction: Reaction, config: Config, arrival_s: float | None) -> None:
        """Add a reaction to the queue. arrival_s: of the last input that it waited for."""
        self._publish_window(reaction, config)
        self._publish_events(reaction, config)
        first_s = float(reaction.show_at_s[0])
        # After a clock that jumped back, frames of the old time would never be due.
        while self._due and self._due[-1].show_at_s >= first_s:
            self._due.pop()
        draw = self._renderer.begin(reaction.face)
        for index, (show_at_s, face) in enumerate(
            zip(reaction.show_at_s, reaction.face, strict=True)
        ):
            speaker = None if reaction.speaker is None else reaction.speaker[index]
            self._due.append(
                _Frame(float(show_at_s), face, partial(draw, index), speaker, arrival_s)
            )
        self._meter.count("windows")

    def _publish_window(self, reaction: Reaction, config: Config) -> None:
        """Publish the reaction of a whole window; in frame mode once its last frame is there, and
        only if no frame is missing."""
        if self._window:
            last = self._window[-1]
            place = last.window_index, last.first_frame + len(last.face)
            if place != (reaction.window_index, reaction.first_frame):
                self._window.clear()
        if self._window or reaction.first_frame == 0:
            self._window.append(reaction)
        frames = sum(len(part.face) for part in self._window)
        if self._window and (frames == config.model.window or config.mode == "window"):
            whole = joined(self._window)
            self._window.clear()
            if self._transport.subscribers(REACTION):
                with self._probe.stage("publish"):
                    message = convert.reaction_message(self._types, config.ros.frame_id, whole)
                    self._transport.publish(REACTION, message)

    def _publish_events(self, reaction: Reaction, config: Config) -> None:
        """Publish what is known now, before it is shown: a robot's neck needs time to begin."""
        if not reaction.events:
            return
        with self._probe.stage("publish"):
            for event in reaction.events:
                message = convert.event_message(self._types, config.ros.frame_id, event)
                self._transport.publish(EVENTS, message)
                if self._adapters is not None:
                    self._adapters.tell(event)
            if self._page is not None:
                # All recent ones: a slow page gets the newest value alone.
                self._recent += [vars(event) for event in reaction.events]
                self._page.tell({"events": list(self._recent)})

    def publish_due(self, now_s: float, config: Config) -> None:
        """Publish the newest frame that is due. Older ones are dropped and counted as late."""
        latest = None
        while self._due and self._due[0].show_at_s <= now_s:
            if latest is not None:
                self._meter.count("frames_late")
            latest = self._due.popleft()
        if latest is None:
            return
        self._publish_frame(latest, config)
        self._meter.count("frames")
        if latest.arrival_s is not None and latest.arrival_s != self._measured_arrival_s:
            self._measured_arrival_s = latest.arrival_s
            self._meter.latency(now_s - latest.arrival_s)

    def _publish_frame(self, frame: _Frame, config: Config) -> None:
        about = (self._types, frame.show_at_s, config.ros.frame_id)
        with self._probe.stage("publish"):
            for topic, build in _EACH_FRAME.items():
                if self._transport.subscribers(topic):
                    self._transport.publish(topic, build(*about, frame.face))
            if self._adapters is not None:
                self._adapters.send(*about, frame.face, self._transport.publish)
            if self._page is not None:
                self._page.show(frame.face, frame.speaker)
        wanted = [topic for topic in (IMAGE, COMPRESSED) if self._transport.subscribers(topic)]
        if not wanted:
            return
        with self._probe.stage("render"):
            rgb = frame.draw()
        if rgb is None:
            return
        with self._probe.stage("publish"):
            if IMAGE in wanted:
                self._transport.publish(IMAGE, convert.image(*about, rgb))
            if COMPRESSED in wanted:
                quality = config.ros.jpeg_quality
                self._transport.publish(COMPRESSED, convert.compressed_image(*about, rgb, quality))
