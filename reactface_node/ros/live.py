"""``reactface live``: the node on the wire, its camera and microphone topics or devices."""

import signal
import threading
from functools import partial
from typing import Any

import numpy as np

from reactface_node.capture import Capture
from reactface_node.config import Config
from reactface_node.errors import UserError
from reactface_node.media import ImageInput
from reactface_node.render import make_renderer
from reactface_node.ros.dds import DdsNode, serve
from reactface_node.ros.server import IMAGE, Server
from reactface_node.session import ReactionSession

TOPIC, NONE = "topic", "none"
WINDOW = "reactface"


class ShowingNode(DdsNode):
    """Also shows each picture in a window, whoever else is subscribed."""

    def subscribers(self, topic: str) -> int:
        return super().subscribers(topic) + (topic == IMAGE)

    def publish(self, topic: str, message: Any) -> None:
        if topic == IMAGE:
            show(message.data.reshape(message.height, message.width, 3))
        if topic != IMAGE or super().subscribers(topic):
            super().publish(topic, message)


def show(rgb: np.ndarray) -> None:
    """A window on this machine's display; UserError where there is none."""
    import cv2

    try:
        cv2.imshow(WINDOW, np.ascontiguousarray(rgb[:, :, ::-1]))
        cv2.waitKey(1)
    except cv2.error as error:
        raise UserError("--show needs a display, and an OpenCV built with windows") from error


def live(config: Config, camera: str, microphone: str, showing: bool) -> None:
    """Serve until Ctrl-C or SIGTERM.

    camera: a number or "topic"; microphone: an ALSA device, "topic" or "none". UserError where a
    device, the display or the network cannot be had.
    """
    stop = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: stop.set())
    capture = open_capture(camera, microphone)
    try:
        renderer = make_renderer(config.render)
        session = ReactionSession.load(config)
        try:
            serve(
                config,
                session,
                renderer,
                stop,
                ShowingNode if showing else DdsNode,
                listened(camera, microphone),
                None if capture is None else partial(feed, capture),
            )
        finally:
            session.close()
    finally:
        if capture is not None:
            capture.close()


def listened(camera: str, microphone: str) -> tuple[str, ...]:
    """Which streams come as topics."""
    streams = (("image", camera), ("audio", microphone))
    return tuple(stream for stream, source in streams if source == TOPIC)


def open_capture(camera: str, microphone: str) -> Capture | None:
    """The devices that were asked for; None where both streams are topics."""
    if camera != TOPIC and not camera.isdigit():
        raise UserError(f"--camera must be a number or 'topic', not '{camera}'")
    device = None if microphone in (TOPIC, NONE) else microphone
    number = None if camera == TOPIC else int(camera)
    return None if number is None and device is None else Capture(number, device)


def feed(capture: Capture, server: Server) -> None:
    """What the devices gave since the last turn."""
    for item in capture.take():
        if isinstance(item, ImageInput):
            server.see(item.stamp_s, item.rgb, item.arrival_s)
        else:
            server.hear(item.stamp_s, item.samples, item.rate_hz, item.arrival_s)
