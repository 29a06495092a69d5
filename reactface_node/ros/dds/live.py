"""``reactface live``: the node over DDS, with topics or devices as camera and microphone."""

import threading
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import Any

from reactface_node.config import Config, RosConfig
from reactface_node.errors import UserError
from reactface_node.media.capture import Capture
from reactface_node.media.display import Display
from reactface_node.media.video import ImageInput
from reactface_node.render import make_renderer
from reactface_node.ros.dds.graph import DdsNode, absolute, serve, stop_on_signals
from reactface_node.ros.dds.view import Screen
from reactface_node.ros.node.failures import RepeatedFailure
from reactface_node.ros.node.server import Server
from reactface_node.ros.node.streams import REQUIRED, Humans, awaited, streams
from reactface_node.ros.node.topics import IMAGE
from reactface_node.session.session import ReactionSession
from reactface_node.web import WebFace

TOPIC, NONE = "topic", "none"


class ShowingNode(DdsNode):
    """Also shows each picture on a display; ends when the user leaves the display."""

    def __init__(self, display: Screen, stop: threading.Event, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._display, self._stop = display, stop

    def subscribers(self, topic: str) -> int:
        return super().subscribers(topic) + (topic == IMAGE)

    def publish(self, topic: str, message: Any) -> None:
        if topic == IMAGE:
            self._display.show(message.data.reshape(message.height, message.width, 3))
        if topic != IMAGE or super().subscribers(topic):
            super().publish(topic, message)

    def spin(self, now_s: float) -> None:
        super().spin(now_s)
        if self._display.is_left():
            self._stop.set()


def live(config: Config, camera: str, microphone: str, showing: bool) -> int:
    """Run the node until Ctrl-C or SIGTERM; returns 0, or 1 after repeated internal errors.

    camera: a number or "topic"; microphone: an ALSA device, "topic" or "none". With ``web.port``
    the page is served too. UserError if a device, the display, the port or the network cannot be
    used.
    """
    stop = stop_on_signals()
    with ExitStack() as stack:
        capture = open_capture(camera, microphone)
        if capture is not None:
            stack.callback(capture.close)
        page = stack.enter_context(WebFace(config)) if config.web.port else None
        renderer = make_renderer(
            config.render, config.on_device_failure, config.perception.landmarker
        )
        session = ReactionSession.load(config)
        stack.callback(session.close)
        if page is not None:
            print(page.announcement, flush=True)
        topics = waiting_for(config.ros, listened(camera, microphone))
        if topics:
            print(f"waiting for {' and '.join(topics)}", flush=True)
        node: Callable[..., DdsNode] = DdsNode
        if showing:
            display = Display(full_screen=False)
            stack.callback(display.close)
            node = partial(ShowingNode, display, stop)
        if capture is not None:
            capture.take()  # Recorded while the weights were loaded: too old.
        try:
            serve(
                config,
                session,
                renderer,
                stop,
                node,
                listened(camera, microphone),
                None if capture is None else partial(feed, capture),
                page,
            )
        except RepeatedFailure:
            return 1
    return 0


def listened(camera: str, microphone: str) -> tuple[str, ...]:
    """The names of the streams that come as topics."""
    streams = (("image", camera), ("audio", microphone))
    return tuple(stream for stream, source in streams if source == TOPIC)


def waiting_for(config: RosConfig, listen_to: tuple[str, ...]) -> list[str]:
    """The names of the topics that a reaction needs."""
    left_out = set(REQUIRED) - set(listen_to)
    return [absolute(topic) for topic in awaited(streams(config, Humans(config)), left_out)]


def open_capture(camera: str, microphone: str) -> Capture | None:
    """The configured devices; None if both streams are topics. UserError for a wrong camera."""
    if camera != TOPIC and not camera.isdigit():
        raise UserError(f"--camera must be a number or 'topic', not '{camera}'")
    device = None if microphone in (TOPIC, NONE) else microphone
    number = None if camera == TOPIC else int(camera)
    return None if number is None and device is None else Capture(number, device)


def feed(capture: Capture, server: Server) -> None:
    """Give what the devices recorded since the last turn to the server."""
    for item in capture.take():
        if isinstance(item, ImageInput):
            server.push_image(item.stamp_s, item.rgb, item.arrival_s)
        else:
            server.push_audio(item.stamp_s, item.samples, item.rate_hz, item.arrival_s)
