"""``reactface view``: shows an image topic on a display, for robots whose face is a screen."""

import logging
import math
import threading
import time
from typing import Any, Protocol

import numpy as np

from reactface_node.config import RosConfig
from reactface_node.media.display import Display
from reactface_node.ros.dds.discovery import domain_id
from reactface_node.ros.dds.graph import WireSubscriber, absolute, stop_on_signals
from reactface_node.ros.dds.wire import Wire
from reactface_node.ros.messages.images import image_to_rgb
from reactface_node.ros.messages.types import IMAGE_TYPES
from reactface_node.ros.node.streams import Stream
from reactface_node.ros.node.subscriptions import SEARCH_PERIOD_S, Subscriptions

NODE_NAME = "reactface_view"
PATIENCE_S = 3.0
_WAIT_S = 0.01


class Screen(Protocol):
    """Where pictures are shown, such as ``media.display.Display``."""

    def show(self, rgb: np.ndarray) -> None: ...
    def is_left(self) -> bool: ...


class TopicViewer:
    """Shows the newest picture of a topic on a screen."""

    def __init__(self, wire: Wire, topic: str, screen: Screen) -> None:
        """topic: of sensor_msgs Image or CompressedImage; the published type is used."""
        log = logging.getLogger(__name__)
        self._subscriber = WireSubscriber(wire)
        self._subscriptions = Subscriptions(self._subscriber, RosConfig(), log)
        self._subscriptions.want({"image": Stream("image", topic, IMAGE_TYPES, 1)})
        self._screen = screen
        self._has_warned = self._has_waited = False
        self._began_s: float | None = None
        self._searched_s = -math.inf

    def spin(self, now_s: float) -> None:
        """Show the newest picture. A picture that cannot be shown is skipped; the first one is
        logged."""
        if not 0.0 <= now_s - self._searched_s < SEARCH_PERIOD_S:
            self._searched_s = now_s
            self._subscriptions.search()
        self._subscriber.announce()
        entry = self._subscriptions.inputs["image"]
        self._began_s = now_s if self._began_s is None else self._began_s
        if not entry.is_published and now_s - self._began_s > PATIENCE_S and not self._has_waited:
            self._has_waited = True
            topic = absolute(entry.stream.topic)
            logging.getLogger(__name__).warning("waiting for %s: nobody publishes it yet", topic)
        messages = list(entry.subscription.reader.take())
        if messages:
            self._show(messages[-1])

    def _show(self, message: Any) -> None:
        try:
            if isinstance(message, Exception):
                raise message
            rgb = image_to_rgb(message)
        except Exception as error:
            if not self._has_warned:
                self._has_warned = True
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
