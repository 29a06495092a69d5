"""Faces by name, and a real receiver of datagrams."""

import socket
from contextlib import contextmanager

import numpy as np

from reactface_node.schema import COEFFICIENT_NAMES, NUM_COEFFICIENTS, index_of, indices_of

TIMEOUT_S = 5.0
# No resolver is asked for a name that no host can have.
NO_HOST = "x" * 64 + ".invalid"


def face_of(**values):
    """A neutral face (58,) but for these coefficients; a stem is a left and a right one."""
    face = np.zeros(NUM_COEFFICIENTS, np.float32)
    for name, value in values.items():
        face[indices_of(name)] = value
    return face


def mirrored(face):
    """The face in a mirror: sides change places, turns to the side and tilts are reversed."""
    other = face.copy()
    for name in COEFFICIENT_NAMES:
        if name.endswith("Left"):
            left, right = index_of(name), index_of(name[:-4] + "Right")
            other[left], other[right] = face[right], face[left]
    other[[index_of(name) for name in ("rotationY", "rotationZ", "translationX")]] *= -1
    return other


@contextmanager
def receiver():
    """A UDP socket on this machine and its port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.settimeout(TIMEOUT_S)
        yield listening, listening.getsockname()[1]


def free_port():
    """A UDP port that nobody listens on."""
    with receiver() as (_, port):
        return port


def send_until_dropped(sender, frames=1000):
    """To a dead peer: a refusal comes back at the latest some frames later."""
    for frame in range(frames):
        sender.send(frame / 25, face_of())
        if sender.dropped:
            return
    raise AssertionError("no refusal was counted")
