"""MARS: sessions, both roles, rates, gaps, and what may be wrong with it."""

import shutil

import numpy as np
import pytest
from rigs.data_sets import write_video
from rigs.pair_sets import save, talking, turns, voice, write_mars, write_voice

from reactface_node.cli.main import main
from reactface_node.errors import UserError
from reactface_node.faceverse import Space
from reactface_node.research.data.convert import convert
from reactface_node.research.data.mars import Mars
from reactface_node.research.data.store import load_clips, load_facts

NAME = "session0/Camera-2024-06-21-103100-103102"


@pytest.fixture
def root(tmp_path):
    return write_mars(tmp_path / "mars", splits=("train",), sessions=(0, 10, 9))


def face_file(root, role="speaker", name=NAME):
    return root / "train" / "coefficients" / role / f"{name}.npy"


def audio_file(root, role="speaker", name=NAME):
    return root / "train" / "audio" / role / f"{name}.wav"


def write_side(root, role, frames, rate_hz=25.0, seconds=None, seed=0):
    """One side again, with another length or rate."""
    seconds = frames / rate_hz if seconds is None else seconds
    at = np.arange(frames) / rate_hz
    loud = np.interp(at, np.arange(4000) / 25, turns(4000, role == "speaker"))
    save(face_file(root, role), Space.of().to_faceverse(talking(loud, seed)))
    write_voice(audio_file(root, role), voice(turns(round(seconds * 25), True), seed))


def check(root, capsys, *options):
    """The exit code and the lines that check prints."""
    code = main(["data", "check", "mars", str(root), *options])
    said = capsys.readouterr()
    return code, (said.out + said.err).splitlines()


def test_both_roles_and_the_reactions_of_a_session(root):
    source = Mars(root, "train")
    assert len(source.names) == 12  # 3 sessions, 2 recordings, both ways
    assert [name.split("/")[1] for name in source.names[:6]] == [
        *["session0"] * 2,
        *["session9"] * 2,
        *["session10"] * 2,
    ]
    assert source.names[0] == f"speaker/{NAME}/000000"
    assert source.names[6] == f"listener/{NAME}/000000"
    known = [rows.tolist() for rows in source.appropriate()]
    assert known[:2] == [[0, 1], [1, 0]] and known[6:8] == [[6, 7], [7, 6]]
    clip = next(iter(source.read(range(0, 1))))
    back = next(iter(source.read(range(6, 7))))
    np.testing.assert_array_equal(clip.speaker, back.reactions[0])
    np.testing.assert_array_equal(clip.reactions[0], back.speaker)
    assert np.abs(clip.audio - back.audio.astype(int)).max() > 1000
    theirs = np.load(face_file(root))[:, 0]
    np.testing.assert_allclose(clip.speaker, Space.of().to_ours(theirs), atol=1e-6)


def test_one_way(root, tmp_path, capsys):
    source = Mars(root, "train", one_way=True)
    assert len(source.names) == 6 and all(n.startswith("speaker/") for n in source.names)
    out = tmp_path / "out"
    assert (
        main(["data", "convert", "mars", str(root), str(out), "--one-way", "--workers", "1"]) == 0
    )
    assert len(load_clips(out, "train")) == 6 and load_facts(out, "train")["one_way"]
    capsys.readouterr()


def test_long_recordings_are_cut_and_answered_at_the_same_time(tmp_path):
    root = write_mars(tmp_path, ("train",), sessions=(4,), recordings=1, frames=50)
    other = "session4/Camera-2"
    for role in ("speaker", "listener"):
        for name, frames in (("session4/Camera-2024-06-21-103100-103102", 1520), (other, 900)):
            save(face_file(root, role, name), talking(turns(frames, True), frames))
            write_voice(audio_file(root, role, name), voice(turns(frames, True), frames))
    source = Mars(root, "train", one_way=True)
    assert source.parts.tolist() == [[0, 0, 750], [0, 750, 150], [1, 0, 750], [1, 750, 750]]
    assert source.jobs() == [range(0, 2), range(2, 4)] and source.max_frames() == 750
    assert [rows.tolist() for rows in source.appropriate()] == [[0, 2], [1, 3], [2, 0], [3, 1]]
    [first, second] = source.read(range(2, 4))
    whole = source.face("speaker/session4/Camera-2024-06-21-103100-103102")
    np.testing.assert_array_equal(np.concatenate([first.speaker, second.speaker]), whole[:1500])
    assert [len(clip.audio) for clip in (first, second)] == [750 * 640] * 2
    convert(source, tmp_path / "out", 1)
    found = load_clips(tmp_path / "out", "train")
    assert found.frames.tolist() == [750, 150, 750, 750]


@pytest.mark.parametrize("rate_hz", [30.0, 30000 / 1001, 60.0])
def test_the_two_sides_may_have_other_rates(root, rate_hz):
    seconds = 110 / 25
    write_side(root, "listener", round(seconds * rate_hz), rate_hz, seconds)
    source = Mars(root, "train")
    assert not list(source.problems())
    assert len(source.found(f"listener/{NAME}")) == 110
    clip = next(iter(source.read(range(0, 1))))
    assert clip.speaker.shape == (110, 58) and clip.reactions.shape == (1, 110, 58)
    expected = 0.6 * turns(110, False)
    assert np.abs(clip.reactions[0, :, 24] - expected).mean() < 0.01


def test_the_video_says_the_rate(root):
    write_side(root, "speaker", 88, 20.0)
    [line] = Mars(root, "train").problems()
    assert line.endswith(f"{NAME[9:]}.wav, has 88 frames, which fit 4.40 s at no usual rate")
    write_video(root / "train/video-face-crop/speaker" / f"{NAME}.mp4", [90] * 88, 20)
    assert not list(Mars(root, "train").problems())
    assert len(Mars(root, "train").face(f"speaker/{NAME}")) == 110


def test_a_pair_whose_lengths_differ_by_seconds(root, capsys):
    write_side(root, "listener", 200)
    code, lines = check(root, capsys)
    assert code == 2 and len(lines) == 2  # its face and its voice
    assert all("8.00 s (200 frames) long, but" in line and "listener" in line for line in lines)


@pytest.mark.parametrize("side", ["speaker", "listener"])
@pytest.mark.parametrize("modality", ["coefficients", "audio"])
def test_a_file_of_one_side_is_missing(root, side, modality, tmp_path, capsys):
    path = (face_file if modality == "coefficients" else audio_file)(root, side)
    path.unlink()
    code, lines = check(root, capsys)
    assert code == 2 and len(lines) == 1 and str(path) in lines[0]
    out = tmp_path / "out"
    assert main(["data", "convert", "mars", str(root), str(out)]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1 and not (out / "train").exists()


def test_a_session_with_one_person(root, capsys):
    for modality in ("coefficients", "audio"):
        shutil.rmtree(root / "train" / modality / "listener" / "session9")
    code, lines = check(root, capsys)
    assert code == 2 and len(lines) == 4
    assert all("listener/session9" in line for line in lines)


def test_broken_pairs_are_skipped_on_request_and_reported(root, tmp_path, capsys):
    face_file(root, "listener").unlink()
    other = "session9/Camera-2024-06-21-103101-103102"
    theirs = np.load(face_file(root, name=other))
    theirs[3] = np.nan
    np.save(face_file(root, name=other), theirs)
    code, lines = check(root, capsys, "--skip-broken")
    assert code == 0 and [line for line in lines if "are skipped" in line] == [
        f"warning: speaker/{NAME} and listener/{NAME} are skipped: "
        f"{face_file(root, 'listener')} is missing",
        f"warning: speaker/{other} and listener/{other} are skipped: {face_file(root, name=other)} "
        "holds NaN, infinite or huge values, the first in frame 3",
    ]
    command = ["data", "convert", "mars", str(root), str(tmp_path / "out"), "--workers", "1"]
    assert main(command) == 2 and main([*command, "--skip-broken"]) == 0
    told = capsys.readouterr().out
    assert "train: 8 clips, " in told and "2 conversations left out" in told
    page = (tmp_path / "out" / "train-report.md").read_text()
    assert f"{face_file(root, 'listener')} is missing" in page
    names = load_clips(tmp_path / "out", "train").names
    assert len(names) == 8 and not any(NAME in name or other in name for name in names)


def test_a_split_of_broken_pairs_alone(root, capsys):
    for path in (root / "train" / "audio").rglob("*.wav"):
        path.unlink()
    code, [line] = check(root, capsys, "--skip-broken")
    assert code == 2 and "every pair of the train split is broken" in line and "missing" in line


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e9])
def test_numbers_that_are_none(root, value, capsys):
    theirs = np.load(face_file(root))
    theirs[7, 0, 3] = value
    np.save(face_file(root), theirs)
    code, [line] = check(root, capsys)
    assert code == 2 and line.endswith("holds NaN, infinite or huge values, the first in frame 7")


def test_a_stretch_of_zeros_is_a_face_that_is_not_found(root, capsys):
    theirs = np.load(face_file(root))
    theirs[20:40] = 0.0
    np.save(face_file(root), theirs)
    assert check(root, capsys)[0] == 0
    source = Mars(root, "train")
    assert np.flatnonzero(~source.found(f"speaker/{NAME}")).tolist() == list(range(20, 40))
    face, given = source.face(f"speaker/{NAME}"), Space.of().to_ours(theirs[:, 0])
    np.testing.assert_array_equal(face[:20], given[:20])
    np.testing.assert_array_equal(face[40:], given[40:])
    share = np.arange(1, 21)[:, None] / 21
    between = (1 - share) * given[19] + share * given[40]
    np.testing.assert_allclose(face[20:40], between, atol=1e-5)


def test_a_person_who_leaves_is_left_out_and_named(root, capsys):
    theirs = np.load(face_file(root))
    theirs[30:] = 0.0
    np.save(face_file(root), theirs)
    assert len(Mars(root, "train").names) == 10
    code, lines = check(root, capsys)
    assert code == 0 and len([line for line in lines if line.startswith("warning: ")]) == 1
    assert f"speaker/{NAME} and listener/{NAME}: 4.4 of 4.4 s are left out" in lines[0]
    for path in (root / "train" / "coefficients").rglob("*.npy"):
        np.save(path, np.zeros((110, 58), np.float32))
    with pytest.raises(UserError, match="no pair of the train split shows both faces for 4 s"):
        _ = Mars(root, "train").names


def test_a_recording_is_cut_where_a_face_is_missing_for_over_a_second(tmp_path):
    root = write_mars(tmp_path, ("train",), sessions=(0,), recordings=1, frames=1000)
    for role, gap in (("speaker", slice(200, 226)), ("listener", slice(500, 525))):
        theirs = np.load(face_file(root, role))
        theirs[gap] = 0.0
        np.save(face_file(root, role), theirs)
    source = Mars(root, "train", one_way=True)
    assert source.parts.tolist() == [[0, 0, 200], [0, 226, 524], [0, 750, 250]]
    assert source.names[1] == f"speaker/{NAME}/000226"


def test_one_sound_for_both_is_warned_of(root, capsys):
    voices = [audio_file(root, role) for role in ("speaker", "listener")]
    voices[1].write_bytes(voices[0].read_bytes())
    code, lines = check(root, capsys)
    said = "are the same sound: each needs the voice of one person"
    assert code == 0 and lines[0] == f"warning: {voices[0]} and {voices[1]} {said}"


def test_a_jaw_that_never_moves_is_warned_of(root, capsys):
    values = np.load(face_file(root))
    save(face_file(root), np.repeat(values[:1], len(values), axis=0))
    code, lines = check(root, capsys)
    assert code == 0 and lines[0] == f"warning: the jaw of speaker/{NAME} never moves"


def test_voices_that_are_exchanged_or_silent_are_warned_of(root, capsys):
    voices = [audio_file(root, role) for role in ("speaker", "listener")]
    data = [path.read_bytes() for path in voices]
    for path, other in zip(voices, data[::-1], strict=True):
        path.write_bytes(other)
    code, lines = check(root, capsys)
    assert code == 0
    assert [line for line in lines if "are the two voices exchanged" in line] == [
        f"warning: {voices[0]} fits the jaw of listener/{NAME}, and the other way round: are the "
        "two voices exchanged?"
    ]
    write_voice(voices[1], np.zeros(110 * 640, np.int16))
    code, lines = check(root, capsys)
    assert code == 0 and f"warning: {voices[1]} is silent" in lines


def test_face_crops(root, capsys):
    code, lines = check(root, capsys, "--faces")
    assert code == 2 and len(lines) == 12 and all("video-face-crop" in line for line in lines)
    for role in ("speaker", "listener"):
        for path in (root / "train" / "coefficients" / role).rglob("*.npy"):
            name = path.relative_to(root / "train" / "coefficients").with_suffix(".mp4")
            write_video(root / "train" / "video-face-crop" / name, range(60, 169))  # one too few
    assert check(root, capsys, "--faces")[0] == 0
    clip = next(iter(Mars(root, "train", faces=True).read(range(0, 1))))
    assert clip.faces.shape == (110, 224, 224, 3)
    assert [round(clip.faces[i].mean()) for i in (0, 50)] == pytest.approx([60, 110], abs=3)
    np.testing.assert_array_equal(clip.faces[109], clip.faces[108])


def test_a_video_whose_pictures_cannot_be_decoded(root, monkeypatch):
    monkeypatch.setattr("reactface_node.research.data.pairs.video_frames", lambda path: iter(()))
    with pytest.raises(UserError, match=r"\.mp4 holds no pictures"):
        list(Mars(root, "train", faces=True).read(range(0, 1)))


def test_no_sessions(tmp_path, capsys):
    (tmp_path / "train").mkdir()
    code, [line] = check(tmp_path, capsys)
    assert code == 2 and line.endswith("coefficients holds no sessions")


def test_stray_files_are_not_people(root):
    face_file(root, name="session0/._Camera-1").write_bytes(b"finder")
    save(root / "train" / "coefficients" / "speaker" / "notes.npy", np.zeros(3))
    assert len(Mars(root, "train").names) == 12 and not list(Mars(root, "train").problems())
