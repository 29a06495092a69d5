"""The events of hand-made listener faces."""

import numpy as np
import pytest

from reactface_node.schema import EVENT_KINDS, PHASES, index_of, indices_of
from reactface_node.session.listener_events import ListenerEvents
from reactface_node.session.threshold_detector import ThresholdDetector

START_S = 50.0


def faces(frames=150):
    return np.zeros((frames, 58), np.float32)


def read(face, chunk=8):
    reader, found = ListenerEvents(), []
    for first in range(0, len(face), chunk):
        part = face[first : first + chunk]
        show_at_s = START_S + np.arange(first, first + len(part)) / 25
        found += reader.read(first, show_at_s, part)
    return found


SHOWN = {
    "smile": {"mouthSmileLeft": 0.4, "mouthSmileRight": 0.2},
    "frown": {"browDownLeft": 0.45, "browDownRight": 0.45},
    "gaze_away": {"eyeLookOutLeft": 0.3, "eyeLookInRight": 0.3},
    "tilt": {"rotationZ": -0.105},
}


@pytest.mark.parametrize("kind", SHOWN)
def test_what_is_shown_for_a_second_starts_and_ends_once(kind):
    face = faces()
    for name, value in SHOWN[kind].items():
        face[50:75, index_of(name)] = value
    start, end = read(face)
    assert (start.kind, start.phase, end.kind, end.phase) == (kind, "start", kind, "end")
    assert (start.stamp_s, end.stamp_s) == pytest.approx((START_S + 2.0, START_S + 3.0))
    assert start.duration_s == 0.0 and end.duration_s == pytest.approx(1.0)
    assert start.probability == end.probability == pytest.approx(0.75, abs=1e-6)
    assert end.depth_rad == pytest.approx(-0.105 if kind == "tilt" else 0.0)
    assert kind in EVENT_KINDS["listener"] and {start.phase, end.phase} <= set(PHASES)


def test_a_laugh_is_a_smile_with_an_open_mouth():
    face = faces()
    face[50:100, indices_of("mouthSmile")] = 0.5
    assert [event.kind for event in read(face)] == ["smile", "smile"]
    face[60:90, index_of("jawOpen")] = 0.6
    assert [(event.kind, event.phase) for event in read(face)] == [
        ("smile", "start"),
        ("laugh", "start"),
        ("laugh", "end"),
        ("smile", "end"),
    ]
    face[:, indices_of("mouthSmile")] = 0.0
    assert read(face) == []  # a yawn


LEFT = ("eyeLookOutLeft", "eyeLookInRight")


def kinds(face):
    return [(event.kind, event.phase) for event in read(face)]


def test_a_blink_lowers_the_gaze_and_is_no_look_away():
    face = faces()
    closure = np.zeros(150, np.float32)
    closure[50:53] = 0.6, 1.0, 0.4
    closure[90:106] = 1.0  # a long one
    face[:, indices_of("eyeBlink")] = closure[:, None]
    face[:, indices_of("eyeLookDown")] = 0.4 * closure[:, None]
    assert kinds(face) == []
    # A glance goes on behind the lids.
    face[85:115, [index_of(name) for name in LEFT]] = 0.3
    assert kinds(face) == [("gaze_away", "start"), ("gaze_away", "end")]


def test_a_gaze_that_stays_on_the_speaker_while_the_head_nods_is_not_away():
    face = faces()
    nod = 0.1 * (1.0 - np.cos(2 * np.pi * np.arange(50) / 25)).astype(np.float32)  # 0.2 rad
    face[50:100, index_of("rotationX")] = nod
    nods = [("nod", "start"), ("nod", "end")]
    assert kinds(face) == nods  # eyes that are still in the head
    face[50:100, indices_of("eyeLookUp")] = nod[:, None] / 0.61
    assert kinds(face) == nods  # eyes that stay on the speaker


def test_a_speaker_at_the_side_is_looked_at_and_a_glance_leaves_him():
    face = faces(500)
    face[50:, indices_of(*LEFT)] = 0.4  # he has gone there, and the eyes have followed
    face[400:425, indices_of(*LEFT)] = 0.0
    events = read(face)
    assert [event.phase for event in events] == ["start", "end"] * 2
    stamps_s = [event.stamp_s - START_S for event in events]
    # For the first seconds there nothing tells that this is where he is.
    assert stamps_s == pytest.approx([2.0, 6.04, 16.0, 17.0], abs=0.05)
    face[:100, indices_of(*LEFT)] = np.linspace(0.0, 0.4, 100)[:, None]
    face[100:] = face[99]
    assert [event.kind for event in read(face)] == []  # he went there slowly


def test_two_frames_and_a_face_at_rest_are_no_events():
    face = faces()
    face[50:52, indices_of("mouthSmile")] = 0.9
    assert read(face) == [] and read(faces()) == []


def test_a_trembling_value_is_one_event():
    detector = ThresholdDetector("listener", "smile", 0.2)
    found = []
    for frame in range(100):
        value = 0.2 + 0.05 * (-1) ** frame if 10 <= frame < 60 else 0.0
        found += detector.step(frame / 25, value)
    assert [event.phase for event in found] == ["start", "end"]


def test_the_events_do_not_depend_on_the_chunks():
    random = np.random.default_rng(0)
    face = faces(400)
    face += np.repeat(random.uniform(-0.1, 0.5, (16, 58)), 25, axis=0).astype(np.float32)
    face[:, index_of("rotationX")] = 0.05 * np.sin(np.arange(400) / 2)
    whole = read(face, 400)
    assert len(whole) > 10
    assert whole == read(face, 8) == read(face, 1)
