"""A webcam and a microphone; an unplugged one is logged and opened again when it is back."""

import contextlib
import logging
import os
import queue
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import av
import cv2
from av.error import FFmpegError

from reactface_node.errors import UserError
from reactface_node.media.containers import frame_samples
from reactface_node.media.quiet import quiet_stderr
from reactface_node.media.video import AudioInput, ImageInput

RETRY_S = 1.0
_QUEUED = 500


class Device(Protocol):
    """``read`` blocks until there is data; UserError or OSError if the device is gone."""

    def read(self) -> ImageInput | AudioInput: ...
    def close(self) -> None: ...


def opencv_log() -> Any:
    """The module with OpenCV's log level; another one since version 4.13."""
    return getattr(cv2.utils, "logging", cv2)


class Camera:
    """A webcam by index, as OpenCV opens it (PyAV's Linux wheels have no video4linux)."""

    def __init__(self, index: int) -> None:
        """UserError if it cannot be opened."""
        # OpenCV logs several lines at each try; here it is one.
        log = opencv_log()
        level = log.setLogLevel(0)
        try:
            self._capture = cv2.VideoCapture(index)
        finally:
            log.setLogLevel(level)
        if not self._capture.isOpened():
            self._capture.release()
            raise UserError(f"camera {index} cannot be opened; is it there, and free?")

    def read(self) -> ImageInput:
        good, bgr = self._capture.read()
        if not good:
            raise OSError("no image comes any more")
        now_s = time.time()
        return ImageInput(now_s, now_s, cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB))

    def close(self) -> None:
        self._capture.release()


class Microphone:
    """A microphone by its ALSA name."""

    def __init__(self, device: str) -> None:
        """UserError if it cannot be opened."""
        _find_alsa()
        try:
            with quiet_stderr():  # ALSA's own lines before ours
                self._container = av.open(device, format="alsa")
        except (FFmpegError, OSError, ValueError) as error:
            raise UserError(
                f"microphone '{device}' cannot be opened ({error}); `arecord -L` lists the names"
            ) from error
        self._frames = self._container.decode(audio=0)

    def read(self) -> AudioInput:
        frame = next(self._frames, None)
        if frame is None:
            raise OSError("no sound comes any more")
        samples, now_s = frame_samples(frame), time.time()
        start_s = now_s - len(samples) / frame.sample_rate
        return AudioInput(start_s, now_s, samples, frame.sample_rate)

    def close(self) -> None:
        self._container.close()


def _find_alsa() -> None:
    """Tell the ALSA library in PyAV's wheel where this system's ALSA files are."""
    for name, places in (
        ("ALSA_CONFIG_DIR", [Path("/usr/share/alsa")]),
        ("ALSA_PLUGIN_DIR", sorted(Path("/usr/lib").glob("*/alsa-lib"))),
    ):
        found = [place for place in places if place.is_dir()]
        if found:
            os.environ.setdefault(name, str(found[0]))


class Capture:
    """A webcam and a microphone, each read by a thread of its own; stamps are ``time.time()``.

    Only the newest image is kept; audio is kept until the reader is seconds late. A device that
    fails is logged once, opened again every second, and logged again when it works.
    """

    def __init__(
        self, camera: int | None, microphone: str | None, stop: threading.Event | None = None
    ) -> None:
        """camera: index or None. microphone: an ALSA device such as "default", or None. stop:
        event that ``close`` sets and that ends the pause between two tries. UserError if one
        cannot be opened."""
        self._sounds: queue.Queue[AudioInput] = queue.Queue(maxsize=_QUEUED)
        self._images: queue.Queue[ImageInput] = queue.Queue(maxsize=1)
        self._stop = stop or threading.Event()
        wanted: list[tuple[str, Callable[[], Device]]] = []
        if camera is not None:
            wanted.append((f"camera {camera}", lambda: Camera(camera)))
        if microphone is not None:
            wanted.append((f"microphone '{microphone}'", lambda: Microphone(microphone)))
        opened: list[Device] = []
        try:
            for _, make in wanted:
                opened.append(make())
        except UserError:
            for device in opened:
                device.close()
            raise
        self._threads = [
            threading.Thread(target=self._follow, args=(*entry, device), daemon=True)
            for entry, device in zip(wanted, opened, strict=True)
        ]
        for thread in self._threads:
            thread.start()

    def take(self) -> list[ImageInput | AudioInput]:
        """All audio since the last call and the newest image, in order of arrival."""
        taken: list[ImageInput | AudioInput] = []
        for waiting in (self._sounds, self._images):
            with contextlib.suppress(queue.Empty):
                while True:
                    taken.append(waiting.get_nowait())
        return sorted(taken, key=lambda item: item.arrival_s)

    def close(self) -> None:
        """Stop reading; waits at most two seconds for a device that blocks."""
        self._stop.set()
        for thread in self._threads:
            thread.join(timeout=2.0)

    def _follow(self, name: str, make: Callable[[], Device], opened: Device) -> None:
        """Read until closed, also after errors of the device."""
        log, is_lost = logging.getLogger(__name__), False
        present: Device | None = opened
        while not self._stop.is_set():
            try:
                present = present or make()
                item = present.read()
            except Exception as error:  # No error of a device may end its thread.
                if not is_lost:
                    log.warning("%s is gone (%s): trying again every second", name, error)
                is_lost = True
                if present is not None:
                    present.close()
                present = None
                self._stop.wait(RETRY_S)
                continue
            if is_lost:
                log.warning("%s is back", name)
            is_lost = False
            self._offer(item)
        if present is not None:
            present.close()

    def _offer(self, item: ImageInput | AudioInput) -> None:
        """Append; the oldest item is dropped if the queue is full."""
        waiting: queue.Queue = self._images if isinstance(item, ImageInput) else self._sounds
        while not self._stop.is_set():
            try:
                return waiting.put_nowait(item)
            except queue.Full:
                with contextlib.suppress(queue.Empty):
                    waiting.get_nowait()
