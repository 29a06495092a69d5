"""A webcam and a microphone that are unplugged and come back; no real device is needed."""

import logging
import threading
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from av.error import FFmpegError

from reactface_node.errors import UserError
from reactface_node.media.capture import RETRY_S, Camera, Capture, Microphone, opencv_log
from reactface_node.media.video import AudioInput, ImageInput
from reactface_node.ros.dds.live import feed

PATIENCE_S = 20.0
BGR = np.array([[[1, 2, 3]]], np.uint8)
GOOD, LOST, RAISES, BROKEN, END = "good", "lost", "raises", "broken", "end"
ABSENT = None
"""A device that cannot be opened; otherwise the results of its reads."""


class Stop(threading.Event):
    """Notes the waits instead of waiting."""

    def __init__(self):
        super().__init__()
        self.waits = []

    def wait(self, timeout=None):
        self.waits.append(timeout)
        return self.is_set()

    def until_set(self):
        assert super().wait(PATIENCE_S), "the script did not come to its end"


class FakeDevices:
    """Each opening takes the next script; the last script's END closes the capture."""

    def __init__(self, stop, scripts):
        self.stop, self.scripts, self.opened, self.closed = stop, list(scripts), 0, 0
        self.script = []

    def open(self):
        script = self.scripts.pop(0)
        if script is ABSENT:
            return False
        self.script, self.opened = list(script), self.opened + 1
        return True

    def next(self):
        what = self.script.pop(0)
        if what == BROKEN:
            raise ZeroDivisionError("a driver's fault")
        if what == END:
            self.stop.set()
        return what


def video_capture(devices):
    class VideoCapture:
        def __init__(self, index):
            self.is_open = devices.open()

        def isOpened(self):
            return self.is_open

        def read(self):
            return (True, BGR) if devices.next() == GOOD else (False, None)

        def release(self):
            devices.closed += self.is_open

    return VideoCapture


def av_open(devices):
    class Container:
        def decode(self, audio):
            while True:
                what = devices.next()
                if what == RAISES:
                    raise FFmpegError(19, "No such device")
                if what != GOOD:
                    return
                frame = av.AudioFrame.from_ndarray(np.full((1, 320), 7, np.int16), "s16", "stereo")
                frame.sample_rate = 16000
                yield frame

        def close(self):
            devices.closed += 1

    def opened(name, format):
        if not devices.open():
            raise FFmpegError(2, "No such file or directory")
        return Container()

    return opened


@pytest.fixture(autouse=True)
def warnings_are_seen(caplog):
    caplog.set_level(logging.WARNING)


def run(monkeypatch, kind, scripts):
    stop = Stop()
    devices = FakeDevices(stop, scripts)
    monkeypatch.setattr(cv2, "VideoCapture", video_capture(devices))
    monkeypatch.setattr(av, "open", av_open(devices))
    camera, microphone = (0, None) if kind == "camera" else (None, "default")
    capture = Capture(camera, microphone, stop)
    stop.until_set()
    capture.close()
    assert devices.opened == devices.closed and devices.scripts == []
    return capture.take(), stop.waits


@pytest.mark.parametrize("kind", ["camera", "microphone"])
def test_a_device_that_goes_is_said_once_and_read_again_when_it_is_back(monkeypatch, caplog, kind):
    scripts = [[GOOD, GOOD, LOST], ABSENT, ABSENT, [LOST], [GOOD, RAISES], [GOOD, END]]
    items, waits = run(monkeypatch, kind, scripts)
    # Of images the newest is enough.
    assert len(items) == (1 if kind == "camera" else 4)
    name = "camera 0" if kind == "camera" else "microphone 'default'"
    said = [record.message for record in caplog.records]
    again = "trying again every second"
    assert [line.partition(" (")[0] for line in said[:4]] == [
        f"{name} is gone",
        f"{name} is back",
        f"{name} is gone",
        f"{name} is back",
    ]
    assert all(line.endswith(again) for line in said[0:4:2])
    # Once after each failure, the last of which closed it: never without a pause.
    assert waits == [RETRY_S] * 6


@pytest.mark.parametrize("kind", ["camera", "microphone"])
def test_whatever_a_device_raises_it_is_read_again(monkeypatch, caplog, kind):
    items, waits = run(monkeypatch, kind, [[GOOD, BROKEN], [GOOD, END]])
    assert items and len(waits) == 2 and "a driver's fault" in caplog.text


def test_what_is_read(monkeypatch):
    images, _ = run(monkeypatch, "camera", [[GOOD, END]])
    sounds, _ = run(monkeypatch, "microphone", [[GOOD, END]])
    (image,), (sound,) = images, sounds
    assert isinstance(image, ImageInput) and image.rgb.tolist() == [[[3, 2, 1]]]
    assert isinstance(sound, AudioInput) and sound.samples.shape == (160, 2)
    assert sound.arrival_s - sound.stamp_s == pytest.approx(0.01) and sound.rate_hz == 16000


def test_a_reader_that_is_seconds_behind_loses_the_oldest(monkeypatch):
    monkeypatch.setattr("reactface_node.media.capture._QUEUED", 3)
    items, _ = run(monkeypatch, "microphone", [[GOOD] * 9 + [END]])
    assert len(items) == 3 and items == sorted(items, key=lambda item: item.stamp_s)


def test_where_one_cannot_be_opened_the_other_is_let_go(monkeypatch):
    devices = FakeDevices(threading.Event(), [[GOOD], ABSENT])
    monkeypatch.setattr(cv2, "VideoCapture", video_capture(devices))
    monkeypatch.setattr(av, "open", av_open(devices))
    with pytest.raises(UserError, match="microphone 'default' cannot be opened"):
        Capture(0, "default")
    assert (devices.opened, devices.closed) == (1, 1)


@pytest.mark.skipif(
    not Path("/usr/share/alsa/alsa.conf").is_file(), reason="needs ALSA's files: libasound2-data"
)
def test_a_microphone_that_every_machine_has_can_be_opened(capfd):
    """ALSA's "null" needs no hardware; PyAV's wheel looks for ALSA's files in the wrong place."""
    microphone = Microphone("null")
    try:
        sound = microphone.read()
        assert len(sound.samples) and sound.rate_hz > 0
    finally:
        microphone.close()
    with pytest.raises(UserError, match="microphone 'nothing' cannot be opened"):
        Microphone("nothing")
    assert capfd.readouterr().err == ""


def test_opencv_says_nothing_of_its_own(capfd):
    level = opencv_log().getLogLevel()
    with pytest.raises(UserError, match="camera 99 cannot be opened"):
        Camera(99)
    assert capfd.readouterr().err == "" and opencv_log().getLogLevel() == level


def test_the_node_gets_what_was_read():
    class Taken:
        def take(self):
            return [ImageInput(1.0, 1.1, BGR), AudioInput(2.0, 2.1, BGR, 8000)]

    class Noted(list):
        def push_image(self, *about):
            self.append(("see", *about))

        def push_audio(self, *about):
            self.append(("hear", *about))

    noted = Noted()
    feed(Taken(), noted)
    assert noted == [("see", 1.0, BGR, 1.1), ("hear", 2.0, BGR, 8000, 2.1)]
