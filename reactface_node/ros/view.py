"""``reactface view``: an image topic on the whole display, for robots whose face is a screen."""

import threading
import time
from typing import Any, Protocol

import numpy as np

from reactface_node.config import RosConfig
from reactface_node.errors import UserError
from reactface_node.ros.bag import IMAGE_TYPES
from reactface_node.ros.dds import Input, absolute, stop_on_signals
from reactface_node.ros.images import image_to_rgb
from reactface_node.ros.streams import Stream
from reactface_node.ros.types import MessageError
from reactface_node.ros.wire import Wire, domain_id

NODE_NAME = "reactface_view"
TITLE = "reactface"
_LEAVE = (27, ord("q"))
_WAIT_S = 0.02


class Screen(Protocol):
    """Where pictures are shown."""

    def size(self) -> tuple[int, int]: ...
    def show(self, rgb: np.ndarray) -> None: ...
    def is_left(self) -> bool: ...
    def close(self) -> None: ...


class Window:
    """OpenCV's, full-screen or not; UserError where there is no display."""

    def __init__(self, full_screen: bool) -> None:
        import cv2

        self._cv2 = cv2
        try:
            cv2.namedWindow(TITLE, cv2.WINDOW_NORMAL | cv2.WINDOW_FREERATIO)
            if full_screen:
                cv2.setWindowProperty(TITLE, cv2.WND_PROP_FULLSCREEN, cv2.WINDOW_FULLSCREEN)
            cv2.waitKey(1)
        except cv2.error as error:
            raise UserError(
                "there is no display (DISPLAY is not set?), or this OpenCV has no windows"
            ) from error

    def size(self) -> tuple[int, int]:
        _, _, width, height = self._cv2.getWindowImageRect(TITLE)
        return max(width, 1), max(height, 1)

    def show(self, rgb: np.ndarray) -> None:
        self._cv2.imshow(TITLE, np.ascontiguousarray(rgb[:, :, ::-1]))

    def is_left(self) -> bool:
        """Escape, q, or the window was closed."""
        if self._cv2.waitKey(1) & 0xFF in _LEAVE:
            return True
        return self._cv2.getWindowProperty(TITLE, self._cv2.WND_PROP_VISIBLE) < 1

    def close(self) -> None:
        self._cv2.destroyAllWindows()


class Viewer:
    """The newest picture of a topic on a screen."""

    def __init__(self, wire: Wire, topic: str, screen: Screen) -> None:
        """topic: sensor_msgs Image or CompressedImage, whichever is published."""
        self._input = Input(wire, Stream("image", topic, IMAGE_TYPES, 1))
        self._wire, self._screen = wire, screen
        self._complained = False

    def spin(self, now_s: float) -> None:
        """Shows what has come; what cannot be shown is said once and left out."""
        if self._input.search(now_s):
            self._wire.announce()
        messages = list(self._input.reader.take()) if self._input.reader else []
        if messages:
            self._show(messages[-1])

    def _show(self, message: Any) -> None:
        try:
            if isinstance(message, Exception):
                raise message
            self._screen.show(fitted(image_to_rgb(message), *self._screen.size()))
        except MessageError as error:
            if not self._complained:
                self._complained = True
                print(f"reactface view: {error}", flush=True)


def fitted(rgb: np.ndarray, width: int, height: int) -> np.ndarray:
    """(H, W, 3) uint8 as large as it fits in the middle of a black (height, width, 3)."""
    import cv2

    scale = min(width / rgb.shape[1], height / rgb.shape[0])
    size = max(1, round(rgb.shape[1] * scale)), max(1, round(rgb.shape[0] * scale))
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    page = np.zeros((height, width, 3), np.uint8)
    top, left = (height - size[1]) // 2, (width - size[0]) // 2
    page[top : top + size[1], left : left + size[0]] = cv2.resize(rgb, size, interpolation=way)
    return page


def view(config: RosConfig, topic: str, full_screen: bool) -> None:
    """Show the topic until Escape, q, Ctrl-C or SIGTERM; UserError without a display or network."""
    absolute(topic)
    stop = stop_on_signals()
    window = Window(full_screen)
    try:
        watch(config, topic, window, stop)
    finally:
        window.close()


def watch(config: RosConfig, topic: str, screen: Screen, stop: threading.Event) -> None:
    wire = Wire(NODE_NAME, domain_id(), config.network_interface)
    try:
        viewer = Viewer(wire, topic, screen)
        while not stop.is_set() and not screen.is_left():
            viewer.spin(time.time())
            stop.wait(_WAIT_S)
    finally:
        wire.close()
