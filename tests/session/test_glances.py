"""Glances away, thinking faces, tilts and lids, by the numbers of people; and what they follow."""

from dataclasses import replace

import numpy as np
import pytest

from reactface_node.config import Config, PlayoutConfig
from reactface_node.config.presets import with_preset
from reactface_node.engine.chance import window_generator
from reactface_node.research.data import behaviour as seen
from reactface_node.research.evaluation.meeting import Meeting
from reactface_node.research.evaluation.people import feelings, gaze
from reactface_node.schema import EXPRESSION, GAZE_RAD, ROTATION, index_of, indices_of
from reactface_node.session.gaze import move_eyes
from reactface_node.session.glances import Glances, press
from reactface_node.session.idle import PostureShifts
from reactface_node.session.playout import GAZE, Playout
from reactface_node.session.tilts import Tilts

CONFIG = PlayoutConfig()
LOOK = indices_of("eyeLookOutLeft", "eyeLookInRight")
PRESS = indices_of("mouthPress")
MINUTES, LISTENERS = 10, 18


def glanced(seed, minutes, config=CONFIG, faces=None, there=None):
    """(the glances, faces (n, 58) with them) of one listener."""
    times_s = np.arange(round(minutes * 1500)) / 25
    faces = np.zeros((len(times_s), 58)) if faces is None else faces.copy()
    there = np.ones(len(times_s), bool) if there is None else there
    glances = Glances(np.random.default_rng([seed, 1]))
    glances.rng = np.random.default_rng([seed, 2])
    away = glances.frames(times_s, faces, there, config)
    move_eyes(faces, away.eyes / GAZE_RAD)
    press(faces, away.press)
    return away, faces


def measured(faces):
    meetings = [Meeting(one[None], (str(k),), np.zeros_like(one)) for k, one in enumerate(faces)]
    return gaze(meetings) | feelings(meetings), [gaze([one]) for one in meetings]


@pytest.mark.slow
def test_hours_of_glances_are_peoples():
    """IFADV, two people: 3.4 and 7.2 glances a minute, median 0.92 and 1.04 s; looks 0.6/2.3/13 and
    1.1/4.3/19 s; 3 to 10 % of the time. CCDb: a thinking face in 27 % of 10 s."""
    every = [glanced(seed, MINUTES)[1] for seed in range(LISTENERS)]
    found, alone = measured(every)
    assert 3.4 < found["glances"] < 7.2 and 0.92 <= found["glance_length"] <= 1.04
    assert 0.90 < found["on_speaker"] < 0.97
    looks = np.concatenate([np.diff(seen.intervals(~seen.looks_away(one))) for one in every])
    low, median, high = np.quantile(looks, [0.1, 0.5, 0.9])
    assert 0.6 < low < 1.4 and 2.3 < median < 5.4 and 13 < high < 25
    assert 0.203 < found["thinking_10s"] < 0.338
    rates = np.array([one["glances"] for one in alone])
    assert rates.min() < 4.5 and rates.max() > 6.0 and rates.max() < 9.0
    # Log-normal within the middle, with a heavier upper tail.
    logs = np.log(looks[looks > 0.5])
    assert 1.0 < (np.quantile(logs, 0.75) - np.quantile(logs, 0.25)) / 1.35 < 1.4


def test_a_glance_is_a_saccade_away_and_one_back():
    away, _ = glanced(3, 2)
    size_deg = np.degrees(np.linalg.norm(away.eyes, axis=1))
    held = size_deg[away.is_away]
    assert np.median(held) > 8 and held.max() < 24.001
    steps = np.abs(np.diff(size_deg)) > 1e-9
    # Two frames at most go by on the way: the main sequence gives 40 to 75 ms.
    edges = np.diff(np.concatenate([[0], steps, [0]]).astype(int))
    assert (np.flatnonzero(edges == -1) - np.flatnonzero(edges == 1)).max() <= 2
    assert (size_deg[~away.is_away] > 0).mean() < 0.02


def test_a_pressed_mouth_comes_with_a_glance_and_makes_no_step():
    away, _ = glanced(4, 10)
    assert 0.2 < away.press.max() <= 0.45 and np.abs(np.diff(away.press)).max() < 0.15
    pressed = away.press > seen.PRESSED
    assert (away.is_away[pressed]).mean() > 0.8
    assert 5 < len(seen.intervals(pressed, 0.4)) < 40


def test_nobody_thinks_in_a_smile():
    faces = np.zeros((7500, 58))
    faces[:, indices_of("mouthSmile")] = 0.4
    away, _ = glanced(4, 5, faces=faces)
    assert away.is_away.any() and not away.press.any()


def test_a_models_glance_takes_the_place_of_one_of_ours():
    faces = np.zeros((3000, 58))
    for start in range(50, 3000, 100):  # fifteen glances a minute by the model
        faces[start : start + 20, LOOK] = 0.4
    starts = [
        int((np.diff(one.is_away.astype(int)) == 1).sum())
        for one in (glanced(0, 2, faces=faces)[0], glanced(0, 2)[0])
    ]
    # Only a look of under 4 s leaves room for one of ours.
    assert starts[0] < starts[1] / 2


def test_gaze_gain_scales_glances_and_zero_has_none():
    (plain, _), (half, _) = glanced(5, 2), glanced(5, 2, replace(CONFIG, gaze_gain=0.5))
    np.testing.assert_allclose(half.eyes[-1], plain.eyes[-1] / 2)
    assert np.abs(half.eyes).max() == pytest.approx(np.abs(plain.eyes).max() / 2)
    assert half.press.max() == pytest.approx(plain.press.max() / 2)
    none, _ = glanced(5, 2, replace(CONFIG, gaze_gain=0.0))
    assert not none.eyes.any() and not none.press.any() and not none.is_away.any()


def test_a_profile_without_idle_motion_shows_the_model_alone():
    config = Config.load("official").playout
    raw = nodding(60)
    raw[..., LOOK] = 0.1
    face = listened(0, 60, config, raw, digests_of(1), place=(0.2, 0.0, -1.0))
    np.testing.assert_array_equal(face, raw[0])


def test_only_somebody_who_is_there_is_glanced_away_from():
    there = np.ones(6000, bool)
    plain, _ = glanced(6, 4, there=there)
    first = int(np.argmax(plain.is_away))
    there[first + 3 :] = False
    gone, _ = glanced(6, 4, there=there)
    assert gone.is_away[first] and not gone.is_away[first + 3 :].any()
    assert not gone.eyes[first + 6 :].any() and not gone.press[first + 12 :].any()


def test_hours_of_tilts_are_peoples():
    """A tilt of 5 degrees in 15 % of 10 s (CCDb); 1 to 4 s, chosen."""
    hits, parts, lengths = 0, 0, []
    for seed in range(12):
        tilts = Tilts(np.random.default_rng(seed))
        face = np.zeros((15000, 58))
        face[:, index_of("rotationZ")] = tilts.frames(np.arange(15000) / 25)
        found = seen.tilts(face)
        lengths += [end - start for start, end in found]
        hit, of = seen.in_tens(found, 600.0)
        hits, parts = hits + hit, parts + of
        steps = np.diff(face[:, index_of("rotationZ")])
        assert np.abs(steps).max() < np.radians(2.2)
        assert np.abs(np.diff(steps)).max() < np.radians(0.9)
    assert 0.112 < hits / parts < 0.188
    assert min(lengths) > 0.6 and 1.5 < np.median(lengths) < 3.0 and max(lengths) < 4.4


def listened(seed=0, seconds=60, config=CONFIG, raw=None, digests=None, frames=8, place=None):
    """(n, 58) of one sample; digests: of each window, as what was seen and heard gives them."""
    playout, faces = Playout(config, 8, seed), []
    total = int(seconds * 25) // 8 * 8
    raw = np.zeros((1, total, 58), np.float32) if raw is None else raw
    places = None if place is None else np.tile(np.array(place, float), (frames, 1))
    for index in range(total // frames):
        window = index * frames // 8
        digest = 0 if digests is None else int(digests[window])
        part = raw[:, index * frames : (index + 1) * frames]
        there = np.ones(frames, bool)
        faces.append(playout.finish(index, part, there, config, False, places, digest)[1])
    return np.concatenate(faces)


def digests_of(speaker, windows=500):
    drawn = np.random.default_rng(speaker).integers(1, 2**32, windows)
    drawn[0] = 0  # nothing was before the first window
    return drawn


def test_the_same_input_and_seed_give_the_same_bytes_frame_by_frame_too():
    options = {"digests": digests_of(1), "raw": nodding(60), "place": [0.1, 0.0, -1.0]}
    one = listened(**options)
    assert one.tobytes() == listened(**options).tobytes()
    assert one.tobytes() == listened(**options, frames=1).tobytes()


@pytest.mark.slow
@pytest.mark.parametrize("place", [None, (0.0, 0.0, -1.0)])
def test_another_speaker_makes_another_course(place):
    gazes = []
    for seed in range(4):
        faces = [listened(seed, digests=digests_of(who), place=place) for who in (1, 2)]
        gazes.append(seen.correlation(*(seen.eyes_deg(face)[2:, 0] for face in faces)))
    assert abs(np.mean(gazes)) < 0.3 and max(gazes) < 0.6


def test_another_speaker_makes_other_postures():
    def yaw(seed, speaker):
        posture, digests = PostureShifts(np.random.default_rng(seed)), digests_of(speaker, 1000)
        poses = []
        for window, digest in enumerate(digests.tolist()):
            posture.rng = window_generator(seed, 0, 4, window, digest)
            poses.append(posture.frames((8 * window + np.arange(8)) / 25)[:, 1])
        return np.concatenate(poses)

    rs = [seen.correlation(yaw(seed, 1), yaw(seed, 2)) for seed in range(6)]
    assert abs(np.mean(rs)) < 0.3 and max(rs) < 0.9
    assert np.array_equal(yaw(0, 1), yaw(0, 1))


def test_what_comes_later_changes_nothing_before():
    early, late = digests_of(1), digests_of(1)
    late[60:] = digests_of(2)[60:]
    faces = listened(digests=early), listened(digests=late)
    assert np.array_equal(faces[0][:480], faces[1][:480])
    assert not np.array_equal(faces[0], faces[1])


def nodding(seconds, every_s=4.0):
    """(1, n, 58): a nod of two cycles now and then."""
    times = np.arange(int(seconds * 25) // 8 * 8) / 25
    since = times % every_s
    raw = np.zeros((1, len(times), 58), np.float32)
    raw[0, :, ROTATION.start] = np.where(
        since < 1.2, 0.04 * np.sin(2 * np.pi * since / 0.6) ** 2, 0
    )
    return raw


@pytest.mark.slow
def test_lids_close_as_peoples_do():
    """83 to 100 ms at half height (ARKit recordings), 17 to 26 a minute; long ones of about 607 ms
    with nods (Hoemke et al. 2018); lids and lowered gaze r 0.86."""
    config = replace(CONFIG, gaze_gain=0.0)
    face = np.concatenate([listened(seed, 600, config, nodding(600)) for seed in range(2)])
    found = seen.blinks(face)
    lengths = np.array([end - start for start, end in found])
    long = lengths[lengths >= seen.LONG_BLINK_S]
    assert 17 < len(found) / 20 < 26
    assert 0.083 < np.median(lengths[lengths < 0.4]) < 0.1
    assert 0.55 < np.median(long) < 0.66 and long.max() < 1.0
    nods = 20 * 60 / 4
    assert nods / 10 < len(long) <= nods / 3
    starts = [start for start, end in found if end - start >= seen.LONG_BLINK_S]
    assert np.mean([start % 600 % 4.0 < 1.3 for start in starts]) > 0.9
    near = np.zeros(len(face), bool)
    for start, end in found:
        near[max(0, int(start * 25) - 5) : int(end * 25) + 6] = True
    lids, down = (seen.mean_of(face, part)[near] for part in (seen.LIDS, seen.DOWN))
    assert 0.645 < seen.correlation(lids, down) < 1.0


def test_without_blinks_the_gaze_is_not_lowered():
    face = listened(0, 60, replace(CONFIG, blinks_per_min=0.0, gaze_gain=0.0), nodding(60))
    assert not face[:, GAZE].any() and not face[:, indices_of("eyeBlink")].any()


@pytest.mark.slow
def test_nothing_but_saccades_jumps():
    face = listened(1, 120, raw=nodding(120), digests=digests_of(5), place=(0.1, 0.0, -1.0))
    moved = np.abs(np.diff(face, axis=0))
    saccade = moved[:, GAZE].max(axis=1) > 0.35
    assert saccade.mean() < 0.01  # less than one in four seconds
    others = [k for k in range(52) if k not in GAZE and k not in indices_of("eyeBlink")]
    assert moved[:, others].max() < 0.15 and moved[:, ROTATION].max() < np.radians(3)
    # A gaze that jumps comes from a glance or a look, never from a blink alone.
    calm = listened(1, 120, replace(CONFIG, gaze_gain=0.0), digests=digests_of(5))
    assert np.abs(np.diff(calm[:, GAZE], axis=0)).max() < 0.35


@pytest.mark.parametrize("place", [(np.nan, 0.0, -1.0), (np.inf, 0.0, -1.0), (0.0, 0.0, np.nan)])
def test_a_place_that_is_no_number_changes_nothing(place):
    options = {"seconds": 20, "digests": digests_of(3)}
    plain, bad = listened(**options), listened(**options, place=place)
    assert plain.tobytes() == bad.tobytes() and np.isfinite(bad[:, EXPRESSION]).all()


@pytest.mark.slow
def test_a_composed_listener_glances_and_tilts_less():
    shown = {}
    for name in ("attentive", "composed"):
        config = Config().replace(with_preset({"playout.preset": name}, "attentive")).playout
        config = replace(config, blinks_per_min=0.0)
        shown[name] = listened(2, 120, config, digests=digests_of(4))
    calm, usual = (shown[name][:, GAZE].max() for name in ("composed", "attentive"))
    assert calm == pytest.approx(usual / 2, rel=0.05)
    rolls = [np.ptp(shown[name][:, index_of("rotationZ")]) for name in ("composed", "attentive")]
    assert rolls[0] == pytest.approx(rolls[1] / 2, rel=0.1) and rolls[1] > np.radians(5)
