"""VMC as python-osc's own receiver reads it from a real socket."""

import math
import sys

import numpy as np
import pytest
from pythonosc.osc_packet import OscPacket
from rigs.outputs import NO_HOST, face_of, free_port, mirrored, receiver, send_until_dropped

from reactface_node.errors import UserError
from reactface_node.outputs.face import weights
from reactface_node.outputs.vmc import MAX_BYTES, PERFECT_SYNC, PRESETS, Vmc, presets
from reactface_node.schema import ListenerEvent


def messages_of(data):
    return [(item.message.address, item.message.params) for item in OscPacket(data).messages]


def received(*frames):
    """The messages of each datagram that these (show_at_s, face) make."""
    with receiver() as (listening, port):
        sender = Vmc("127.0.0.1", port)
        for frame in frames:
            sender.send(*frame)
        datagrams = []
        while sum(("/VMC/Ext/Blend/Apply", []) in d for d in datagrams) < len(frames):
            data = listening.recv(65536)
            assert len(data) <= MAX_BYTES and data.startswith(b"#bundle\0")
            datagrams.append(messages_of(data))
        sender.close()
    assert sender.dropped == 0
    return datagrams


def values_of(datagrams):
    messages = [message for datagram in datagrams for message in datagram]
    return {p[0]: p[1] for address, p in messages if address == "/VMC/Ext/Blend/Val"}


def head_of(face):
    (bone,) = [p for d in received((0.0, face)) for a, p in d if a == "/VMC/Ext/Bone/Pos"]
    return bone


def preset(name, face):
    return presets(weights(face))[PRESETS.index(name)]


def test_an_event_is_one_message_on_the_frames_clock():
    event = ListenerEvent(12.5, "listener", "nod", "end", 0.75, 1.25, 2, 0.125, 2.5)
    with receiver() as (listening, port):
        sender = Vmc("127.0.0.1", port)
        sender.tell(event)
        before = messages_of(listening.recv(65536))
        sender.send(12.0, face_of())
        sender.tell(event)
        data = b""
        while not data.startswith(b"/reactface/event"):
            data = listening.recv(65536)
        sender.close()
    said = ["listener", "nod", "end", 0.5, 0.75, 1.25, 2, 0.125, 2.5]
    assert messages_of(data) == [("/reactface/event", said)]
    assert before == [("/reactface/event", [*said[:3], 0.0, *said[4:]])]


def test_a_frame_is_whole_and_applied_at_its_end():
    datagrams = received((12.0, face_of(jawOpen=0.5, browDownLeft=0.25)))
    messages = [message for datagram in datagrams for message in datagram]
    assert messages[0] == ("/VMC/Ext/OK", [1])
    assert messages[1] == ("/VMC/Ext/T", [0.0])
    assert messages[2][0] == "/VMC/Ext/Bone/Pos"
    assert [address for address, _ in messages].count("/VMC/Ext/Blend/Apply") == 1
    assert messages[-1] == ("/VMC/Ext/Blend/Apply", [])
    values = values_of(datagrams)
    assert tuple(values) == PERFECT_SYNC + PRESETS
    assert (values["JawOpen"], values["BrowDownLeft"], values["BrowDownRight"]) == (0.5, 0.25, 0)
    assert values["A"] == 0.5


def test_every_shape_carries_its_own_value():
    face = face_of()
    face[:52] = np.arange(52) / 64
    values = values_of(received((0.0, face)))
    assert [values[name] for name in PERFECT_SYNC] == [k / 64 for k in range(52)]


def test_each_frame_has_its_own_values_and_time():
    datagrams = received((5.0, face_of(jawOpen=1.0)), (5.5, face_of(mouthPucker=0.5)))
    half = len(datagrams) // 2
    first, second = values_of(datagrams[:half]), values_of(datagrams[half:])
    assert (first["JawOpen"], first["MouthPucker"]) == (1, 0)
    assert (second["JawOpen"], second["MouthPucker"]) == (0, 0.5)
    times = [p[0] for d in datagrams for address, p in d if address == "/VMC/Ext/T"]
    assert times == [0.0, 0.5]


def test_time_starts_again_when_the_clock_jumps_back():
    datagrams = received((100.0, face_of()), (50.0, face_of()), (51.0, face_of()))
    times = [p[0] for d in datagrams for address, p in d if address == "/VMC/Ext/T"]
    assert times == [0.0, 0.0, 1.0]


def unity(axis, degrees):
    """Unity's Quaternion.AngleAxis: left-handed, so + about y turns to the right."""
    half = math.radians(degrees) / 2
    return [*(math.sin(half) * np.array(axis)), math.cos(half)]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("rotationX", unity((1, 0, 0), 30)),  # nods down: Unity's + about x
        ("rotationY", unity((0, 1, 0), -30)),  # to its left: Unity's - about y
        ("rotationZ", unity((0, 0, 1), -30)),  # left side up: Unity's - about z
    ],
)
def test_the_head_turns_on_unitys_axes(name, expected):
    bone = head_of(face_of(**{name: math.radians(30)}))
    assert bone[:4] == ["Head", 0.0, 0.0, 0.0]
    np.testing.assert_allclose(bone[4:], expected, atol=1e-6)


def test_a_neutral_head_is_the_identity():
    assert head_of(face_of()) == ["Head", 0, 0, 0, 0, 0, 0, 1]


def test_presets_follow_the_face():
    assert preset("O", face_of(mouthFunnel=0.8, jawOpen=0.6)) > 0.7
    assert preset("U", face_of(mouthPucker=0.8)) > 0.7
    assert preset("E", face_of(jawOpen=0.7, mouthStretch=0.8)) > 0.5
    assert preset("I", face_of(mouthStretch=0.8)) > 0.7
    assert preset("A", face_of(jawOpen=0.8, mouthClose=0.8)) == 0
    assert preset("Blink_L", face_of(eyeBlinkLeft=0.9)) == pytest.approx(0.9)
    assert preset("Blink_R", face_of(eyeBlinkLeft=0.9)) == 0
    assert preset("Joy", face_of(mouthSmile=1, cheekSquint=1)) == pytest.approx(1)
    assert preset("Angry", face_of(browDown=1, mouthPress=1)) > 0.6
    assert preset("Sorrow", face_of(browInnerUp=1, mouthFrown=1)) > 0.6
    assert preset("LookLeft", face_of(eyeLookOutLeft=0.6, eyeLookInRight=0.6)) > 0.5
    assert preset("LookUp", face_of(eyeLookUp=0.6)) > 0.5
    assert not presets(weights(face_of())).any()


def test_presets_stay_in_range_and_change_sides_in_a_mirror():
    rng = np.random.default_rng(1)
    swapped = [PRESETS.index(n) for n in ("Blink_L", "Blink_R", "LookLeft", "LookRight")]
    for face in rng.uniform(-0.5, 1.5, (50, 58)).astype(np.float32):
        values, other = presets(weights(face)), presets(weights(mirrored(face)))
        assert ((values >= 0) & (values <= 1)).all()
        other[swapped] = other[[swapped[k] for k in (1, 0, 3, 2)]]
        np.testing.assert_allclose(values, other, atol=1e-9)


def test_what_is_no_number_is_sent_as_zero():
    face = np.full(58, np.nan, np.float32)
    values = values_of(received((0.0, face)))
    assert not any(values.values())
    assert head_of(face)[4:] == [0, 0, 0, 1]


def test_a_dead_peer_is_counted_and_nothing_raises():
    sender = Vmc("127.0.0.1", free_port())
    send_until_dropped(sender)
    sender.close()


def test_without_python_osc_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pythonosc.osc_bundle_builder", None)
    with pytest.raises(UserError, match="pip install python-osc"):
        Vmc("127.0.0.1")


def test_an_unknown_host_is_the_users_mistake():
    with pytest.raises(UserError, match="cannot find the host"):
        Vmc(NO_HOST)
