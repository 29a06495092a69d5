"""DualTalk with FLAME and with ARKit faces: what is read, and what is unknown."""

import json

import numpy as np
import pytest
from rigs.pair_sets import arkit, flame, flame_map, save, write_dualtalk

from reactface_node.cli.main import main
from reactface_node.config import RosConfig
from reactface_node.errors import UserError
from reactface_node.outputs.livelink import NAMES
from reactface_node.research.data.convert import convert
from reactface_node.research.data.datasets import open_sources
from reactface_node.research.data.dualtalk import DualTalk, DualTalkArkit, read_metadata
from reactface_node.research.data.flame import UNSEEN
from reactface_node.research.data.kind import DatasetChoice
from reactface_node.research.data.store import load_clips
from reactface_node.schema import index_of, indices_of

NAME = "train/-video0_sub_video_0"


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


def check(root, capsys, *options):
    code = main(["data", "check", "dualtalk", str(root), *options])
    said = capsys.readouterr()
    return code, (said.out + said.err).splitlines()


def test_a_pair_is_used_both_ways(root):
    source = opened(root)
    assert source.names == (
        f"{NAME}_speaker1/000000",
        f"{NAME[:-1]}1_speaker1/000000",
        f"{NAME}_speaker2/000000",
        f"{NAME[:-1]}1_speaker2/000000",
    )
    assert [rows.tolist() for rows in source.appropriate()] == [[0], [1], [2], [3]]
    one, other = (next(iter(source.read(range(n, n + 1)))) for n in (0, 2))
    np.testing.assert_array_equal(one.speaker, other.reactions[0])
    np.testing.assert_array_equal(one.reactions[0], other.speaker)
    assert len(one.audio) == 110 * 640 and (one.audio != other.audio).any()
    assert len(opened(root, one_way=True).names) == 2


def test_arkit_columns_go_to_their_names_and_the_dead_ones_stay_0(arkit_root):
    path = arkit_root / "ARKit_npy" / f"{NAME}_speaker1.npy"
    theirs = np.load(path)
    theirs[:, 55:] = 0.4  # eyes
    theirs[:, list(NAMES).index("eyeLookUpLeft")] = 0.3
    theirs[5, list(NAMES).index("jawOpen")] = 1.7
    np.save(path, theirs)
    source = opened(arkit_root)
    assert isinstance(source, DualTalkArkit)
    face = source.face(f"{NAME}_speaker1")
    for name in ("browInnerUp", "mouthSmileLeft", "jawRight", "noseSneerRight"):
        np.testing.assert_array_equal(face[:, index_of(name)], theirs[:, list(NAMES).index(name)])
    assert face[5, index_of("jawOpen")] == 1.0
    assert not face[:, indices_of(*UNSEEN)].any()
    assert set(source.facts["missing"]) == set(UNSEEN) and len(UNSEEN) == 12


def test_both_forms_have_the_same_head(tmp_path):
    _, pose = flame(110, 0)
    assert np.abs(pose[:, :3]).max() > 0.1
    roots = [write_dualtalk(tmp_path / form, ("train",), form=form) for form in ("flame", "arkit")]
    faces = [opened(one).face(f"{NAME}_speaker1") for one in roots]
    np.testing.assert_allclose(faces[0][:, 52:55], faces[1][:, 52:55], atol=2e-3)
    assert np.abs(np.median(faces[0][:, 52:55], axis=0)).max() < 1e-6


def test_what_is_unknown_goes_into_the_converted_split(root, tmp_path):
    source = opened(root)
    convert(source, tmp_path / "out", 1)
    clips = load_clips(tmp_path / "out", "train")
    assert not clips.known[indices_of(*UNSEEN)].any()
    assert clips.known.sum() == (46 if isinstance(source, DualTalkArkit) else 4)
    speaker = np.asarray(clips.speaker)
    assert not speaker[..., ~clips.known].any()
    assert speaker[..., clips.known].std(axis=1).min() > 0


def test_a_map_of_flame_makes_the_expressions_known(flame_root, tmp_path, capsys):
    save(tmp_path / "map.npy", flame_map())
    source = opened(flame_root, flame_map=tmp_path / "map.npy")
    assert isinstance(source, DualTalk) and set(source.facts["missing"]) == set(UNSEEN)
    face = source.face(f"{NAME}_speaker1")
    assert face[:, :52].min() >= 0.0 and face[:, :52].max() <= 1.0 and face[:, 43].std() > 0
    assert tmp_path / "map.npy" in list(source.files())
    code, [line] = check(flame_root, capsys, "--flame-map", str(tmp_path / "no.npy"))
    assert code == 2 and line == f"{tmp_path / 'no.npy'} is missing"


def test_the_npy_files_may_lie_in_other_folders(arkit_root):
    before = opened(arkit_root).face(f"{NAME}_speaker1")
    for folder in ("ARKit", "."):
        here = arkit_root / "ARKit_npy" / "train"
        there = arkit_root / folder / "train"
        there.mkdir(parents=True, exist_ok=True)
        for path in here.iterdir():
            path.rename(there / path.name)
        np.testing.assert_array_equal(opened(arkit_root).face(f"{NAME}_speaker1"), before)
        (arkit_root / "ARKit_npy" / "train").rmdir()
        there.rename(here)


def test_a_side_that_is_missing(root, capsys):
    suffix = "npz" if not (root / "metadata").is_dir() else "npy"
    [path] = root.rglob(f"*video_1_speaker2.{suffix}")
    path.unlink()
    code, lines = check(root, capsys)
    assert code == 2 and lines == [f"{path} is missing"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"speaker1_audio": "../../etc/x.wav"}, "line 1: speaker1_audio leaves the data set's"),
        ({"speaker2_arkit": "/data/x.npy"}, "line 1: speaker2_arkit leaves the data set's folder"),
        ({"speaker2_arkit": 7}, "line 1: speaker2_arkit is no path"),
        ({"speaker1_audio": 0}, "line 1: speaker1_audio is no path"),
        ({"speaker1_audio": "."}, "line 1: speaker1_audio: no file can be called '.'"),
        ({"speaker1_audio": "\ud800.wav"}, "line 1: speaker1_audio: no file can be called"),
        ({"speaker1_arkit": "x" * 300}, "line 1: speaker1_arkit: no file can be called"),
        ({"speaker2_arkit": f"{NAME}_speaker1.npy"}, f"line 1 names {NAME}_speaker1, which was"),
        ({"name": None}, "line 1 names no pair"),
        ({"name": "../../x", "speaker2_arkit": None}, "line 1: speaker2_arkit leaves the data"),
    ],
)
def test_lines_of_the_metadata_that_cannot_be_used(arkit_root, change, message, capsys):
    path = arkit_root / "metadata" / "train.jsonl"
    first, *rest = path.read_text().splitlines()
    path.write_text("\n".join([json.dumps({**json.loads(first), **change}), *rest]))
    code, [line] = check(arkit_root, capsys)
    assert code == 2 and message in line and str(path) in line


def test_a_pair_that_is_listed_twice(arkit_root, capsys):
    path = arkit_root / "metadata" / "train.jsonl"
    path.write_text(path.read_text() * 2)
    code, [line] = check(arkit_root, capsys)
    assert code == 2 and f"line 3 names {NAME}_speaker1, which was named before" in line


def test_texts_may_hold_any_characters(arkit_root, capsys):
    path = arkit_root / "metadata" / "train.jsonl"
    rows = [{**json.loads(line), "text": "a\u2028b\x85"} for line in path.read_text().splitlines()]
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    path.write_text("\r\n".join(lines), "utf-8-sig")
    assert check(arkit_root, capsys)[0] == 0


def test_a_side_that_the_metadata_leaves_null(arkit_root, capsys):
    path = arkit_root / "metadata" / "train.jsonl"
    first, *rest = path.read_text().splitlines()
    path.write_text("\n".join([json.dumps({**json.loads(first), "speaker2_arkit": None}), *rest]))
    assert check(arkit_root, capsys)[0] == 0  # the file is there
    missing = arkit_root / "ARKit_npy" / f"{NAME}_speaker2.npy"
    missing.unlink()
    assert check(arkit_root, capsys) == (2, [f"{missing} is missing"])
    code, lines = check(arkit_root, capsys, "--skip-broken")
    assert code == 0 and f"are skipped: {missing} is missing" in lines[0]


@pytest.mark.parametrize("text", ["", "\n\n", "{", "[" * 100_000, "[1]", "7", "null", "{}"])
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
        (np.zeros((9, 58), np.float32), r"has shape \(9, 58\), not \(frames, 61\)"),
        (np.zeros((0, 61), np.float32), r"has shape \(0, 61\)"),
        (np.full((9, 61), np.nan), "holds NaN, infinite or huge values, the first in frame 0"),
    ],
)
def test_arkit_files_that_cannot_be_used(arkit_root, values, message):
    save(arkit_root / "ARKit_npy" / f"{NAME}_speaker1.npy", values)
    with pytest.raises(UserError, match=message):
        opened(arkit_root).found(f"{NAME}_speaker1")


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"exp": np.zeros((9, 50))}, "holds no exp and pose"),
        ({"exp": np.zeros((9, 50)), "pose": np.zeros((8, 6))}, r"has exp \(9, 50\) and pose"),
        ({"exp": np.zeros((9, 10)), "pose": np.zeros((9, 6))}, r"has exp \(9, 10\) and pose"),
        ({"exp": np.zeros((0, 50)), "pose": np.zeros((0, 6))}, r"has exp \(0, 50\)"),
        ({"exp": np.zeros(50), "pose": np.zeros(6)}, r"has exp \(50,\)"),
        ({"exp": np.full((9, 50), np.inf), "pose": np.zeros((9, 6))}, "holds NaN, infinite"),
        ({"exp": np.full((9, 50), "a"), "pose": np.zeros((9, 6))}, "holds <U1, not numbers"),
        ({"exp": np.array([{}]), "pose": np.zeros((9, 6))}, "holds no exp and pose"),
    ],
)
def test_flame_files_that_cannot_be_used(flame_root, arrays, message):
    np.savez(flame_root / f"{NAME}_speaker1.npz", **arrays)
    with pytest.raises(UserError, match=message):
        opened(flame_root).found(f"{NAME}_speaker1")


def test_files_that_are_no_archives(flame_root, capsys):
    path = flame_root / f"{NAME}_speaker1.npz"
    whole = path.read_bytes()
    np.save(path.with_suffix(".npy"), np.zeros((9, 50)))
    plain = path.with_suffix(".npy").read_bytes()
    spoilt = whole[:900] + b"\0" * 99 + whole[999:]
    for data in (b"", b"hello", plain, whole[: len(whole) // 2], spoilt):
        path.write_bytes(data)
        code, lines = check(flame_root, capsys)
        assert code == 2 and len(lines) == 1 and str(path) in lines[0]


@pytest.mark.parametrize("options", [[], ["--turns"]])
def test_a_pair_that_lacks_a_side_is_skipped_on_request(root, options, tmp_path, capsys):
    path = root / "train" / f"{NAME[6:]}_speaker2.wav"
    path.unlink()
    command = ["data", "convert", "dualtalk", str(root), str(tmp_path / "out"), *options]
    assert main([*command, "--workers", "1"]) == 2
    code = main([*command, "--workers", "1", "--skip-broken"])
    said = capsys.readouterr()
    if options:  # 4.4 s hold no turn of 4 s
        assert code == 2 and "nothing of the train split became a clip" in said.err
    else:
        assert code == 0 and "1 conversations left out" in said.out
        assert len(load_clips(tmp_path / "out", "train")) == 2
    assert f"{path} is missing" in (tmp_path / "out" / "train-report.md").read_text()


def test_there_are_no_pictures(root, capsys):
    code, [line] = check(root, capsys, "--faces")
    assert code == 2 and line == f"{root} holds no pictures: leave out --faces"


def test_a_split_of_neither_form(tmp_path, capsys):
    (tmp_path / "ood").mkdir()
    code, [line] = check(tmp_path, capsys)
    assert code == 2 and "ood holds no pairs, and there is no" in line and "ood.jsonl" in line


def test_frames_of_zeros_have_no_face(root):
    source = opened(root)
    path = source.face_file(f"{NAME}_speaker2")
    if path.suffix == ".npy":
        theirs = arkit(110, 1)
        theirs[10:20] = 0.0
        np.save(path, theirs)
    else:
        expression, pose = flame(110, 1)
        expression[10:20], pose[10:20] = 0.0, 0.0
        np.savez(path, exp=expression, pose=pose)
    found = source.found(f"{NAME}_speaker2")
    assert np.flatnonzero(~found).tolist() == list(range(10, 20))
    face = source.face(f"{NAME}_speaker2")
    assert np.abs(np.diff(face[8:22, 52:55], axis=0)).max() < 0.05
