"""The stages of a server that a probe measures for the benchmark."""

from contextlib import contextmanager

import numpy as np
import pytest
from rigs.server import (
    RGB,
    START_S,
    FakeRenderer,
    FakeTransport,
    an_image,
    audio_data,
    faked_node,
    reaction,
)

from reactface_node.config import Config
from reactface_node.ros.node.topics import IMAGE


class NotingProbe:
    """``began``: each stage with those that it lies in, outermost first."""

    def __init__(self):
        self.began, self._open = [], []

    @contextmanager
    def stage(self, name):
        self._open.append(name)
        self.began.append("/".join(self._open))
        try:
            yield
        finally:
            self._open.pop()


@pytest.fixture
def probe():
    return NotingProbe()


def test_a_message_is_converted_and_pushed(probe):
    node = faked_node(probe=probe)
    node.server.receive("image", an_image(), START_S)
    node.server.receive("audio", audio_data(), START_S)
    node.server.receive("own_audio", audio_data(), START_S)
    assert probe.began == ["convert", "session"] * 3


def test_what_needs_no_conversion_is_pushed(probe):
    node = faked_node(probe=probe)
    node.server.push_image(START_S, RGB, START_S)
    node.server.push_audio(START_S, np.zeros(160, np.int16), 16000, START_S)
    assert probe.began == ["session"] * 2


def test_a_message_that_cannot_be_converted_is_not_pushed(probe):
    node, image = faked_node(probe=probe), an_image()
    image.encoding = "smell"
    node.server.receive("image", image, START_S)
    assert probe.began == ["convert"] and node.server.meter.totals["rejected"] == 1


def test_a_turn_publishes_and_polls(probe):
    transport = FakeTransport()
    node = faked_node(transport=transport, probe=probe)
    node.session.reactions = [reaction(START_S)]
    node.server.tick(START_S)
    turn = ["playback", "session"]
    assert probe.began == [*turn, "playback", "playback/publish"]
    probe.began.clear()
    node.server.tick(START_S)
    assert probe.began == ["playback", "playback/publish", "session"]
    probe.began.clear()
    transport.listeners = {IMAGE}
    node.server.tick(START_S + 0.04)
    drawn = [f"playback/{stage}" for stage in ("publish", "render", "publish")]
    assert probe.began == ["playback", *drawn, "session"] and node.renderer.drawn == 1


def test_without_a_probe_the_same_is_published(probe):
    sent = []
    for options in ({}, {"probe": probe}):
        node = faked_node(Config(), renderer=FakeRenderer(), **options)
        node.transport.listeners = {IMAGE}
        node.session.reactions = [reaction(START_S)]
        for tick in range(8):
            node.server.tick(START_S + tick / 25)
        sent.append([topic for topic, _ in node.transport.sent])
    assert sent[0] == sent[1] and IMAGE in sent[0]
