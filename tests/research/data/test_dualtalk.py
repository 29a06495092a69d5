"""DualTalk with FLAME and with ARKit faces: what is read, and what is unknown."""

import json

import numpy as np
import pytest
from rigs.pair_sets import arkit, flame, flame_map, save, write_dualtalk, write_voice

from reactface_node.cli.main import main
from reactface_node.config import RosConfig
from reactface_node.errors import UserError
from reactface_node.outputs.livelink import NAMES
from reactface_node.research.data.datasets import open_sources
from reactface_node.research.data.dualtalk import read_metadata
from reactface_node.research.data.flame import UNSEEN
from reactface_node.research.data.kind import DatasetChoice
from reactface_node.research.data.store import load_clips
from reactface_node.schema import index_of, indices_of

TALK = "-video0_sub_video_0"
PERSON = f"{TALK}_speaker1"


@pytest.fixture(params=["flame", "arkit"])
def root(request, tmp_path):
    return write_dualtalk(tmp_path / "dualtalk", splits=("train",), form=request.param)


@pytest.fixture
def arkit_root(tmp_path):
    return write_dualtalk(tmp_path / "dualtalk", splits=("train",), form="arkit")


@pytest.fixture
def flame_root(tmp_path):
    return write_dualtalk(tmp_path / "dualtalk", splits=("train",))


def opened(root, **choice):
    [make] = open_sources("dualtalk", root, DatasetChoice(**choice), RosConfig())
    return make()


def side(root, name=PERSON, **choice):
    [found] = [
        one for talk in opened(root, **choice).talks for one in talk.sides if one.name == name
    ]
    return found


def track(root, name=PERSON, **choice):
    return side(root, name, **choice).read(None, lambda: None)


def numbers_file(root, name=PERSON):
    suffix = "npy" if (root / "metadata").is_dir() else "npz"
    [path] = root.rglob(f"{name}.{suffix}")
    return path


def check(root, capsys, *options):
    code = main(["data", "check", "dualtalk", str(root), *options])
    said = capsys.readouterr()
    return code, (said.out + said.err).splitlines()


def convert(root, out, *options):
    return main(["data", "convert", "dualtalk", str(root), str(out), "--workers", "1", *options])


def test_each_turn_is_a_clip_of_its_speaker(root, tmp_path, capsys):
    assert convert(root, tmp_path / "out") == 0
    assert "train: 4 clips, " in capsys.readouterr().out
    clips = load_clips(tmp_path / "out", "train")
    assert [name.split("/")[1] for name in clips.names[:2]] == [PERSON, f"{TALK}_speaker2"]
    assert [rows.tolist() for rows in clips.appropriate] == [[0], [1], [2], [3]]
    assert clips.frames.min() >= 100 and clips.frames.max() <= 160
    first = [np.asarray(clips.speaker[n, : clips.frames[n], index_of("jawOpen")]) for n in (0, 1)]
    answer = np.asarray(clips.reactions[0, : clips.frames[0], index_of("jawOpen")])
    assert min(one.std() for one in first) > 3 * answer.std()
    assert (tmp_path / "out" / "train-report.md").is_file()


def test_what_is_unknown_goes_into_the_converted_split(root, tmp_path, capsys):
    assert convert(root, tmp_path / "out") == 0
    capsys.readouterr()
    clips = load_clips(tmp_path / "out", "train")
    assert not clips.known[indices_of(*UNSEEN)].any()
    assert clips.known.sum() == (46 if (root / "metadata").is_dir() else 4)
    speaker = np.asarray(clips.speaker)
    assert not speaker[..., ~clips.known].any()
    assert speaker[..., clips.known].std(axis=1).min() > 0


def test_arkit_columns_go_to_their_names_and_the_dead_ones_stay_0(arkit_root):
    path = numbers_file(arkit_root)
    theirs = np.load(path)
    theirs[:, 55:] = 0.4  # eyes
    theirs[:, list(NAMES).index("eyeLookUpLeft")] = 0.3
    theirs[5, list(NAMES).index("jawOpen")] = 1.7
    np.save(path, theirs)
    face = track(arkit_root).face
    for name in ("browInnerUp", "mouthSmileLeft", "jawRight", "noseSneerRight"):
        np.testing.assert_array_equal(face[:, index_of(name)], theirs[:, list(NAMES).index(name)])
    assert face[5, index_of("jawOpen")] == 1.0
    assert not face[:, indices_of(*UNSEEN)].any() and len(UNSEEN) == 12


def test_both_forms_have_the_same_head(tmp_path):
    _, pose = flame(260, 0)
    assert np.abs(pose[:, :3]).max() > 0.1
    roots = [write_dualtalk(tmp_path / form, ("train",), form=form) for form in ("flame", "arkit")]
    faces = [track(one).face for one in roots]
    np.testing.assert_allclose(faces[0][:, 52:55], faces[1][:, 52:55], atol=2e-3)
    assert np.abs(np.median(faces[0][:, 52:55], axis=0)).max() < 1e-6


def test_a_map_of_flame_makes_the_expressions_known(flame_root, tmp_path, capsys):
    save(tmp_path / "map.npy", flame_map())
    found = side(flame_root, flame_map=tmp_path / "map.npy")
    assert set(found.missing) == set(UNSEEN) and tmp_path / "map.npy" in list(found.files())
    face = track(flame_root, flame_map=tmp_path / "map.npy").face
    assert face[:, :52].min() >= 0.0 and face[:, :52].max() <= 1.0 and face[:, 43].std() > 0
    for command in (check(flame_root, capsys, "--flame-map", str(tmp_path / "no.npy")),):
        assert command == (2, [f"reactface data: {tmp_path / 'no.npy'} is missing"])


def test_the_npy_files_may_lie_in_other_folders(arkit_root):
    before = track(arkit_root).face
    for folder in ("ARKit", "."):
        here = arkit_root / "ARKit_npy" / "train"
        there = arkit_root / folder / "train"
        there.mkdir(parents=True, exist_ok=True)
        for path in here.iterdir():
            path.rename(there / path.name)
        np.testing.assert_array_equal(track(arkit_root).face, before)
        for path in there.glob("*.npy"):
            path.rename(here / path.name)


@pytest.mark.parametrize("what", ["numbers", "voice"])
def test_a_side_that_is_missing_is_named_and_its_pair_left_out(root, what, tmp_path, capsys):
    path = numbers_file(root, f"{TALK}_speaker2")
    path = path if what == "numbers" else root / "train" / f"{TALK}_speaker2.wav"
    path.unlink()
    assert check(root, capsys) == (2, [f"{path} is missing"])
    assert convert(root, tmp_path / "out") == 0
    assert "1 conversations left out" in capsys.readouterr().out
    assert f"{path} is missing" in (tmp_path / "out" / "train-report.md").read_text()
    assert len(load_clips(tmp_path / "out", "train")) == 2


def test_a_pair_whose_lengths_differ_by_seconds(root, tmp_path, capsys):
    path = numbers_file(root, f"{TALK}_speaker2")
    expression, pose = flame(200, 1)
    if path.suffix == ".npy":
        np.save(path, arkit(200, 1))
    else:
        np.savez(path, exp=expression, pose=pose)
    code, [line] = check(root, capsys)
    assert code == 2 and "last 10.4 s and 8.0 s, and nothing says how they belong" in line


def test_a_side_without_sound_only_listens(root, tmp_path, capsys):
    write_voice(root / "train" / f"{TALK}_speaker2.wav", np.zeros(260 * 640, np.int16))
    assert check(root, capsys)[0] == 0 and convert(root, tmp_path / "out") == 0
    names = load_clips(tmp_path / "out", "train").names
    assert f"{TALK}/{TALK}_speaker2" not in {name.rpartition("/")[0] for name in names}
    assert "speaker2 has no sound" in (tmp_path / "out" / "train-report.md").read_text()
    capsys.readouterr()


def test_frames_of_zeros_have_no_face(root):
    path = numbers_file(root, f"{TALK}_speaker2")
    if path.suffix == ".npy":
        theirs = arkit(260, 1)
        theirs[10:20] = 0.0
        np.save(path, theirs)
    else:
        expression, pose = flame(260, 1)
        expression[10:20], pose[10:20] = 0.0, 0.0
        np.savez(path, exp=expression, pose=pose)
    found = track(root, f"{TALK}_speaker2")
    assert np.flatnonzero(~found.seen).tolist() == list(range(10, 20))
    assert not found.face[10:20].any() and found.face[9].any()


def test_a_side_of_nothing_but_zeros(arkit_root, capsys):
    path = numbers_file(arkit_root)
    np.save(path, np.zeros((260, 61), np.float32))
    assert check(arkit_root, capsys) == (2, [f"{path} holds nothing but zeros"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"speaker2_arkit": None}, f"{TALK}: the metadata name no speaker2_arkit"),
        ({"speaker1_audio": ""}, f"{TALK}: the metadata name no speaker1_audio"),
        ({"speaker2_arkit": 7}, f"{TALK}: the metadata name no speaker2_arkit"),
        ({"speaker1_audio": "../../etc/x.wav"}, "line 1: speaker1_audio leaves the data set's"),
        ({"speaker2_arkit": "/data/x.npy"}, "line 1: speaker2_arkit leaves the data set's folder"),
        ({"name": None}, "line 1 names no pair"),
    ],
)
def test_lines_of_the_metadata_that_cannot_be_used(arkit_root, change, message, capsys):
    path = arkit_root / "metadata" / "train.jsonl"
    first, *rest = path.read_text().splitlines()
    path.write_text("\n".join([json.dumps({**json.loads(first), **change}), *rest]))
    code, [line] = check(arkit_root, capsys)
    assert code == 2 and message in line


@pytest.mark.parametrize("text", ["", "\n\n", "{", "[1]", "7", "null", "{}"])
def test_metadata_that_is_damaged(tmp_path, text):
    (tmp_path / "train.jsonl").write_text(text)
    with pytest.raises(UserError, match=r"train\.jsonl"):
        read_metadata(tmp_path / "train.jsonl")
    (tmp_path / "train.jsonl").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match=r"train\.jsonl cannot be read"):
        read_metadata(tmp_path / "train.jsonl")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.zeros((9, 58), np.float32), "has shape (9, 58), not (frames, 61)"),
        (np.zeros((0, 61), np.float32), "has shape (0, 61)"),
        (np.full((9, 61), np.nan), "holds NaN, infinite or huge values, the first in frame 0"),
    ],
)
def test_arkit_files_that_cannot_be_used(arkit_root, values, message, capsys):
    save(numbers_file(arkit_root), values)
    code, [line] = check(arkit_root, capsys)
    assert code == 2 and message in line and PERSON in line


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"exp": np.zeros((9, 50))}, "holds no exp and pose"),
        ({"exp": np.zeros((9, 50)), "pose": np.zeros((8, 6))}, "has exp (9, 50) and pose"),
        ({"exp": np.zeros((9, 10)), "pose": np.zeros((9, 6))}, "has exp (9, 10) and pose"),
        ({"exp": np.zeros((0, 50)), "pose": np.zeros((0, 6))}, "has exp (0, 50)"),
        ({"exp": np.zeros(50), "pose": np.zeros(6)}, "has exp (50,)"),
        ({"exp": np.full((9, 50), np.inf), "pose": np.zeros((9, 6))}, "holds NaN, infinite"),
        ({"exp": np.full((9, 50), "a"), "pose": np.zeros((9, 6))}, "holds <U1, not numbers"),
        ({"exp": np.array([{}]), "pose": np.zeros((9, 6))}, "holds no exp and pose"),
    ],
)
def test_flame_files_that_cannot_be_used(flame_root, arrays, message, capsys):
    np.savez(numbers_file(flame_root), **arrays)
    code, [line] = check(flame_root, capsys)
    assert code == 2 and message in line and PERSON in line


def test_files_that_are_no_archives(flame_root, capsys):
    path = numbers_file(flame_root)
    whole = path.read_bytes()
    np.save(path.with_suffix(".npy"), np.zeros((9, 50)))
    plain = path.with_suffix(".npy").read_bytes()
    spoilt = whole[:900] + b"\0" * 99 + whole[999:]
    for data in (b"", b"hello", plain, whole[: len(whole) // 2], spoilt):
        path.write_bytes(data)
        code, lines = check(flame_root, capsys)
        assert code == 2 and len(lines) == 1 and str(path) in lines[0]


def test_there_are_no_pictures(root, tmp_path, capsys):
    line = f"reactface data: {root} holds no pictures: leave out --faces"
    assert check(root, capsys, "--faces") == (2, [line])
    assert convert(root, tmp_path / "out", "--faces") == 2
    assert not (tmp_path / "out").exists()
    capsys.readouterr()


def test_a_split_of_neither_form(tmp_path, capsys):
    (tmp_path / "ood").mkdir()
    code, [line] = check(tmp_path, capsys)
    assert code == 2 and "ood holds no pairs, and there is no" in line and "ood.jsonl" in line
