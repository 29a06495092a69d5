"""Live Link Face byte by byte, addresses, and UDP without a receiver."""

import socket
import struct

import numpy as np
import pytest
from rigs.outputs import NO_HOST, TIMEOUT_S, face_of, free_port, receiver, send_until_dropped

from reactface_node.errors import UserError
from reactface_node.outputs.address import parse_address
from reactface_node.outputs.face import quaternion, yaw_pitch_roll
from reactface_node.outputs.livelink import NAMES, LiveLink, packet
from reactface_node.outputs.udp import Udp
from reactface_node.schema import ARKIT_NAMES, GAZE_RAD

DEVICE = "8c5ab4c1-0b9f-4c1a-9c57-1f2d3e4f5a6b"
MIDNIGHT_S = 1_700_006_400.0  # a multiple of a day
# Where Unreal's EARFaceBlendShape has them; written down independently of the sender's table.
PLACES = {
    "eyeBlinkLeft": 0,
    "eyeWideLeft": 6,
    "eyeBlinkRight": 7,
    "eyeWideRight": 13,
    "jawForward": 14,
    "jawLeft": 15,
    "jawRight": 16,
    "jawOpen": 17,
    "mouthClose": 18,
    "mouthLeft": 21,
    "mouthRight": 22,
    "mouthSmileLeft": 23,
    "mouthSmileRight": 24,
    "mouthUpperUpRight": 40,
    "browDownLeft": 41,
    "browInnerUp": 43,
    "browOuterUpRight": 45,
    "cheekPuff": 46,
    "noseSneerLeft": 49,
    "noseSneerRight": 50,
    "tongueOut": 51,
}
TURNS = ("head", "left eye", "right eye")


def values_of(data):
    """The 61 values of a packet whose subject has 4 letters."""
    return struct.unpack(">61f", data[-244:])


def turns_of(face):
    """{"head": (yaw, pitch, roll), ...} in radians."""
    values = np.array(values_of(packet(0.0, face, "robo", DEVICE))[52:])
    return dict(zip(TURNS, values.reshape(3, 3), strict=True))


def test_a_packet_is_these_bytes():
    shapes = [0.0] * 61
    shapes[17], shapes[51] = 0.5, 0.25
    expected = (
        b"\x06"
        + b"\x00\x00\x00\x24"
        + DEVICE.encode()
        + b"\x00\x00\x00\x04robo"
        + (25 * 3601 + 13).to_bytes(4, "big")
        + struct.pack(">f", 0.5)
        + b"\x00\x00\x00\x19"
        + b"\x00\x00\x00\x01"
        + b"\x3d"
        + b"".join(struct.pack(">f", value) for value in shapes)
    )
    face = face_of(jawOpen=0.5, tongueOut=0.25)
    assert packet(MIDNIGHT_S + 3601.54, face, "robo", DEVICE) == expected


@pytest.mark.parametrize("name", PLACES)
def test_shapes_lie_where_unreal_expects_them(name):
    values = values_of(packet(0.0, face_of(**{name: 0.75}), "robo", DEVICE))
    assert [at for at, value in enumerate(values[:52]) if value] == [PLACES[name]]


def test_every_shape_is_sent_once():
    assert sorted(NAMES) == sorted(ARKIT_NAMES)


@pytest.mark.parametrize(
    ("at_s", "frame", "sub_frame"),
    [
        (0.0, 0, 0.0),
        (MIDNIGHT_S + 0.02, 0, 0.5),
        (MIDNIGHT_S + 0.0399999999, 1, 0.0),
        (MIDNIGHT_S + 86399.96, 2159999, 0.0),
        (MIDNIGHT_S + 86399.9999999, 0, 0.0),
    ],
)
def test_frames_count_from_midnight(at_s, frame, sub_frame):
    data = packet(at_s, face_of(), "robo", DEVICE)
    assert struct.unpack(">ifii", data[49:65]) == (frame, sub_frame, 25, 1)


def test_head_signs_are_the_apps():
    """Yaw + to the subject's left, pitch + up, roll + right side up."""
    for name, place, sign in (("rotationY", 0, 1), ("rotationX", 1, -1), ("rotationZ", 2, -1)):
        expected = np.zeros(3)
        expected[place] = sign * 0.3
        np.testing.assert_allclose(turns_of(face_of(**{name: 0.3}))["head"], expected, atol=1e-6)


def test_eye_signs_are_the_apps():
    """Yaw + to the subject's right, pitch + down."""
    left = turns_of(face_of(eyeLookOutLeft=1.0, eyeLookInRight=0.5))
    np.testing.assert_allclose(left["left eye"], [-GAZE_RAD, 0, 0], atol=1e-6)
    np.testing.assert_allclose(left["right eye"], [-GAZE_RAD / 2, 0, 0], atol=1e-6)
    down = turns_of(face_of(eyeLookDown=1.0))
    np.testing.assert_allclose(down["left eye"], [0, GAZE_RAD, 0], atol=1e-6)
    np.testing.assert_allclose(down["right eye"], [0, GAZE_RAD, 0], atol=1e-6)


def test_yaw_pitch_roll_are_the_same_rotation():
    def product(q, p):
        (x, y, z, w), (a, b, c, d) = q, p
        return np.array(
            [
                w * a + x * d + y * c - z * b,
                w * b - x * c + y * d + z * a,
                w * c + x * b - y * a + z * d,
                w * d - x * a - y * b - z * c,
            ]
        )

    angles = np.array([0.4, -0.7, 0.5])
    yaw, pitch, roll = yaw_pitch_roll(angles)
    about = np.diag([pitch, yaw, roll])
    turned = product(product(quaternion(about[1]), quaternion(about[0])), quaternion(about[2]))
    np.testing.assert_allclose(turned, quaternion(angles), atol=1e-12)


def test_what_is_no_number_is_sent_as_zero():
    face = face_of(jawOpen=np.nan, rotationX=np.inf, mouthSmile=2.0)
    values = values_of(packet(0.0, face, "robo", DEVICE))
    assert values[17] == 0 and values[53] == 0 and values[23] == values[24] == 1


def test_a_real_socket_receives_it():
    with receiver() as (listening, port):
        link = LiveLink("127.0.0.1", port, "robo")
        link.send(MIDNIGHT_S, face_of(jawOpen=0.5))
        data = listening.recv(2048)
        link.close()
    device = data[5:41].decode()
    assert data == packet(MIDNIGHT_S, face_of(jawOpen=0.5), "robo", device)
    assert link.dropped == 0


def test_a_dead_peer_is_counted_and_nothing_raises():
    link = LiveLink("127.0.0.1", free_port())
    send_until_dropped(link)
    link.close()
    dropped = link.dropped
    link.send(0.0, face_of())  # after the end as well
    assert link.dropped == dropped + 1


def test_sending_goes_on_when_the_peer_comes_back():
    port = free_port()
    sender = Udp("127.0.0.1", port)
    for _ in range(1000):
        sender.send(b"x")
        if sender.dropped:
            break
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind(("127.0.0.1", port))
        listening.settimeout(TIMEOUT_S)
        for _ in range(2):  # a refusal may still be on its way
            sender.send(b"again")
        assert listening.recv(16) == b"again"
    sender.close()


def test_an_unknown_host_is_the_users_mistake():
    with pytest.raises(UserError, match="cannot find the host"):
        LiveLink(NO_HOST)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10.0.0.5", ("10.0.0.5", 7)),
        (" unreal.local ", ("unreal.local", 7)),
        ("unreal.local:11112", ("unreal.local", 11112)),
        ("[::1]:39539", ("::1", 39539)),
        ("[fe80::1%eth0]", ("fe80::1%eth0", 7)),
    ],
)
def test_addresses(text, expected):
    assert parse_address(text, 7) == expected


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is not HOST or HOST:PORT"),
        (":80", "is not HOST"),
        ("host:", "is not HOST"),
        ("host:port", "is not HOST"),
        ("host:-1", "is not HOST"),
        ("a host", "is not HOST"),
        ("::1", "needs brackets"),
        ("[::1", "needs brackets"),
        ("host:0", "within 1 .. 65535"),
        ("host:65536", "within 1 .. 65535"),
    ],
)
def test_wrong_addresses(text, says):
    with pytest.raises(UserError, match=says):
        parse_address(text, 7)
