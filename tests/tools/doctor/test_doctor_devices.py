"""A camera and a microphone: working, missing, without access, in use, silent and black."""

import os

import numpy as np
import pytest
from rigs.doctor import answering, here, never, raising

from reactface_node.errors import UserError
from reactface_node.media import capture
from reactface_node.media.video import AudioInput, ImageInput
from reactface_node.tools.doctor.apart import ApartError
from reactface_node.tools.doctor.check_devices import check_camera, check_microphone

GOOD_CAMERA = answering(width=640, height=480, rate_hz=29.97, brightest=255)
GOOD_MICROPHONE = answering(rate_hz=48000, channels=1, level=0.01)


@pytest.fixture(autouse=True)
def no_sound_server(monkeypatch, tmp_path):
    monkeypatch.delenv("PULSE_SERVER", raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))


@pytest.fixture
def dev(tmp_path):
    """A /dev with two cameras, one of which is the metadata of the other, and a microphone."""
    folder = tmp_path / "dev"
    (folder / "snd").mkdir(parents=True)
    for name in ("video0", "video1", "video-radio", "snd/pcmC1D0c", "snd/pcmC1D0p"):
        (folder / name).touch()
    return folder


@pytest.mark.parametrize("wanted", [None, "0"])
def test_a_camera(dev, wanted):
    said = check_camera(wanted, GOOD_CAMERA, dev).line()
    assert said == f"ok    camera: {dev}/video0: 640x480 at 30 images/s"


def test_the_first_camera_may_be_another_than_0(dev):
    (dev / "video0").unlink()
    said = check_camera(None, GOOD_CAMERA, dev).line()
    assert said == f"ok    camera: {dev}/video1: 640x480 at 30 images/s"
    assert check_camera("0", never, dev).line() == (
        f"fail  camera: {dev}/video0 is not there; there is {dev}/video1 -> --camera 1"
    )


@pytest.mark.parametrize(("wanted", "level"), [(None, "warn"), ("0", "fail")])
def test_no_camera(tmp_path, wanted, level):
    assert check_camera(wanted, never, tmp_path).line() == (
        f"{level}  camera: {tmp_path}/video0 is not there -> plug a webcam in; a container needs "
        "--device /dev/video0; or use ROS topics"
    )


def test_a_camera_of_others(dev, monkeypatch):
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert check_camera("1", never, dev).line() == (
        f"fail  camera: no permission to open {dev}/video1 -> sudo usermod -aG video $USER, then "
        "log in again"
    )


@pytest.mark.parametrize(
    "error",
    [UserError("camera 0 cannot be opened; is it there, and free?"), ApartError("no answer")],
)
def test_a_camera_that_does_not_open(dev, error):
    assert check_camera("0", raising(error), dev).line() == (
        f"fail  camera: {dev}/video0: {error} -> end the program that holds it: "
        f"fuser -v {dev}/video0"
    )


def test_a_black_or_slow_camera(dev):
    black = answering(width=640, height=480, rate_hz=30.0, brightest=16)
    assert check_camera(None, black, dev).line() == (
        f"warn  camera: {dev}/video0: 640x480 at 30 images/s, all black -> open the lens cover and "
        "switch on a light"
    )
    slow = answering(width=640, height=480, rate_hz=7.5, brightest=200)
    assert check_camera(None, slow, dev).line() == (
        f"warn  camera: {dev}/video0: 640x480 at 8 images/s -> give it more light, or another USB "
        "port"
    )


def test_topics_need_no_device(tmp_path):
    assert check_camera("topic", never, tmp_path).line() == (
        "ok    camera: images come from a ROS topic"
    )
    assert check_microphone("topic", never, tmp_path).line() == (
        "ok    microphone: sound comes from a ROS topic"
    )
    assert (
        check_microphone("none", never, tmp_path).line()
        == "ok    microphone: not used (--mic none)"
    )


def test_a_microphone(dev):
    assert check_microphone(None, GOOD_MICROPHONE, dev).line() == (
        "ok    microphone: 'default': 48000 Hz, 1 channel, -40 dB"
    )
    stereo = answering(rate_hz=16000, channels=2, level=1.0)
    assert check_microphone("hw:1,0", stereo, dev).line() == (
        "ok    microphone: 'hw:1,0': 16000 Hz, 2 channels, 0 dB"
    )


@pytest.mark.parametrize(("wanted", "level"), [(None, "warn"), ("hw:1", "fail")])
def test_no_microphone(tmp_path, wanted, level):
    assert check_microphone(wanted, never, tmp_path).line() == (
        f"{level}  microphone: no capture device in {tmp_path}/snd -> plug one in; a container "
        "needs --device /dev/snd; or use ROS topics, or --mic none"
    )


def test_a_sound_server_needs_no_device(tmp_path, monkeypatch):
    monkeypatch.setenv("PULSE_SERVER", "unix:/tmp/pulse")
    assert check_microphone(None, GOOD_MICROPHONE, tmp_path).level == "ok"
    monkeypatch.delenv("PULSE_SERVER")
    (tmp_path / "run/pulse").mkdir(parents=True)
    (tmp_path / "run/pulse/native").touch()
    assert check_microphone(None, GOOD_MICROPHONE, tmp_path).level == "ok"


def test_a_microphone_of_others(dev, monkeypatch):
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert check_microphone(None, never, dev).line() == (
        f"fail  microphone: no permission to open {dev}/snd/pcmC1D0c -> sudo usermod -aG audio "
        "$USER, then log in again"
    )


def test_a_microphone_that_does_not_open(dev):
    error = UserError("microphone 'x' cannot be opened (No such file)")
    assert check_microphone("x", raising(error), dev).line() == (
        "fail  microphone: 'x': microphone 'x' cannot be opened (No such file) -> choose another "
        "with --mic NAME (arecord -L)"
    )


def test_a_silent_or_quiet_microphone(dev):
    silent = answering(rate_hz=48000, channels=1, level=0.0)
    assert check_microphone(None, silent, dev).line() == (
        "fail  microphone: 'default': 48000 Hz, 1 channel, all zero -> unmute it: alsamixer, "
        "then F4"
    )
    quiet = answering(rate_hz=48000, channels=1, level=1e-4)
    assert check_microphone(None, quiet, dev).line() == (
        "warn  microphone: 'default': 48000 Hz, 1 channel, -80 dB, too quiet -> raise its gain: "
        "alsamixer, then F4"
    )


class FakeCamera:
    """25 images/s of 32x16 pixels, one of which is of brightness 99."""

    def __init__(self, index):
        assert index == 0
        self.read_images, self.is_open = 0, True

    def read(self):
        self.read_images += 1
        stamp_s = 100.0 + self.read_images / 25
        image = np.zeros((16, 32, 3), np.uint8)
        image[3, 4] = 99
        return ImageInput(stamp_s, stamp_s, image)

    def close(self):
        self.is_open = False


class FakeMicrophone:
    """0.1 s at a time of +-0.5, stereo."""

    def __init__(self, device):
        self.device, self.chunks = device, 0

    def read(self):
        self.chunks += 1
        samples = np.full((1600, 2), 0.5, np.float32)
        samples[::2] *= -1
        return AudioInput(0.0, 0.0, samples, 16000)

    def close(self):
        assert self.chunks == 10


def test_the_devices_are_really_read(dev, monkeypatch):
    monkeypatch.setattr(capture, "Camera", FakeCamera)
    monkeypatch.setattr(capture, "Microphone", FakeMicrophone)
    assert check_camera(None, here, dev).line() == (
        f"ok    camera: {dev}/video0: 32x16 at 25 images/s"
    )
    assert check_microphone(None, here, dev).line() == (
        "ok    microphone: 'default': 16000 Hz, 2 channels, -6 dB"
    )


def test_a_camera_that_ends_is_closed(dev, monkeypatch):
    opened = []

    class Ending(FakeCamera):
        def read(self):
            opened.append(self)
            raise OSError("no image comes any more")

    monkeypatch.setattr(capture, "Camera", Ending)
    said = check_camera(None, here, dev).line()
    assert said.startswith(f"fail  camera: {dev}/video0: OSError: no image comes any more -> ")
    assert [camera.is_open for camera in opened] == [False]
