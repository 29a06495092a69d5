"""Live Link Face: the UDP packets that Epic's iPhone app sends to Unreal Engine.

Layout, version 6, big-endian throughout (Unreal Engine, AppleARKitLiveLinkSource.cpp;
PyLiveLinkFace and LLV read the same from the app):

    uint8   version, 6
    string  device id     int32 length, then as many bytes, no zero at the end
    string  subject name
    int32   frame number, float32 sub-frame in [0, 1)      FFrameTime
    int32   rate numerator, int32 rate denominator         FFrameRate
    uint8   61
    float32 61 values: 52 weights in Epic's EARFaceBlendShape order, then yaw, pitch and roll of
            the head, the left eye and the right eye

Angles are radians: head yaw + turns to the subject's left, pitch + looks up, roll + tilts the right
side up; an eye's yaw + looks to the subject's right, pitch + looks down. Source: frames recorded
from the app (LLV's example "dao"). There an eye turns 0.61 rad at weight 1, with these signs (r =
0.9997); while the head moves the eyes look at the phone, which shows that head and eye yaw have
opposite signs (r = 0.95), and so does pitch (weaker, r = 0.5); the sign of roll then follows from
those of the other two. Unreal's own ToBlendShapeMap divides by 180 degrees instead; the recording
does not agree with that.
"""

import socket
import struct
import uuid

import numpy as np

from reactface_node.outputs.face import gaze, rotation, weights, yaw_pitch_roll
from reactface_node.outputs.udp import Udp
from reactface_node.schema import FRAME_RATE_HZ, GAZE_RAD, index_of

PORT = 11111
SUBJECT = "reactface"
VERSION = 6
_SIDE = ("eyeBlink", "eyeLookDown", "eyeLookIn", "eyeLookOut", "eyeLookUp", "eyeSquint", "eyeWide")
NAMES = (
    *(f"{stem}Left" for stem in _SIDE),
    *(f"{stem}Right" for stem in _SIDE),
    "jawForward",
    "jawLeft",
    "jawRight",
    "jawOpen",
    "mouthClose",
    "mouthFunnel",
    "mouthPucker",
    "mouthLeft",
    "mouthRight",
    "mouthSmileLeft",
    "mouthSmileRight",
    "mouthFrownLeft",
    "mouthFrownRight",
    "mouthDimpleLeft",
    "mouthDimpleRight",
    "mouthStretchLeft",
    "mouthStretchRight",
    "mouthRollLower",
    "mouthRollUpper",
    "mouthShrugLower",
    "mouthShrugUpper",
    "mouthPressLeft",
    "mouthPressRight",
    "mouthLowerDownLeft",
    "mouthLowerDownRight",
    "mouthUpperUpLeft",
    "mouthUpperUpRight",
    "browDownLeft",
    "browDownRight",
    "browInnerUp",
    "browOuterUpLeft",
    "browOuterUpRight",
    "cheekPuff",
    "cheekSquintLeft",
    "cheekSquintRight",
    "noseSneerLeft",
    "noseSneerRight",
    "tongueOut",
)
DAY_S = 86400
# Sub-frames are rounded to this many per frame, since stamps have more digits than their clock's
# precision.
SUB_FRAMES = 1000

_ORDER = [index_of(name) for name in NAMES]


def packet(show_at_s: float, face: np.ndarray, subject: str, device: str) -> bytes:
    """One frame (58,), to be shown at ``show_at_s``; subject and device are ASCII.

    The frame number counts from midnight UTC, at 25 frames a second.
    """
    ticks = round(float(show_at_s) % DAY_S * FRAME_RATE_HZ * SUB_FRAMES)
    frame, sub_frame = divmod(ticks % (DAY_S * FRAME_RATE_HZ * SUB_FRAMES), SUB_FRAMES)
    values = _values(face)
    time = struct.pack(">ifii", frame, sub_frame / SUB_FRAMES, FRAME_RATE_HZ, 1)
    head = struct.pack(">B", VERSION) + _string(device) + _string(subject) + time
    return head + struct.pack(">B", len(values)) + values.astype(">f4").tobytes()


class LiveLink:
    """Sends each frame to Unreal Engine's Live Link under a subject's name."""

    def __init__(self, host: str, port: int = PORT, subject: str = SUBJECT) -> None:
        """UserError if the host cannot be found."""
        self._udp = Udp(host, port)
        self._subject = subject
        # 36 characters as in the app, since readers rely on that; different for two robots.
        self._device = str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{subject}.{socket.gethostname()}"))

    @property
    def dropped(self) -> int:
        """Frames that were not sent."""
        return self._udp.dropped

    def send(self, show_at_s: float, face: np.ndarray) -> None:
        self._udp.send(packet(show_at_s, face, self._subject, self._device))

    def close(self) -> None:
        self._udp.close()


def _string(text: str) -> bytes:
    data = text.encode("ascii")
    return struct.pack(">i", len(data)) + data


def _values(face: np.ndarray) -> np.ndarray:
    """(58,) -> (61,) as the packet orders them."""
    weight = weights(face)
    yaw, pitch, roll = yaw_pitch_roll(rotation(face))
    eyes = -gaze(weight) * GAZE_RAD
    turns = [yaw, -pitch, -roll, *eyes[0], 0.0, *eyes[1], 0.0]
    # + 0.0 turns a negative zero into a positive one.
    return np.concatenate([weight[_ORDER], turns]) + 0.0
