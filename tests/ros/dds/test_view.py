"""``reactface view``: pictures on a display, on SDL's dummy driver and over real DDS."""

import os
import signal
import time
from types import SimpleNamespace

import numpy as np
import pytest
from rigs.dds import command_line

from reactface_node.errors import UserError
from reactface_node.media.display import Display
from reactface_node.media.fitting import fitted
from reactface_node.ros.messages import convert
from reactface_node.ros.messages.types import RosbagsTypes

pygame = pytest.importorskip("pygame", reason="needs pygame-ce")
TYPES = RosbagsTypes()
DOMAIN = 102
RED = np.full((40, 80, 3), (200, 10, 30), np.uint8)


@pytest.fixture
def display(monkeypatch):
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    shown = Display(full_screen=False)
    yield shown
    shown.close()


def test_a_picture_is_as_large_as_fits_in_the_middle():
    page = fitted(RED, 100, 100)
    assert page.shape == (100, 100, 3)
    np.testing.assert_array_equal(page[50, :], np.broadcast_to(RED[0, 0], (100, 3)))
    assert not page[:25].any() and not page[75:].any()
    wide = fitted(RED, 400, 100)
    assert not wide[:, :100].any() and not wide[:, 300:].any() and wide[:, 100:300].any(2).all()
    assert fitted(RED, 1, 1).shape == (1, 1, 3)


def test_pictures_are_shown_and_keys_leave(display):
    display.show(RED)
    surface = pygame.display.get_surface()
    width, height = display.size()
    assert tuple(surface.get_at((width // 2, height // 2)))[:3] == (200, 10, 30)
    assert tuple(surface.get_at((width // 2, 2)))[:3] == (0, 0, 0)
    assert not display.is_left()
    for event in (
        pygame.event.Event(pygame.KEYDOWN, key=pygame.K_ESCAPE),
        pygame.event.Event(pygame.KEYDOWN, key=pygame.K_q),
        pygame.event.Event(pygame.QUIT),
    ):
        pygame.event.post(pygame.event.Event(pygame.KEYDOWN, key=pygame.K_a))
        pygame.event.post(event)
        assert display.is_left()


def test_without_a_display_it_is_one_clear_line(monkeypatch):
    monkeypatch.setenv("SDL_VIDEODRIVER", "nothing_of_this_name")
    with pytest.raises(UserError, match="no display"):
        Display(full_screen=True)


class Seen:
    """A screen that keeps what it is shown."""

    def __init__(self):
        self.pictures = []

    def show(self, rgb):
        self.pictures.append(rgb)

    def is_left(self):
        return False


def until(found):
    deadline = time.monotonic() + 30.0
    while time.monotonic() < deadline:
        if found():
            return
        time.sleep(0.005)
    raise AssertionError("the deadline passed")


@pytest.fixture
def wire():
    pytest.importorskip("cyclonedds", reason="the wire without ROS needs the cyclonedds wheel")
    from reactface_node.ros.dds.wire import Wire

    made = Wire("robot", DOMAIN, "lo")
    yield made
    made.close()


def a_writer(wire, topic="rt/robot/face"):
    from reactface_node.ros.dds.wire import Quality

    writer = wire.writer(topic, "sensor_msgs/msg/CompressedImage", TYPES, Quality(False, 1))
    wire.announce()
    return writer


def test_a_topic_is_watched_whatever_its_type_and_bad_pictures_are_left_out(wire, caplog):
    from reactface_node.ros.dds.view import TopicViewer

    seen, writer = Seen(), a_writer(wire)
    viewer = TopicViewer(wire, "/robot/face", seen)
    good = convert.compressed_image(TYPES, 1.0, "robot", RED, 95)
    bad = TYPES.message_type("sensor_msgs/msg/CompressedImage")(
        header=good.header, format="jpeg", data=np.frombuffer(b"no picture", np.uint8)
    )

    def sent(message):
        writer.write(message)
        viewer.spin(time.time())

    until(lambda: sent(bad) or caplog.records)
    until(lambda: sent(good) or seen.pictures)
    assert np.abs(seen.pictures[-1].astype(int) - RED).max() < 12
    said = [record.message for record in caplog.records]
    assert len(said) == 1 and "cannot be shown" in said[0]
    for anything in (IndexError("out of range"), None, SimpleNamespace()):
        viewer._show(anything)
    assert len(caplog.records) == 1


@pytest.mark.slow
def test_the_command_shows_a_topic_until_it_is_stopped(wire):
    with command_line(DOMAIN, "view", "/robot/face", SDL_VIDEODRIVER="dummy") as child:
        writer = a_writer(wire)
        until(lambda: writer.matched or child.poll() is not None)
        child.send_signal(signal.SIGINT)
        _, errors = child.communicate(timeout=30.0)
        assert (child.returncode, errors) == (0, "")


def test_a_topic_that_cannot_be_is_refused_before_anything_is_opened():
    from reactface_node.config import RosConfig
    from reactface_node.ros.dds.view import view

    with pytest.raises(UserError, match="not a topic name"):
        view(RosConfig(), "no topic!", full_screen=False)
    assert "SDL_VIDEODRIVER" not in os.environ
