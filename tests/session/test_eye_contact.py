"""Eyes and head turn to the speaker's face, and the robot breathes."""

import math
from dataclasses import replace

import numpy as np
import pytest
from rigs.model_inputs import engine_for, small_config
from rigs.session import ReadingTracker, joined, run

from reactface_node.config import Config, PlayoutConfig
from reactface_node.errors import UserError
from reactface_node.outputs.face import gaze
from reactface_node.schema import EXPRESSION, GAZE_RAD, ROTATION, TRANSLATION, index_of
from reactface_node.session.eye_contact import POINTS_M, direction
from reactface_node.session.gaze import Saccades
from reactface_node.session.idle import IdleMotion, PostureShifts
from reactface_node.session.playout import GAZE, Playout
from reactface_node.session.session import ReactionSession

# A camera at the robot's eyes, as the coefficients' own focal length has it.
STRAIGHT = PlayoutConfig(
    blinks_per_min=0.0,
    idle_gain=0.0,
    camera_up_m=0.0,
    camera_fov_deg=math.degrees(2 * math.atan(0.5)),
)
# No glances away: the model's gaze gain also scales them.
STEADY = replace(STRAIGHT, gaze_gain=0.0)
MIDDLE = np.array([0.0, 0.0, -1.0])


def at(yaw_deg, pitch_deg=0.0, far_m=1.0):
    """A face in the picture: degrees to the right and up, metres ahead."""
    yaw, pitch = np.radians([yaw_deg, pitch_deg])
    x = far_m * math.tan(yaw)
    return np.array([x, math.hypot(x, far_m) * math.tan(pitch), -far_m])


def play(config, place, seconds=6.0, raw=None, window=8):
    """Faces (n, 58) of one sample; place: (3,) or None, or (n, 3)."""
    playout, faces = Playout(config, max(window, 8), max(config.seed, 0)), []
    count = int(seconds * 25 / window)
    places = np.broadcast_to(np.full(3, np.nan) if place is None else place, (count * window, 3))
    raw = np.zeros((1, count * window, 58), np.float32) if raw is None else raw
    for index in range(count):
        part = slice(index * window, (index + 1) * window)
        there = np.isfinite(places[part]).all(axis=1)
        faces.append(playout.finish(index, raw[:, part], there, config, False, places[part])[1])
    return np.concatenate(faces)


def eyes_deg(faces):
    """Mean direction of both eyes in the head, (n, 2) degrees to the robot's right and up."""
    left_up = np.stack([gaze(face[EXPRESSION]).mean(axis=0) for face in faces.astype(float)])
    return np.degrees(left_up * GAZE_RAD) * [-1.0, 1.0]


def head_deg(faces):
    """(n, 2) degrees to the robot's right and up."""
    return -np.degrees(faces[:, ROTATION][:, [1, 0]].astype(float))


@pytest.mark.parametrize(
    ("yaw", "pitch"), [(20.0, 0.0), (-20.0, 0.0), (0.0, 12.0), (0.0, -12.0), (15.0, 8.0)]
)
def test_eyes_and_head_turn_to_the_face_in_the_picture(yaw, pitch):
    faces = play(STEADY, at(yaw, pitch))
    settled = faces[75:]
    # The gaze in the room is that of the eyes in the head and that of the head.
    looks = (eyes_deg(settled) + head_deg(settled)) - [yaw, pitch]
    # It moves between eyes and mouth, at 1 m 1.8 degrees to each side and 4 degrees down.
    assert np.abs(looks[:, 0]).max() < 2.0 and looks[:, 1].min() > -4.2 and looks[:, 1].max() < 0.2
    np.testing.assert_allclose(head_deg(settled)[-1], np.array([yaw, pitch]) / 3, atol=0.05)


def test_right_in_the_picture_is_the_robots_right():
    face = play(STEADY, at(20.0))[-1]
    assert face[index_of("eyeLookOutRight")] > 0.3 and face[index_of("eyeLookInLeft")] > 0.3
    assert face[index_of("eyeLookOutLeft")] == 0.0 and face[index_of("eyeLookInRight")] == 0.0
    assert face[index_of("rotationY")] < -0.1
    above = play(STEADY, at(0.0, 15.0))[-1]
    assert above[index_of("eyeLookUpLeft")] > 0.1 and above[index_of("rotationX")] < -0.08


def test_a_mirrored_picture_has_the_person_on_the_other_side():
    right = play(STEADY, at(20.0))
    other = play(replace(STEADY, camera_mirrored=True), at(-20.0))
    # The points of the face change sides too.
    np.testing.assert_allclose(head_deg(right), head_deg(other), atol=1e-4)
    assert abs((eyes_deg(right) - eyes_deg(other))[-50:].mean(axis=0)).max() < 2.0


def test_the_mirror_of_the_face_leaves_the_person_in_place():
    right, swapped = play(STEADY, at(20.0)), play(replace(STEADY, mirror=True), at(20.0))
    np.testing.assert_allclose(head_deg(right), head_deg(swapped), atol=1e-5)
    assert abs(eyes_deg(swapped)[-1, 0] - eyes_deg(right)[-1, 0]) < 4.0


@pytest.mark.parametrize(("fov", "angle"), [(53.130102, 26.565), (90.0, 45.0), (20.0, 10.0)])
def test_the_edge_of_the_picture_is_half_the_field_of_view_aside(fov, angle):
    config = replace(STRAIGHT, camera_fov_deg=fov)
    edge = np.array([0.5, 0.0, -1.0])  # half an image width aside at a focal length of one
    assert np.degrees(direction(edge, config))[0] == pytest.approx(angle, abs=0.001)


def test_the_camera_may_be_beside_the_face():
    config = replace(STRAIGHT, camera_up_m=0.2, camera_right_m=-0.3)
    seen = np.degrees(direction(MIDDLE, config))
    assert seen[0] == pytest.approx(-math.degrees(math.atan(0.3)))
    assert seen[1] == pytest.approx(math.degrees(math.atan(0.2 / math.hypot(0.3, 1.0))))
    far = np.degrees(direction(4 * MIDDLE, config))
    assert 0 < far[1] < seen[1] / 3 and seen[0] / 3 < far[0] < 0


def test_the_head_follows_slowly_and_the_eyes_at_once():
    place = np.concatenate([np.tile(MIDDLE, (80, 1)), np.tile(at(18.0), (80, 1))])
    faces = play(STEADY, place, 160 / 25)
    turned = head_deg(faces)[:, 0]
    # The step comes after frame 80; a third of the angle, half of it after about 0.6 s.
    half_s = (np.argmax(turned > 3.0) - 80) / 25
    assert 0.4 < half_s < 0.9 and abs(np.diff(turned)).max() < 0.4
    looks = (eyes_deg(faces) + head_deg(faces))[:, 0]
    assert abs(looks[85:] - 18.0).max() < 2.0


def test_eyes_turn_against_the_head_so_that_the_gaze_stays():
    raw = np.zeros((1, 152, 58), np.float32)
    times = np.arange(152) / 25
    raw[0, :, index_of("rotationX")] = 0.12 * np.sin(2 * np.pi * 1.5 * times)  # nods of 7 degrees
    raw[0, :, index_of("rotationY")] = 0.08 * np.sin(2 * np.pi * 0.4 * times)
    faces = play(STEADY, at(10.0), raw=raw)[50:]
    room = eyes_deg(faces) + head_deg(faces)
    assert np.ptp(head_deg(faces)[:, 1]) > 12
    steps = np.abs(np.diff(room, axis=0)).max(axis=1)
    # Still, but for saccades of two frames at most each.
    assert np.median(steps) < 0.01 and 2 < (steps > 0.5).sum() < 40


def test_eyes_rest_and_jump_but_do_not_drift():
    faces = play(STEADY, MIDDLE, 60.0)[25:]
    looks = eyes_deg(faces) + head_deg(faces)
    steps = np.linalg.norm(np.diff(looks, axis=0), axis=1)
    assert (steps < 0.01).mean() > 0.85
    jumps = np.flatnonzero((steps[1:] > 0.3) & (steps[:-1] <= 0.3))
    rests_s = np.diff(jumps) / 25
    assert 60 < len(jumps) < 130 and 0.4 < np.median(rests_s) < 0.9 and rests_s.min() >= 0.2
    # All three points of the face are looked at.
    for right, up in POINTS_M:
        near = np.linalg.norm(looks - np.degrees([math.atan(right), math.atan(up)]), axis=1) < 0.2
        assert 0.15 < near.mean() < 0.5


@pytest.mark.parametrize("degrees", [2.0, 10.0, 20.0])
def test_saccades_keep_to_the_main_sequence(degrees):
    eyes = Saccades()
    eyes.go(1.0, np.radians([degrees, 0.0]))
    lasts_s = 0.021 + 0.0022 * degrees
    assert eyes.at(1.0)[0] == 0.0 and eyes.at(1.0 + 0.9 * lasts_s)[0] < math.radians(degrees)
    assert eyes.at(1.0 + lasts_s + 1e-9)[0] == pytest.approx(math.radians(degrees), rel=1e-3)


def test_a_face_that_is_gone_is_looked_for_a_second_and_then_not():
    place = np.full((160, 3), np.nan)
    place[:75] = at(20.0)
    faces = play(STEADY, place, 160 / 25)
    room = (eyes_deg(faces) + head_deg(faces))[:, 0]
    assert abs(room[75:98] - 20.0).max() < 2.0
    assert abs(eyes_deg(faces)[105:]).max() < 1e-3
    assert 0 < head_deg(faces)[110, 0] < 6.5 and abs(head_deg(faces)[-1, 0]) < 0.5
    assert np.abs(np.diff(head_deg(faces)[:, 0])).max() < 0.7


def test_without_a_face_or_with_gain_zero_nothing_is_added():
    rng = np.random.default_rng(0)
    raw = rng.random((1, 152, 58)).astype(np.float32) * 0.5
    off = replace(STEADY, eye_contact=0.0)
    np.testing.assert_array_equal(play(STEADY, None, raw=raw), play(off, None, raw=raw))
    np.testing.assert_array_equal(play(off, at(20.0), raw=raw), play(off, MIDDLE, raw=raw))
    assert not play(off, at(20.0)).any()


def test_half_the_gain_turns_half_the_angle():
    faces = play(replace(STEADY, eye_contact=0.5), at(20.0))[75:]
    assert head_deg(faces)[-1, 0] == pytest.approx(20.0 / 6, abs=0.05)
    away = (eyes_deg(faces) + 0.5 * head_deg(faces))[:, 0]
    assert abs(away - 10.0).max() < 1.0


def test_a_still_head_leaves_the_turn_to_the_eyes():
    faces = play(replace(STEADY, head_gain=0.0), at(20.0))[75:]
    assert not faces[:, ROTATION].any()
    assert abs(eyes_deg(faces)[:, 0] - 20.0).max() < 2.0


def test_the_same_seed_gives_the_same_bytes_in_windows_and_in_frames():
    first, again = play(STRAIGHT, at(9.0), 32.0), play(STRAIGHT, at(9.0), 32.0)
    assert first.tobytes() == again.tobytes()
    assert play(STRAIGHT, at(9.0), 32.0, window=1).tobytes() == first.tobytes()
    other = play(replace(STRAIGHT, seed=1), at(9.0), 32.0)
    assert not np.array_equal(first, other)


def test_extreme_places_stay_within_the_eyes_range():
    config = replace(STRAIGHT, camera_fov_deg=170.0)
    for place in (at(26.0), [1e6, 1e6, -1e-9], [0.0, 0.0, 0.0], [1.0, -1.0, 5.0]):
        faces = play(config, np.array(place))
        assert np.isfinite(faces).all() and faces[:, EXPRESSION].max() <= 1.0
        assert faces[:, EXPRESSION].min() >= 0.0 and np.abs(head_deg(faces)).max() < 31


@pytest.mark.parametrize("degrees", [0, 360, 0.0, -60, "wide", float("nan")])
def test_a_field_of_view_that_no_camera_has_is_refused_in_one_line(degrees):
    with pytest.raises(UserError, match="camera_fov_deg") as refused:
        Config().replace({"playout.camera_fov_deg": degrees})
    assert "\n" not in str(refused.value)


class PlacingTracker(ReadingTracker):
    """Sees the face at one place."""

    def __init__(self, place):
        super().__init__()
        self._place = place

    def track(self, stamp_s, rgb):
        seen = super().track(stamp_s, rgb)
        return replace(seen, place=self._place) if seen.face_found else seen


def test_a_session_looks_at_the_face_that_its_tracker_saw():
    config = small_config(playout__blinks_per_min=0.0, playout__gaze_gain=0.0)

    def faces(yaw, **changes):
        session = ReactionSession(config, engine_for(config), PlacingTracker(at(yaw)))
        session.configure(changes)
        return joined(run(session))

    left, right, off = faces(-20.0), faces(20.0), faces(20.0, **{"playout.eye_contact": 0.0})
    assert head_deg(right)[-1, 0] - head_deg(left)[-1, 0] > 10.0
    assert eyes_deg(right)[-1, 0] - eyes_deg(left)[-1, 0] > 20.0
    rest = [index for index in range(52) if index not in GAZE]
    np.testing.assert_array_equal(left[:, rest], right[:, rest])
    np.testing.assert_array_equal(off[:, rest], right[:, rest])


def test_breath_goes_on_while_somebody_is_there():
    config = replace(STRAIGHT, idle_gain=1.0, eye_contact=0.0)
    rise = play(config, MIDDLE, 60.0)[:, index_of("translationY")].astype(float)
    spectrum = np.abs(np.fft.rfft(rise - rise.mean())) ** 2
    peak_hz = np.fft.rfftfreq(len(rise), 1 / 25)[spectrum[6:].argmax() + 6]
    assert 0.18 < peak_hz < 0.3
    idle = IdleMotion(np.random.default_rng(0)).breath(np.arange(1500) / 25)
    assert 0.001 < idle[:, index_of("translationY")].max() < 0.002


def test_posture_shifts_are_rare_slow_and_small():
    times_s = np.arange(25 * 600) / 25
    pose = PostureShifts(np.random.default_rng(0)).frames(times_s)
    moves = np.abs(np.diff(pose, axis=0)).max(axis=1) > 0
    shifts = (np.diff(np.concatenate([[0], moves]).astype(int)) == 1).sum()
    assert 8 < shifts < 40 and moves.mean() < 0.1
    assert not pose[: 25 * 8].any()
    assert np.abs(pose[:, :3]).max() < np.radians(3.1) and np.abs(pose[:, 3:]).max() < 0.0081
    assert np.abs(np.diff(pose[:, :3], axis=0)).max() < np.radians(0.5)
    halves = PostureShifts(np.random.default_rng(0))
    again = np.concatenate([halves.frames(part) for part in np.split(times_s, 100)])
    np.testing.assert_array_equal(pose, again)
    assert TRANSLATION.start == ROTATION.stop  # pose: rotation, then translation
