"""Fitted listeners: their files, and a session whose first sample is one."""

import json
import os
from dataclasses import replace

import numpy as np
import pytest
from rigs.fitted import GAINS, SIZE, make_fitted
from rigs.model_inputs import W, engine_for
from rigs.noting import NotingStepper, noting_session
from rigs.session import ReadingTracker, joined, run

from reactface_node.config import PlayoutConfig
from reactface_node.errors import UserError
from reactface_node.session.fitted import read_fitted
from reactface_node.session.session import ReactionSession


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """(config, model, fitted listener); its file is a.json in playout.dispositions."""
    folder = tmp_path_factory.mktemp("dispositions")
    config, model, fitted = make_fitted(folder, playout__samples=2)
    fitted.save(folder / "a.json")
    return config, model, fitted, folder


def session_of(made, **changes):
    config = made[0].replace({f"playout.{name}": value for name, value in changes.items()})
    return ReactionSession(config, engine_for(config, made[1]), ReadingTracker())


def test_a_file_holds_what_was_fitted(made):
    _, _, fitted, folder = made
    read = read_fitted(folder / "a.json")
    np.testing.assert_array_equal(read.disposition, fitted.disposition)
    assert (read.gains, read.weights, read.person) == (GAINS, fitted.weights, {"nod_rate": 6.0})


def test_gains_are_further_factors_within_the_settings_limits(made):
    fitted = made[2]
    shown = fitted.applied(PlayoutConfig(nod_gain=1.8, smile_gain=0.8))
    assert (shown.nod_gain, shown.smile_gain, shown.gaze_gain) == (2.0, 0.4, 0.0)
    assert shown.blinks_per_min == 12.0
    assert fitted.applied(PlayoutConfig(blinks_per_min=0.0)).blinks_per_min == 0.0


WRONG = {
    "another format": ({"format": "x"}, "is no disposition"),
    "a newer version": ({"version": 2}, "newer reactface_node"),
    "no version": ({"version": "1"}, "damaged: version is '1'"),
    "no weights": ({"weights": 3}, "damaged: weights"),
    "no numbers": ({"disposition": "abc"}, "damaged: disposition is no list"),
    "NaN": ({"disposition": [0.0, float("nan"), 0.0]}, "'disposition' is nan"),
    "infinity": ({"disposition": [0.0, float("inf"), 0.0]}, "'disposition' is inf"),
    "a huge number": ({"disposition": [0.0, 1e30, 0.0]}, "not within -10 .. 10"),
    "a truth": ({"disposition": [True, 0.0, 0.0]}, "'disposition' is True"),
    "too few numbers": ({"disposition": [0.0, 1.0]}, "has 2 numbers, the model's 3"),
    "no gains": ({"gains": []}, "gains must hold names and values"),
    "a missing gain": ({"gains": {"nod_gain": 1.0}}, "'smile_gain' is None"),
    "a gain too large": ({"gains": {**GAINS, "nod_gain": 2.1}}, "'nod_gain' is 2.1, not within 0 "),
    "a negative gain": ({"gains": {**GAINS, "smile_gain": -0.1}}, "'smile_gain' is -0.1"),
    "a gain of NaN": ({"gains": {**GAINS, "gaze_gain": float("nan")}}, "'gaze_gain' is nan"),
    "too many blinks": ({"gains": {**GAINS, "blinks_per_min": 27}}, "not within 0 .. 26"),
    "measures of texts": ({"person": {"nod_rate": "6"}}, "'nod_rate' is '6'"),
    "another model": ({"weights": "0" * 64}, "fitted for another model"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_file_is_refused_with_one_line(made, case):
    change, says = WRONG[case]
    folder = made[3]
    whole = json.loads((folder / "a.json").read_text())
    (folder / "wrong.json").write_text(json.dumps(whole | change))
    session = session_of(made)
    with pytest.raises(UserError) as error:
        session.configure({"playout.disposition": "wrong.json"})
    assert says in str(error.value) and "\n" not in str(error.value)
    assert session.config.playout.disposition == ""
    session.close()


@pytest.mark.parametrize("text", ["", "{", "[]", "\x00\xff", "{}"])
def test_a_damaged_file_is_refused(made, text):
    (made[3] / "damaged.json").write_bytes(text.encode("latin1"))
    with pytest.raises(UserError):
        session_of(made, disposition="damaged.json")


def test_files_outside_the_folder_are_refused(made, tmp_path):
    outside = tmp_path / "a.json"
    outside.write_bytes((made[3] / "a.json").read_bytes())
    link = made[3] / "link.json"
    os.symlink(outside, link)
    for name in (
        str(outside),
        f"../{tmp_path.name}/a.json",
        "link.json",
        "no.json",
        ".",
        "x" * 300,
    ):
        with pytest.raises(UserError, match=r"no disposition '.*; there are: a\.json"):
            session_of(made, disposition=name)
    link.unlink()
    with pytest.raises(UserError, match="no folder 'nowhere' of dispositions"):
        session_of(made, disposition="a.json", dispositions="nowhere")


def test_the_first_sample_alone_is_the_fitted_listener(made):
    drawn, fitted = session_of(made), session_of(made, disposition="a.json")
    before, after = (joined(run(one), "samples") for one in (drawn, fitted))
    assert np.abs(before[0] - after[0]).max() > 0.01
    np.testing.assert_array_equal(before[1], after[1])
    again = session_of(made, disposition="a.json")
    np.testing.assert_array_equal(joined(run(again), "samples"), after)
    drawn.close(), fitted.close(), again.close()


@pytest.mark.parametrize("mode", ["window", "frame"])
def test_a_live_change_comes_with_the_next_window_and_keeps_the_state(made, mode):
    config, _, fitted, folder = made
    stepper = NotingStepper()
    stepper.disposition = SIZE
    changes = {"weights": config.weights, "playout__dispositions": str(folder)}
    session = noting_session(mode, stepper, playout__samples=2, **changes)
    run(session, 1.0)
    begun, drawn = len(stepper.begun), stepper.begun[-1]
    session.configure({"playout.disposition": "a.json"})
    run(session, 1.0, 101.0)
    session.configure({"playout.disposition": ""})
    run(session, 1.0, 102.0)
    assert len(stepper.begun) == begun
    (at, first), (back, second) = stepper.described
    assert stepper.places[at] == stepper.places[back] == 0 < at < back
    np.testing.assert_array_equal(first, [fitted.disposition, drawn[1]])
    np.testing.assert_array_equal(second, drawn)
    session.close()


def test_a_fitted_listener_stays_after_a_reset_and_a_rest(made):
    session = session_of(made, disposition="a.json")
    first = joined(run(session))
    session.reset()
    np.testing.assert_array_equal(joined(run(session, start_s=200.0)), first)
    session.close()


def test_a_live_change_does_not_jump(made):
    session, plain = session_of(made), session_of(made)
    before = run(session, 2.0)
    session.configure({"playout.disposition": "a.json"})
    after = run(session, 2.0, 102.0)
    faces = joined(before + after)
    step = np.abs(np.diff(faces, axis=0)).max(axis=1)
    same = np.abs(np.diff(joined(run(plain, 2.0) + run(plain, 2.0, 102.0)), axis=0)).max(axis=1)
    assert np.abs(faces[len(joined(before)) + W :]).any()
    assert step[2 * W :].max() <= 1.5 * same[2 * W :].max()
    session.close(), plain.close()


def test_a_model_without_dispositions_takes_none(made):
    whole = json.loads((made[3] / "a.json").read_text())
    (made[3] / "none.json").write_text(json.dumps(whole))
    config = made[0].replace({"playout.disposition": "none.json"})
    stepper = NotingStepper()
    stepper.disposition = 0
    from reactface_node.engine.engine import Engine

    with pytest.raises(UserError, match="the model's 0"):
        ReactionSession(config, Engine(stepper, W), ReadingTracker())


def test_a_fitted_listener_is_replaced_by_another(made):
    _, _, fitted, folder = made
    other = replace(fitted, disposition=-fitted.disposition)
    other.save(folder / "b.json")
    first, second = session_of(made, disposition="a.json"), session_of(made, disposition="b.json")
    assert not np.array_equal(joined(run(first)), joined(run(second)))
    first.close(), second.close()
