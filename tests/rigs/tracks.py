"""Hand-made faces and meetings with known statistics."""

import numpy as np

from reactface_node.research.data.motion import frame_times
from reactface_node.research.data.nods import Nod, nod_motion
from reactface_node.research.evaluation.meeting import Meeting
from reactface_node.schema import NUM_COEFFICIENTS, index_of, indices_of


def face_of(seconds):
    """(T, 58) a neutral face."""
    return np.zeros((round(25 * seconds), NUM_COEFFICIENTS))


def show(face, stem, start_s, end_s, value=1.0):
    """Sets a channel, both sides, for a time."""
    face[round(25 * start_s) : round(25 * end_s), indices_of(stem)] = value
    return face


def turn(face, name, start_s, end_s, rad):
    face[round(25 * start_s) : round(25 * end_s), index_of(name)] = rad
    return face


def nod(face, start_s, cycles=1, depth_rad=0.08, hz=2.0):
    """Adds a nod of so many cycles, each of two half-cycles."""
    face[:, index_of("rotationX")] += nod_motion(
        frame_times(len(face)), Nod(start_s, 2 * cycles, depth_rad, hz)
    )
    return face


def look_left(face, start_s, end_s, value=0.4):
    """The eyes look to the subject's left: 14 degrees by default."""
    for name in ("eyeLookOutLeft", "eyeLookInRight"):
        turn(face, name, start_s, end_s, value)
    return face


def blink(face, start_s, seconds):
    """Closes the lids with edges of one frame: at half height it lasts so long."""
    return show(face, "eyeBlink", start_s, start_s + seconds)


def meeting(*faces, who=None, **more):
    names = who or tuple(str(index) for index in range(len(faces)))
    more.setdefault("speaker", np.zeros_like(faces[0]))
    return Meeting(np.stack(faces), names, **more)
