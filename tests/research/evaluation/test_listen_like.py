"""``reactface listen-like``: measures of a person in a clip, and the listener fitted to them."""

from dataclasses import replace

import numpy as np
import pytest
from rigs.fitted import make_fitted
from rigs.replay_inputs import write_inputs
from rigs.video_files import write

from reactface_node.cli.listen_like import STYLES as COMMAND_STYLES
from reactface_node.cli.main import main
from reactface_node.config import Config
from reactface_node.errors import UserError
from reactface_node.research.evaluation.listen_like import (
    STEPS,
    candidates,
    fit_listener,
    fixed_speakers,
)
from reactface_node.research.evaluation.listener_clip import read_listener
from reactface_node.research.evaluation.listener_measures import (
    STYLES,
    UNITS,
    ClipMeasures,
    clip_measures,
    measure_listener,
    style_measures,
)
from reactface_node.research.evaluation.situations import dyads
from reactface_node.schema import NUM_COEFFICIENTS, Observation, index_of, indices_of
from reactface_node.session.fitted import read_fitted

SMILE, PITCH, YAW = indices_of("mouthSmile"), index_of("rotationX"), index_of("rotationY")


def face(seconds):
    return np.zeros((round(seconds * 25), NUM_COEFFICIENTS), np.float32)


def nodding(seconds, hz, depth_rad, every_s):
    """Nods of two cycles, one every so many seconds."""
    shown, times_s = face(seconds), np.arange(round(seconds * 25)) / 25
    for start_s in np.arange(1.0, seconds - 2 / hz, every_s):
        phase = (times_s - start_s) * hz
        inside = (phase >= 0) & (phase <= 2)
        shown[inside, PITCH] = depth_rad / 2 * (1 - np.cos(2 * np.pi * phase[inside]))
    return shown


def test_nods_smiles_sway_and_brows_are_measured():
    shown = nodding(30.0, 1.5, 0.1, 6.0)
    shown[250:500, SMILE] = 0.6
    shown[:, YAW] = np.radians(4.0) * np.sin(np.arange(750) / 30)
    shown[:375, indices_of("browOuterUp")] = 0.3
    found = measure_listener([shown])
    assert found["smile_share"] == pytest.approx(1 / 3) and found["smile_height"] == pytest.approx(
        0.2
    )
    assert found["nod_rate"] == pytest.approx(10.0)
    assert found["nod_depth"] == pytest.approx(np.degrees(0.1), rel=0.1)
    assert found["nod_rhythm"] == pytest.approx(1.5, rel=0.1)
    assert found["head_sway"] == pytest.approx(4.0 / np.sqrt(2), rel=0.05)
    assert found["brow_motion"] == pytest.approx(0.1, rel=0.01)
    assert found["gaze_away"] == found["blink_rate"] == 0.0
    assert list(found) == list(UNITS)


def test_who_does_not_nod_has_neither_depth_nor_rhythm():
    found = measure_listener([face(10.0)])
    assert found.keys() == UNITS.keys() - {"nod_depth", "nod_rhythm"}
    assert not any(found.values())


def test_parts_count_by_their_length_and_the_gap_between_them_is_no_nod():
    high = face(3.0)
    high[:, PITCH] = 0.2
    high[:, SMILE] = 0.5
    found = measure_listener([face(9.0), high])
    assert found["nod_rate"] == 0.0
    assert found["smile_share"] == found["smile_height"] * 2 == pytest.approx(0.25)


class Scripted:
    """A tracker that gives what ``seen`` says of each image, in order."""

    def __init__(self, seen):
        self._seen = iter(seen)

    def track(self, stamp_s, rgb):
        return next(self._seen)


def observed(value=0.0, person=1):
    values = np.full(NUM_COEFFICIENTS, value, np.float32)
    return Observation(values, np.ones(NUM_COEFFICIENTS, bool), person=person)


def test_the_person_who_is_seen_most_is_read_at_25_frames_a_second(tmp_path):
    path = tmp_path / "clip.mp4"
    write(path, 300)
    missing = [Observation.missing()] * 25
    seen = [observed(0.9, 1)] * 50 + [observed(0.1, 2)] * 100 + missing + [observed(0.3, 2)] * 125
    first, second = read_listener(path, Config(), Scripted(seen))
    assert (len(first), len(second)) == (100, 125)
    assert first == pytest.approx(0.1) and second == pytest.approx(0.3)


@pytest.mark.parametrize(
    ("seen", "says"),
    [
        ([Observation.missing()] * 200, "shows no face"),
        ([Observation.missing()] * 80 + [observed()] * 120, "for 4.8 s, and 5 s are needed"),
        ([observed(), Observation.missing()] * 100, None),
        (([observed()] * 20 + [Observation.missing()] * 20) * 5, "for 0.0 s"),
    ],
)
def test_a_clip_with_too_little_of_a_face_is_refused(tmp_path, seen, says):
    path = tmp_path / "clip.mp4"
    write(path, 200)
    if says is None:
        # A face that is missed in every other frame is no gap.
        assert len(read_listener(path, Config(), Scripted(seen))) == 1
        return
    with pytest.raises(UserError, match=says):
        read_listener(path, Config(), Scripted(seen))


def test_a_bag_is_read_and_its_broken_messages_are_left_out(tmp_path):
    bag = write_inputs(tmp_path / "bag", broken=(3, 4))
    tracker = Scripted([observed(0.5)] * 60)
    with pytest.raises(UserError, match=r"for [12]\.\d s, and 5 s are needed"):
        read_listener(bag, Config(), tracker)
    assert len(list(tracker._seen)) == 2


@pytest.fixture(scope="module")
def fitting(tmp_path_factory):
    """(config of a small model, speakers)"""
    folder = tmp_path_factory.mktemp("fitting")
    config, _, _ = make_fitted(folder)
    return config, list(dyads(0, 0, 1, 8.0))


PERSON = ClipMeasures(
    {
        "smile_share": 0.3,
        "smile_height": 0.1,
        "nod_rate": 5.0,
        "brow_motion": 0.02,
        "head_sway": 1.0,
        "gaze_away": 0.1,
        "blink_rate": 30.0,
    },
    20.0,
)


@pytest.mark.slow
def test_the_nearest_of_the_drawn_listeners_is_taken(fitting):
    config, speakers = fitting
    # A person who is as one of the drawn listeners: that one, and no gains.
    drawn = list(candidates(config, 6, speakers))
    one = drawn[4]
    same = fit_listener(ClipMeasures(one.measures, 60.0), config, 6, speakers)
    np.testing.assert_array_equal(same.fitted.disposition, one.disposition)
    assert same.distance == 0.0 < same.typical
    # Far more sway than anybody's is as much as the largest: it does not decide alone.
    most = max(candidate.measures["head_sway"] for candidate in drawn)
    odd, limited = (
        fit_listener(ClipMeasures({**one.measures, "head_sway": sway}, 60.0), config, 6, speakers)
        for sway in (1000.0, most)
    )
    np.testing.assert_array_equal(odd.fitted.disposition, limited.fitted.disposition)
    assert [same.fitted.gains[name] for name in ("nod_gain", "smile_gain")] == [1.0, 1.0]


@pytest.mark.slow
def test_gains_lie_on_the_steps_and_blinks_within_their_limits(fitting):
    config, speakers = fitting
    fit = fit_listener(PERSON, config, 3, speakers)
    gains = dict(fit.fitted.gains)
    # 10 blinks in 20 s, and 18 a minute for 10 s: 26 a minute.
    assert gains.pop("blinks_per_min") == 26.0
    assert set(gains.values()) <= set(STEPS)
    assert fit.fitted.person == PERSON.values
    still = replace(PERSON, values=dict.fromkeys(PERSON.values, 0.0), seconds=600.0)
    calm = fit_listener(still, config, 3, speakers).fitted
    assert calm.gains["smile_gain"] <= 0.25 and calm.gains["blinks_per_min"] == 0.3


@pytest.mark.slow
def test_the_same_clip_gives_the_same_listener(fitting):
    config, speakers = fitting
    first, again = (fit_listener(PERSON, config, 3, speakers) for _ in range(2))
    np.testing.assert_array_equal(first.fitted.disposition, again.fitted.disposition)
    assert first.text() == again.text()
    assert "spread" in first.text() and "gains: nod_gain" in first.text()


@pytest.mark.parametrize("style", STYLES)
def test_a_style_is_fitted_by_its_rate_of_nods_alone(fitting, style):
    config, speakers = fitting
    fit = fit_listener(style_measures(style), config, 3, speakers)
    gains = {**fit.fitted.gains, "nod_gain": 0.0}
    assert gains == {"nod_gain": 0, "smile_gain": 1, "gaze_gain": 1, "blinks_per_min": 18}
    assert list(fit.fitted.person) == ["nod_rate"]


def test_the_command_knows_all_styles():
    assert set(COMMAND_STYLES) == set(STYLES)


def test_models_without_dispositions_are_refused():
    for config in (Config.load("paper"), Config.load(overrides={"model.disposition": 0})):
        with pytest.raises(UserError, match="no dispositions that can be fitted"):
            fit_listener(PERSON, config, 2, [])


@pytest.mark.slow
def test_speakers_are_always_the_same():
    first, again = fixed_speakers()[:1], fixed_speakers()[:1]
    np.testing.assert_array_equal(first[0].face, again[0].face)
    np.testing.assert_array_equal(first[0].audio, again[0].audio)


def test_measures_of_a_clip_know_its_length():
    assert clip_measures([face(2.0), face(3.0)]).seconds == 5.0


@pytest.mark.slow
def test_a_clip_without_a_face_leaves_nothing_behind(tmp_path, capsys):
    clip, out = tmp_path / "clip.mp4", tmp_path / "out.json"
    write(clip, 60)
    (tmp_path / "noise.mp4").write_bytes(bytes(range(256)) * 40)
    for source, says in (
        (clip, "shows no face"),
        (tmp_path / "noise.mp4", "noise.mp4"),
        (tmp_path / "no.mp4", "does not exist"),
    ):
        assert main(["listen-like", str(source), "-o", str(out)]) == 2
        error = capsys.readouterr().err.strip().splitlines()[-1]
        assert error.startswith("reactface listen-like: ") and says in error
    assert sorted(p.name for p in tmp_path.iterdir()) == ["clip.mp4", "noise.mp4"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["-o", "a.json", "--style", "german"], "give either a bag or video file, or --style"),
        (["-o", "a.txt"], "let its name end in .json"),
        (["-o", "a.json", "--candidates", "1"], "--candidates must be within 2 .. 10000"),
        (["-o", "a.json", "--set", "playout.nod_gain=2.5"], "within 0 .. 2"),
        (["-o", "a.json", "--set", "playout.smile_gain=nan"], "within 0 .. 2, not nan"),
        (["-o", "a.json", "--set", "playout.preset=japanese"], "must be one of composed"),
    ],
)
def test_wrong_options_are_refused_with_one_line(capsys, arguments, says):
    assert main(["listen-like", "clip.mp4", *arguments]) == 2
    error = capsys.readouterr().err.strip()
    assert says in error and "\n" not in error


@pytest.mark.slow
def test_a_saved_fit_is_what_a_session_loads(fitting, tmp_path):
    config, speakers = fitting
    fit = fit_listener(PERSON, config, 3, speakers)
    fit.fitted.save(tmp_path / "fitted.json")
    read = read_fitted(tmp_path / "fitted.json")
    np.testing.assert_allclose(read.disposition, fit.fitted.disposition, atol=1e-6)
    assert (read.gains, read.listener) == (fit.fitted.gains, fit.fitted.listener)


@pytest.mark.slow
def test_a_replay_refuses_a_disposition_that_is_not_there(tmp_path, capsys):
    bag, out = write_inputs(tmp_path / "bag"), tmp_path / "out"
    folder = f"playout.dispositions={tmp_path}"
    chosen = ["--set", folder, "--set", "playout.disposition=no.json"]
    assert main(["replay", str(bag), "-o", str(out), *chosen]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line == f"reactface replay: no disposition 'no.json' in {tmp_path}; it holds none"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bag"]
