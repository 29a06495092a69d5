"""``reactface inspect --compare`` from a folder of clips to tables, JSON and contact sheets."""

import json
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from rigs.landmarks import drawn_landmarks
from rigs.paths import SHARED

from reactface_node.cli.main import main
from reactface_node.media.video import VideoWriter
from reactface_node.perception.face import Face
from reactface_node.perception.geometry import rotation_matrix
from reactface_node.render.sheet import face as expression
from reactface_node.tools.inspection import tracks

# A picture that is dark but not black would be brightened first.
NOBODY, REST, SMILING, SHUT = 0, 80, 160, 240
LABELS = """
talk:
  neutral: [[0.0, 1.0], [2.5, 4.0]]
  smile: [[1.0, 2.0]]
  blink: [3.0]
absent:
  cry: [[0, 1]]
"""


class Bright:
    """A finder that reads a drawn face's state from the picture's brightness."""

    def __init__(self, smile):
        self.smile = smile
        self.closed = False

    def find(self, stamp_s, image):
        level = float(image.mean())
        if level < (NOBODY + REST) / 2:
            return []
        shapes = {name: 0.0 for name in ("mouthSmileLeft", "mouthSmileRight")}
        shapes |= {"jawOpen": 0.0}
        if abs(level - SMILING) < 30:
            shapes |= {"mouthSmileLeft": self.smile, "mouthSmileRight": self.smile}
        # Blinks are measured from landmarks, and a smile is to be seen in them too.
        shut, smiling = (1.0 if abs(level - at) < 30 else 0.0 for at in (SHUT, SMILING))
        landmarks = drawn_landmarks(shut, smiling)
        return [Face(landmarks, shapes, (rotation_matrix(np.zeros(3)), np.array([0, 0, -0.8])))]

    def reset(self):
        pass

    def close(self):
        self.closed = True


@pytest.fixture
def finders(monkeypatch):
    """Two finders, of which the second sees no smile, and one that cannot be had."""
    made = [Bright(0.8), Bright(0.0)]
    entries = (
        ("good", lambda config: made[0]),
        ("blind", lambda config: made[1]),
        ("absent", lambda config: "its model is not here"),
    )
    monkeypatch.setattr(tracks, "FINDERS", entries)
    return made


def write_clip(path, levels):
    """A frame each 40 ms of that brightness."""
    with VideoWriter(path, 64, 48) as writer:
        for level in levels:
            writer.write_image(np.full((48, 64, 3), level, np.uint8))
    return path


@pytest.fixture
def folder(tmp_path):
    """A clip of 4 s (rest, a smile from 1 to 2 s, a blink at 3 s), one without a face, one that is
    no video and one that is cut, beside files that are no clips."""
    clips = tmp_path / "clips"
    clips.mkdir()
    levels = [REST] * 25 + [SMILING] * 25 + [REST] * 25 + [SHUT] * 4 + [REST] * 21
    write_clip(clips / "talk.mp4", levels)
    write_clip(clips / "wall.mp4", [NOBODY] * 25)
    (clips / "text.mp4").write_text("no video")
    whole = write_clip(clips / "cut.mp4", levels).read_bytes()
    (clips / "cut.mp4").write_bytes(whole[: len(whole) // 2])
    (clips / "notes.txt").write_text("no clip")
    (clips / "labels.yaml").write_text(LABELS)
    return clips


def run(capsys, *arguments):
    code = main(["inspect", *(str(argument) for argument in arguments)])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_the_comparison_as_json_with_sheets(folder, finders, capsys):
    out = folder.parent / "out"
    code, text, _ = run(capsys, "--compare", folder, "--json", "-o", out)
    found = json.loads(text)
    assert code == 0 and found["finders"] == ["good", "blind"]
    assert [(one["clip"], one["finder"]) for one in found["clips"]] == [
        ("talk", "good"),
        ("talk", "blind"),
    ]
    for one in found["clips"]:
        assert one["images"] == 100 and one["found"] == 1.0 and one["lost"] == 0
        assert (one["width"], one["height"], one["duration_s"]) == (64, 48, 4.0)
        assert one["blinks_s"] == [3.0]
        assert (one["blinks_expected"], one["blinks_matched"]) == (1, 1)
        assert one["cpu_ms"] > 0
    smiles = {one["finder"]: one for one in found["smiles"]}
    # The tracker smooths: 0.56, 0.73, ... of 0.8, all over 0.3.
    assert smiles["good"]["onset_s"] == 0.0 and smiles["good"]["share"] == 1.0
    assert smiles["blind"]["onset_s"] is None and smiles["blind"]["share"] == 0.0
    kinds = {(one["kind"], one["finder"]): one for one in found["kinds"]}
    assert kinds["no smile", "good"]["seconds"] == pytest.approx(2.5)
    assert kinds["neutral", "good"]["smile"] == 0.0
    assert kinds["smile", "good"]["smile"] == 1.0 and kinds["smile", "blind"]["smile"] == 0.0
    still = {one["finder"]: one for one in found["still"]}
    assert still["good"]["time_s"] == 0.0 and still["good"]["is_neutral"]
    assert set(still["good"]["highest"]) >= {"mouthSmileLeft", "jawOpen", "rotationX"}
    assert "tongueOut" not in still["good"]["highest"]
    assert still["good"]["highest"]["mouthSmileLeft"] == 0.0
    reasons = "\n".join(found["left_out"])
    assert len(found["left_out"]) == 5
    assert "absent: its model is not here" in reasons and "no clip here: absent" in reasons
    assert "wall.mp4: no finder sees a face in its 1.0 s" in reasons
    assert "text.mp4 is no video" in reasons and "cut.mp4 is no video" in reasons
    # They disagree on the smile, and so on when the face is at rest: on what else they disagree
    # depends on the drawing.
    assert "mouthSmile.png" in found["sheets"] and "jawOpen.png" not in found["sheets"]
    assert sorted(path.name for path in out.iterdir()) == sorted(found["sheets"])
    sheet = cv2.imread(str(out / "mouthSmile.png"))
    assert sheet.shape[1] == 4 * 246 + 6 and sheet[100, 100].tolist() == pytest.approx(
        [SMILING] * 3, abs=6
    )
    assert all(finder.closed for finder in finders)


def test_the_comparison_as_text(folder, finders, capsys):
    code, text, _ = run(capsys, "--compare", folder)
    assert code == 0
    assert all(len(line) <= 100 for line in text.splitlines() if str(folder) not in line)
    for part in ("clips", "blinks", "channels: blind against good", "labelled smiles", "left out"):
        assert part in text
    assert "never" in text and "1 of 1 labelled" in text and "talk 0.0 s" in text
    assert not (folder.parent / "out").exists()


def test_labels_of_another_file_and_none(folder, finders, capsys, tmp_path):
    own = tmp_path / "own.yaml"
    own.write_text("talk: {cry: [[1, 2]]}")
    code, text, _ = run(capsys, "--compare", folder, "--labels", own, "--json")
    found = json.loads(text)
    shares = {(one["kind"], one["finder"]): one["smile"] for one in found["kinds"]}
    assert code == 0 and shares["cry", "good"] == 1.0 and found["smiles"] == []
    # Without a label of a neutral face it is the stillest second's image.
    assert not found["still"][0]["is_neutral"]
    (folder / "labels.yaml").unlink()
    code, text, _ = run(capsys, "--compare", folder)
    assert code == 0 and "kind" not in text and "(not labelled)" in text


def test_one_finder_alone_is_measured(folder, finders, capsys, monkeypatch):
    monkeypatch.setattr(tracks, "FINDERS", tracks.FINDERS[:1])
    out = folder.parent / "out"
    code, text, _ = run(capsys, "--compare", folder, "-o", out, "--json")
    found = json.loads(text)
    assert code == 0 and found["channels"] == [] and found["sheets"] == []
    assert list(out.iterdir()) == [] and len(found["kinds"]) == 3


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "give either a bag or video file, or --compare FOLDER"),
        (["talk.mp4", "--compare", "FOLDER"], "give either a bag or video file"),
        (["talk.mp4", "--labels", "l.yaml"], "--labels has no use without --compare"),
        (["--compare", "nowhere"], "nowhere is no folder of video clips"),
        (["--compare", "FOLDER/text.mp4"], "is no folder of video clips"),
        (["--compare", "EMPTY"], "holds no video clips"),
        (["--compare", "TWICE"], "rename one"),
        (["--compare", "BAD"], "no clip in"),
        (["--compare", "FOLDER", "-o", "EMPTY"], "exists already"),
        (["--compare", "FOLDER", "-o", "no/out"], "cannot write no/out"),
        (["--compare", "FOLDER", "--labels", "no.yaml"], "cannot read no.yaml"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(
    arguments, says, folder, finders, capsys, monkeypatch
):
    monkeypatch.chdir(folder.parent)
    for name in ("EMPTY", "TWICE", "BAD"):
        Path(name).mkdir()
    for name in ("TWICE/a.mp4", "TWICE/a.mkv", "BAD/a.mp4"):
        Path(name).write_text("no video")
    folder.rename("FOLDER")
    code, out, err = run(capsys, *arguments)
    assert (code, out) == (2, "")
    assert says in err and err.count("\n") == 1 and "Traceback" not in err


def test_bad_labels_are_refused_before_tracking(folder, finders, capsys):
    (folder / "labels.yaml").write_text("talk: {smlie: [[0, 1]]}")
    code, out, err = run(capsys, "--compare", folder)
    assert (code, out) == (2, "") and "'smlie' is no kind" in err and err.count("\n") == 1
    assert not finders[0].closed


def test_without_a_face_model_it_is_one_line(folder, finders, capsys, monkeypatch):
    monkeypatch.setattr(tracks, "FINDERS", tracks.FINDERS[2:])
    code, out, err = run(capsys, "--compare", folder)
    assert (code, out) == (2, "") and "no face model is installed (absent: its model" in err


def test_sheets_that_cannot_be_finished_leave_nothing(folder, finders, capsys, monkeypatch):
    def full(self, data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    code, _, err = run(capsys, "--compare", folder, "-o", folder.parent / "out")
    # On a slow machine the progress is shown too.
    (line,) = [line for line in err.splitlines() if not line.startswith(("tracking:", "still "))]
    assert code == 2 and "the disk is full" in line
    assert [path.name for path in folder.parent.iterdir()] == ["clips"]


def test_a_finder_that_fails_in_a_clip_costs_that_clip_alone(folder, finders, capsys, monkeypatch):
    write_clip(folder / "second.mp4", [SMILING] * 30)
    find = Bright.find

    def fails(self, stamp_s, image):
        if abs(image.mean() - SHUT) < 30:
            raise RuntimeError("the graph has errors:\nand more lines")
        return find(self, stamp_s, image)

    monkeypatch.setattr(Bright, "find", fails)
    code, text, _ = run(capsys, "--compare", folder, "--json")
    found = json.loads(text)
    assert code == 0 and {one["clip"] for one in found["clips"]} == {"second"}
    assert any(line.endswith("talk.mp4: the graph has errors:") for line in found["left_out"])


def draw_person(path, seconds=3):
    """The avatar ``person``: at rest, and a smile in the last second."""
    from reactface_node.config import RenderConfig
    from reactface_node.render import make_renderer

    renderer = make_renderer(RenderConfig(theme="person", width=640, height=480))
    with VideoWriter(path, 640, 480) as writer:
        for index in range(25 * seconds):
            is_smile = index >= 25 * (seconds - 1)
            writer.write_image(renderer.render(expression({"mouthSmile": 1.0 * is_smile})))


@pytest.mark.slow
def test_a_drawn_person_by_mediapipe(tmp_path, capsys):
    pytest.importorskip("mediapipe", reason="the tracker is not installed")
    clips = tmp_path / "clips"
    clips.mkdir()
    draw_person(clips / "drawn.mp4")
    (clips / "labels.yaml").write_text("drawn: {neutral: [[0, 1.9]], smile: [[2, 3]]}")
    none = [f"--set=perception.{name}=no" for name in ("landmarker", "expression_classifier")]
    code, text, _ = run(capsys, "--compare", clips, "--json", *none)
    found = json.loads(text)
    assert code == 0 and found["finders"] == ["measures"]
    (clip,) = found["clips"]
    assert clip["found"] == 1.0 and clip["people"] == 1 and clip["images"] == 75
    (smile,) = found["smiles"]
    assert smile["onset_s"] <= 0.2 and smile["share"] > 0.8
    shares = {one["kind"]: one for one in found["kinds"]}
    assert shares["neutral"]["smile"] == 0.0
    reasons = "\n".join(found["left_out"])
    assert "perception.landmarker=no is no file" in reasons
    assert "perception.expression_classifier=no is no file" in reasons
    (still,) = found["still"]
    assert still["is_neutral"] and still["highest"]["mouthSmileLeft"] < 0.3


@pytest.mark.slow
def test_the_shared_clips(tmp_path, capsys):
    source = SHARED / "clips"
    if not (source / "d18.mp4").exists():
        pytest.skip(f"{source} is not here")
    clips = tmp_path / "clips"
    clips.mkdir()
    for name in ("d18.mp4", "labels.yaml"):
        (clips / name).symlink_to(source / name)
    out = tmp_path / "out"
    code, text, _ = run(capsys, "--compare", clips, "--json", "-o", out)
    found = json.loads(text)
    assert code == 0
    kinds = {one["kind"] for one in found["kinds"]}
    assert kinds == {"no smile", "neutral", "oh", "pout", "sulk", "yell"}
    for one in found["clips"]:
        assert one["images"] == 216 and one["found"] > 0.95 and one["people"] == 1
        assert (one["blinks_expected"], one["blinks_matched"]) == (1, 1)
    assert sorted(found["sheets"]) == sorted(path.name for path in out.iterdir())


def test_without_a_package_of_the_tracker_it_is_one_line(folder, capsys, monkeypatch):
    monkeypatch.delitem(sys.modules, "reactface_node.tools.inspection.compare", raising=False)
    monkeypatch.delitem(sys.modules, "reactface_node.tools.inspection.tracks", raising=False)
    monkeypatch.setitem(sys.modules, "reactface_node.perception.finders", None)
    code, out, err = run(capsys, "--compare", folder)
    assert (code, out) == (2, "") and "install reactface_node again" in err and err.count("\n") == 1
