"""``reactface view``: an image topic on the whole display, for robots whose face is a screen."""

import logging
import threading
import time
from typing import Any, Protocol

import numpy as np

from reactface_node.config import RosConfig
from reactface_node.media.display import Display
from reactface_node.ros.dds.discovery import domain_id
from reactface_node.ros.dds.graph import WireInput, absolute, stop_on_signals
from reactface_node.ros.dds.wire import Wire
from reactface_node.ros.messages.images import image_to_rgb
from reactface_node.ros.messages.types import IMAGE_TYPES
from reactface_node.ros.node.streams import Stream

NODE_NAME = "reactface_view"
PATIENCE_S = 3.0
_WAIT_S = 0.01


class Screen(Protocol):
    """Where pictures are shown; ``display`` has the real one."""

    def show(self, rgb: np.ndarray) -> None: ...
    def is_left(self) -> bool: ...


class TopicViewer:
    """The newest picture of a topic on a screen."""

    def __init__(self, wire: Wire, topic: str, screen: Screen) -> None:
        """topic: sensor_msgs Image or CompressedImage, whichever is published."""
        self._input = WireInput(wire, Stream("image", topic, IMAGE_TYPES, 1))
        self._wire, self._screen = wire, screen
        self._complained = self._waits = False
        self._began_s = 0.0

    def spin(self, now_s: float) -> None:
        """Shows what has come; what cannot be shown is said once and left out."""
        if self._input.search(now_s):
            self._wire.announce()
        self._began_s = self._began_s or now_s
        if self._input.reader is None and now_s - self._began_s > PATIENCE_S and not self._waits:
            self._waits = True
            logging.getLogger(__name__).warning(
                "waiting for %s: nobody publishes it yet", self._input.topic
            )
        messages = list(self._input.reader.take()) if self._input.reader else []
        if messages:
            self._show(messages[-1])

    def _show(self, message: Any) -> None:
        try:
            if isinstance(message, Exception):
                raise message
            rgb = image_to_rgb(message)
        except Exception as error:
            if not self._complained:
                self._complained = True
                logging.getLogger(__name__).warning("a picture cannot be shown: %s", error)
            return
        self._screen.show(rgb)


def view(config: RosConfig, topic: str, full_screen: bool) -> None:
    """Show the topic until Escape, q, Ctrl-C or SIGTERM; UserError without a display or network."""
    absolute(topic)
    stop = stop_on_signals()
    display = Display(full_screen)
    try:
        watch(config, topic, display, stop)
    finally:
        display.close()


def watch(config: RosConfig, topic: str, screen: Screen, stop: threading.Event) -> None:
    """Show the topic until ``stop`` is set or the screen is left."""
    wire = Wire(NODE_NAME, domain_id(), config.network_interface)
    try:
        viewer = TopicViewer(wire, topic, screen)
        while not stop.is_set() and not screen.is_left():
            viewer.spin(time.time())
            stop.wait(_WAIT_S)
    finally:
        wire.close()
