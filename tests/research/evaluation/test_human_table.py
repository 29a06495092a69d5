"""The table of human statistics: its lines, its judgement, and the command."""

import json
import math
from pathlib import Path

import av
import numpy as np
import pytest
from rigs.evaluation import settings
from rigs.tracks import blink, face_of, look_left, meeting, nod, show

from reactface_node.cli.main import main
from reactface_node.config import Config
from reactface_node.config.settings import parse_overrides
from reactface_node.errors import UserError
from reactface_node.model.checkpoint import save_checkpoint
from reactface_node.model.reactface import ReactFace
from reactface_node.research.data.labels import ClipLabels
from reactface_node.research.data.script import FROWN, LAUGH, Episode
from reactface_node.research.data.script import SMILE as SMILE_EPISODE
from reactface_node.research.evaluation import evaluate, human, human_table, situations
from reactface_node.research.evaluation.human_table import (
    CLIPS,
    SYNTHETIC,
    PeopleTable,
    clip_values,
    table_rows,
)
from reactface_node.research.evaluation.listening import (
    KnownSpeaker,
    RememberedTracker,
    Shown,
    load_session,
)
from reactface_node.research.evaluation.situation_measures import (
    alone_with_a_voice,
    at_a_still_face,
    same_seed,
)
from reactface_node.schema import Observation, Reaction

ALL = (*human.LISTENER, *human.SPEAKER, *human.AFFECT, *human.SITUATIONS)


def table(**columns):
    return PeopleTable(table_rows(columns))


def fitting(statistic):
    low = statistic.low if statistic.low is not None else statistic.high - 1
    high = statistic.high if statistic.high is not None else statistic.low + 1
    return (low + high) / 2


def test_the_facts_have_sources_and_bounds_that_hold_the_number():
    assert len({one.key for one in ALL}) == len(ALL) and len(ALL) > 20
    for one in ALL:
        assert one.source and (one.low is not None or one.high is not None)
        assert one.holds(fitting(one)) and not one.holds(math.nan)
    by_key = {one.key: one for one in ALL}
    assert (by_key["nods"].low, by_key["nods"].high) == (4.0, 7.0)
    assert by_key["nods_spread"].low == pytest.approx(0.4725)
    assert by_key["nod_length_median"].people == "0.52/1.16/3.3"
    assert by_key["nod_rhythm_width"].high == pytest.approx(1.25 * math.log(2.18 / 0.81), abs=0.01)


def test_a_line_a_row_that_begins_with_ok_or_no():
    good = {one.key: fitting(one) for one in ALL}
    found = table(synthetic=good)
    lines = found.text().splitlines()
    marked = [line for line in lines if line.startswith(("ok ", "no "))]
    assert len(marked) == len(ALL) and all(line.startswith("ok ") for line in marked)
    assert found.passed and found.met() == (list(range(1, 20)), [])
    bad = table(synthetic=good | {"nods": 11.2, "nod_delay": math.nan})
    assert not bad.passed and bad.met()[1] == [2, 9]
    wrong = [line for line in bad.text().splitlines() if line.startswith("no ")]
    assert len(wrong) == 2 and "11.2*" in wrong[0] and " 4 to 7" in wrong[0] and "-*" in wrong[1]
    assert "17 of 19 rows on listeners" in bad.text() and "the others: 2, 9" in bad.text()


def test_rates_are_judged_on_dyads_and_affect_on_clips():
    found = table(synthetic={"nods": 5, "wrong_smile": 0.5}, clips={"nods": 50, "wrong_smile": 0})
    assert [(row.judged, row.passed) for row in found.rows] == [(SYNTHETIC, True), (CLIPS, True)]
    line = found.rows[0].line()
    assert "5*" in line and " 50 " in line
    only = table(synthetic={"wrong_smile": 0.5}, clips={"nods": 50})
    assert [(row.judged, row.passed) for row in only.rows] == [(CLIPS, False), (SYNTHETIC, False)]


def test_a_row_is_a_probe_and_json():
    row = table(synthetic={"nods": 11.2}, clips={"nods": math.nan}).rows[0]
    probe = row.as_probe()
    assert (probe.value, probe.low, probe.high, probe.passed) == (11.2, 4.0, 7.0, False)
    told = row.to_json()
    assert told["values"] == {"synthetic": 11.2, "clips": None} and told["source"] == "nod corpus"
    json.dumps(told, allow_nan=False)


def test_at_a_still_face():
    face = show(nod(face_of(30), 10), "mouthFrown", 1, 1.5, 0.2)
    found = at_a_still_face([meeting(face, face_of(30))])
    assert found == {"still_nods": 1.0, "first_frown": pytest.approx(0.1)}


def test_alone_with_a_voice():
    smiling = show(show(face_of(30), "mouthSmile", 7, 9, 0.4), "mouthSmile", 20, 22, 0.4)
    quiet = meeting(smiling, face_of(30))
    laughing = meeting(smiling, face_of(30), laughs=((6.0, 7.0), (12.0, 13.0)))
    found = alone_with_a_voice([quiet], [laughing])
    assert found == {"voice_smiles": 2.0, "voice_laughs": 0.25}


def test_the_same_listener_with_two_speakers():
    turning = face_of(60)
    turning[:, 53] = np.sin(np.arange(1500) / 30)
    one = look_left(turning.copy(), 10, 20)
    other = look_left(face_of(60), 10, 20)
    found = same_seed([meeting(one, other), meeting(one, other)])
    assert found["same_gaze"] == pytest.approx(1.0) and found["same_yaw"] == pytest.approx(0.5)
    assert same_seed([meeting(one, other)]) == {}
    assert same_seed([meeting(one, who=("a",)), meeting(one, who=("b",))]) == {}


def test_scripted_feelings_have_labels():
    episodes = (
        Episode(FROWN, 1, 2, 1.0),
        Episode(LAUGH, 3, 4, 1.0),
        Episode(SMILE_EPISODE, 0, 1, 1.0),
    )
    labels = situations.labels_of(episodes)
    assert labels.of("smile") == ((0, 1), (3, 4)) and labels.of("frown") == ((1, 2),)


def test_made_situations():
    still = situations.still_face()
    assert not still.face.any() and not still.audio.any()
    voice = situations.voice_alone(0)
    assert not voice.seen and voice.laughs == () and voice.speaking.any() and voice.audio.any()
    laughing = situations.laughing_voice(0)
    assert len(laughing.laughs) == 4 and np.allclose(np.diff(laughing.laughs, axis=0), 6.0)
    (first,) = situations.dyads(0, 0, 1, 4.0)
    (second,) = situations.dyads(0, 1, 1, 4.0)
    both = list(situations.dyads(0, 0, 2, 4.0))
    assert np.array_equal(first.face, both[0].face) and np.array_equal(second.face, both[1].face)
    stamps = [(one.stamp_s, one.arrival_s) for one in first.inputs()]
    assert len(stamps) == 200 and stamps[-1] == (3.96, 4.0)


def reaction(index, values, first_s):
    samples = np.zeros((2, 2, 58), np.float32)
    samples[:, :, 0] = values
    shown_s = first_s + np.arange(2) / 25
    return Reaction(index, shown_s, samples, 0, samples[0], 1.0, 1.0, samples[0] + 1)


def test_reactions_lie_at_the_times_at_which_they_are_shown():
    shown = Shown(100.0, [reaction(0, [1, 2], 100.08), reaction(2, [3, 4], 100.2)])
    course = shown.listeners(9)[0, :, 0]
    assert course.tolist() == [1, 1, 1, 2, 2, 3, 4, 4, 4]
    assert shown.speaker(5, 2)[:, 0].tolist() == [2, 3, 0, 0, 4]


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "weights.safetensors"
    given = [one.removeprefix("--set=") for one in settings(weights=path)]
    config = Config.load(overrides=parse_overrides(given))
    save_checkpoint(path, ReactFace(config.model), config, {}, "")
    return path


def clip_in(folder, name, seconds=3.0):
    with av.open(str(folder / name), "w") as file:
        stream = file.add_stream("libx264", rate=25)
        stream.width = stream.height = 64
        for index in range(round(25 * seconds)):
            rgb = np.full((64, 64, 3), index * 40 % 256, np.uint8)
            for packet in stream.encode(av.VideoFrame.from_ndarray(rgb, format="rgb24")):
                file.mux(packet)
        for packet in stream.encode():
            file.mux(packet)


@pytest.fixture
def short(monkeypatch):
    monkeypatch.setattr(human_table, "DYAD_S", 12.0)
    monkeypatch.setattr(situations, "STILL_S", 4.0)
    monkeypatch.setattr(situations, "VOICE_S", 10.0)


@pytest.mark.slow
def test_the_command_writes_the_table(weights, tmp_path, capsys, short):
    clips = tmp_path / "clips"
    clips.mkdir()
    clip_in(clips, "a.mp4")
    (clips / "labels.yaml").write_text("a: {neutral: [[0, 2]], smile: [[2.2, 2.9]]}")
    out = tmp_path / "out"
    given = ["--seeds", "1", "--samples", "2", "--clips", "2", "-o", str(out)]
    code = main(["evaluate", "--people", str(clips), *given, *settings(weights=weights)])
    text = capsys.readouterr().out
    marks = [line[:3] for line in text.splitlines() if line[:3] in ("ok ", "no ")]
    assert len(marks) >= 40 and code == (1 if "no " in marks else 0)
    told = json.loads((out / "people.json").read_text())
    assert (out / "people.txt").read_text().strip() == text.strip()
    assert len(told["rows"]) == len(marks)
    by_key = {row["key"]: row for row in told["rows"]}
    assert set(by_key["nods"]["values"]) == {"synthetic", "clips"}
    assert by_key["wrong_smile"]["judged"] == "clips"
    assert "clips" not in by_key["nod_10s"]["values"]  # the clip lasts 3 s


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (["--people", "none"], "none is no folder of video clips"),
        (["--people", "."], ". holds no video clips"),
        (["--people", "--seeds", "0"], "--seeds must be at least 1, not 0"),
        (["--people", "--samples", "0"], "--samples must be at least 1, not 0"),
        (["--people", "--clips", "-1"], "--clips must be at least 1, not -1"),
        (["--people", "--band", "3"], "--people has no use for --band"),
        (["--people", "--ablations"], "--people has no use for --ablations"),
        (["-o", "out", "--seeds", "3"], "--seeds goes with --people, --probes or --ablations"),
        (["--people", "--speech", "a.wav"], "--speech goes with --probes"),
    ],
)
def test_mistakes_are_one_line(given, says, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["evaluate", *given]) == 2
    error = capsys.readouterr().err
    assert says in error and error.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_a_clip_that_cannot_be_read_is_one_line(weights, tmp_path, capsys):
    (tmp_path / "a.mp4").write_bytes(b"no video")
    assert main(["evaluate", "--people", str(tmp_path), *settings(weights=weights)]) == 2
    error = capsys.readouterr().err
    assert str(tmp_path / "a.mp4") in error and error.count("\n") == 1


class CountingTracker(KnownSpeaker):
    def __init__(self):
        self.tracked, self.resets, self.closed = 0, 0, False

    def track(self, stamp_s, rgb):
        self.tracked += 1
        return Observation.missing()

    def reset(self):
        self.resets += 1

    def close(self):
        self.closed = True


def test_each_image_of_a_clip_is_tracked_once():
    real, image = CountingTracker(), np.zeros((4, 4, 3), np.uint8)
    tracker = RememberedTracker(lambda: real)
    for clip in ("a", "a", "b"):
        tracker.watch(Path(clip))
        seen = [tracker.track(stamp_s, image) for stamp_s in (0.0, 0.04)]
        tracker.reset()
        tracker.close()
    assert real.tracked == 4 and not real.closed
    assert tracker.track(0.04, image) is seen[1]
    tracker.end()
    assert real.closed
    RememberedTracker(lambda: real).end()


def test_another_clip_shows_other_people():
    """The tracker forgets the faces of the clip before, and keeps those of the same clip."""
    real, image = CountingTracker(), np.zeros((4, 4, 3), np.uint8)
    tracker, resets = RememberedTracker(lambda: real), []
    for clip in ("a", "a", "b"):
        tracker.watch(Path(clip))
        tracker.track(0.0, image)
        resets.append(real.resets)
    assert resets == [0, 0, 1]


def test_a_model_that_sees_pixels_is_refused():
    config = Config().replace(**{"model.face_encoder": "pixels"})
    with pytest.raises(UserError, match="no pixels to see them by"):
        load_session(config, KnownSpeaker())


def test_clips_have_all_that_can_be_measured_on_them():
    assert clip_values([]) == {}
    face = blink(look_left(face_of(20), 3, 4), 8, 0.12)
    labels = ClipLabels({"cry": ((0.0, 4.0),)})
    found = clip_values([meeting(face, labels=labels), meeting(face, labels=labels)])
    assert found["wrong_smile"] == 0 and found["smile_at_cry"] == 0
    assert found["same_gaze"] == pytest.approx(1.0) and found["glances"] == pytest.approx(3.0)
    assert "nod_talking" not in found and "laugh_laugh" not in found


@pytest.mark.parametrize("title", ["ReactFace (ours)", "Trans-AE"])
def test_they_are_among_the_probes(title, monkeypatch, capsys):
    one = human_table.ProbeResult("one", 1.0, "")
    for name, value in {
        "trained": lambda path, config: (title, None),
        "find_weights": lambda path: path,
        "run_probes": lambda reactor, config: [one],
        "proportions": lambda reactor, config: [one],
        "compare_with_people": lambda config, choice: table(synthetic={"nods": 11.2}),
    }.items():
        monkeypatch.setattr(evaluate, name, value)
    code = main(["evaluate", "--probes", "--seeds", "1"])
    told = capsys.readouterr()
    nods = "FAIL people: nods (synthetic): 11.200 a minute (must be >= 4 and <= 7)"
    if title == evaluate.OURS:
        assert code == 1 and nods in told.out
    else:
        assert code == 0 and "people" not in told.out
        assert "no human statistics of Trans-AE" in told.err
    assert told.out.count("one: 1.000") == 2
