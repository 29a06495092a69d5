"""The videos of every row: their pictures, their sound, and their use in a survey."""

import json
from dataclasses import replace

import numpy as np
import pytest

from reactface_node.cli.main import main
from reactface_node.config import RenderConfig
from reactface_node.errors import UserError
from reactface_node.media.video import AudioInput, ImageInput, read_video
from reactface_node.render import make_renderer
from reactface_node.research.data.clips import Clips
from reactface_node.research.evaluation.videos import check_videos, folder_name, write_videos
from reactface_node.schema import NUM_COEFFICIENTS, SAMPLES_PER_FRAME, indices_of

FRAMES = 32
SMALL = RenderConfig(width=64, height=64)


@pytest.fixture
def clips():
    """Two silent faces; the second clip has a tone in its second half."""
    speaker = np.zeros((2, FRAMES, NUM_COEFFICIENTS), np.float32)
    speaker[:, :, indices_of("jawOpen")] = 1.0
    audio = np.zeros((2, FRAMES * SAMPLES_PER_FRAME), np.int16)
    half = audio.shape[1] // 2
    audio[1, half:] = 16000 * np.sin(np.arange(half) * 2 * np.pi * 440 / 16000)
    appropriate = (np.array([0]), np.array([1]))
    return Clips(
        ("a/talk_0", "a/talk_1"),
        np.full(2, FRAMES),
        speaker,
        audio,
        speaker,
        appropriate,
        np.full(2, FRAMES),
    )


def smiling():
    face = np.zeros((2, FRAMES, NUM_COEFFICIENTS), np.float32)
    face[:, :, indices_of("mouthSmile")] = 1.0
    return face


@pytest.mark.slow
def test_speaker_and_listener_side_by_side_with_the_speakers_sound(clips, tmp_path):
    rows = {"GT": np.zeros_like(smiling()), "ReactFace (ours)": smiling()}
    write_videos(tmp_path, rows, clips, SMALL)
    found = list(read_video(tmp_path / "ours" / "a-talk-1.mp4"))
    pictures = [item.rgb for item in found if isinstance(item, ImageInput)]
    assert len(pictures) == FRAMES and pictures[0].shape == (64, 128, 3)
    look = make_renderer(replace(SMALL, theme="person")).render
    drawn = np.hstack([look(clips.speaker[1, 9]), make_renderer(SMALL).render(smiling()[1, 9])])
    lossy = np.abs(pictures[9].astype(int) - drawn).mean()
    assert lossy < 6
    heard = [item for item in found if isinstance(item, AudioInput)]
    sound = np.concatenate([item.samples[:, 0] for item in heard])
    middle_s = FRAMES / 2 / 25 - heard[0].stamp_s
    middle, edge = round(middle_s * heard[0].rate_hz), heard[0].rate_hz // 20
    assert np.abs(sound[: middle - edge]).max() < 0.01
    assert 0.4 < np.abs(sound[middle + edge :]).max() < 0.6


def test_no_clip_looks_like_a_sample_of_another(clips, tmp_path):
    rows = {"GT": smiling(), "Zhou et al. [2]": smiling()}
    write_videos(tmp_path, rows, clips, SMALL)
    names = [path.name for path in sorted((tmp_path / "zhou").iterdir())]
    assert names == ["a-talk-0.mp4", "a-talk-1.mp4"]
    page, sets = tmp_path / "page", [f"{name}={tmp_path / name}" for name in ("gt", "zhou")]
    assert main(["survey", "make", *sets, "--ours", "zhou", "--pairs", "2", "-o", str(page)]) == 0
    pairs = json.loads((tmp_path / "page_key.json").read_text())["pairs"]
    assert {pair["clip"] for pair in pairs.values()} == {"a-talk-0", "a-talk-1"}


@pytest.mark.parametrize(
    ("row", "name"),
    [
        ("GT", "gt"),
        ("ReactFace (ours)", "ours"),
        ("Zhou et al. [2]", "zhou"),
        ("NN motion", "nn_motion"),
        ("ReactFace: run_2", "ReactFace-run-2"),
    ],
)
def test_a_rows_folder(row, name):
    assert folder_name(row) == name


def test_what_cannot_be_written_is_said_before(tmp_path):
    check_videos(tmp_path / "videos", SMALL)
    with pytest.raises(UserError, match="exists already"):
        check_videos(tmp_path, SMALL)
    with pytest.raises(UserError, match="needs a renderer"):
        check_videos(tmp_path / "videos", replace(SMALL, renderer="none"))
