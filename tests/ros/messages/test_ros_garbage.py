"""Random and truncated messages of every stream: counted, never raised."""

import copy
import dataclasses

import numpy as np
import pytest
from rigs.garbage import (
    APT,
    MESSAGES,
    OTHER,
    TEXTS,
    mutated,
)
from rigs.server import START_S, audio_data, faked_node

from reactface_node.ros.messages.types import MessageError
from reactface_node.ros.node.streams import Humans

CASES = [(stream, one) for stream, several in MESSAGES.items() for one in several]
NAMES = [f"{stream}-{one.__msgtype__.split('/')[-1]}" for stream, one in CASES]


def damaged(data, rng):
    """Some bytes changed, or cut off, or anything at all."""
    data = bytearray(data)
    kind = rng.integers(0, 3)
    if kind == 0:
        for _ in range(rng.integers(1, 6)):
            data[rng.integers(4, len(data))] = rng.integers(0, 256)
    elif kind == 1:
        del data[rng.integers(0, len(data)) :]
    else:
        data[4:] = rng.bytes(int(rng.integers(0, 200)))
    return bytes(data)


def deliver(node, humans, stream, message):
    """As a transport does."""
    if stream == "faces":
        if humans.update(stream, message.ids):
            node.server.intake.follow_another(stream)
    else:
        node.server.receive(stream, message, START_S)


@pytest.mark.slow
@pytest.mark.parametrize(("stream", "message"), CASES, ids=NAMES)
def test_damaged_on_the_wire(stream, message):
    types = OTHER if message.__msgtype__.endswith("AudioStamped") else APT
    good = bytes(types.serialize(message))
    rng = np.random.default_rng(len(good))
    node, humans = faked_node(), Humans(faked_node().server.config.ros)
    understood = 0
    for _ in range(300):
        try:
            read = types.deserialize(damaged(good, rng), message.__msgtype__)
        except MessageError:
            continue
        understood += 1
        deliver(node, humans, stream, read)
        # What the damaged AudioInfo said is not to be kept from failing later.
        node.server.receive("audio", audio_data(160), START_S)
        node.server.receive("own_audio", audio_data(160), START_S)
    assert understood > 5


@pytest.mark.parametrize(("stream", "message"), CASES, ids=NAMES)
def test_fields_of_any_value(stream, message):
    rng = np.random.default_rng(0)
    node, humans = faked_node(), Humans(faked_node().server.config.ros)
    for _ in range(200):
        deliver(node, humans, stream, mutated(copy.deepcopy(message), rng))


def test_ids_that_are_no_names_of_topics_are_nobodys():
    humans = Humans(dataclasses.replace(faked_node().server.config.ros, face_id="auto"))
    for ids in ([], [""], ["a/b", "a b", "1a", "é", "~", "{x}", "a\n"], TEXTS[:2][:1]):
        assert not humans.update("faces", ids) and humans.image_topic() == ""
    assert humans.update("faces", ["a b", "anna"])
    assert humans.image_topic() == "/humans/faces/anna/cropped"
    assert not humans.update("faces", []) and humans.face == "anna"
