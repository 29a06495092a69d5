"""The rows of a table: the speaker is copied to the reactor's device."""

import numpy as np
import pytest
import torch
from rigs.evaluation import settings
from rigs.model_inputs import small_config, speaker_input

from reactface_node.cli.main import main
from reactface_node.model.records import SpeakerInput
from reactface_node.research.data.clips import Clips
from reactface_node.research.evaluation import probes, rows

pytestmark = pytest.mark.slow


class There:
    """A reactor on a device that this machine need not have; it takes only what was sent there."""

    def react(self, speaker, samples, generator):
        assert isinstance(speaker, Sent) and speaker.where == "cuda:7"
        batch, frames = speaker.face.shape[:2]
        return torch.zeros(batch, samples, frames, 58)


class Sent(SpeakerInput):
    where = ""


@pytest.fixture
def sent(monkeypatch):
    def to(self, device):
        speaker = Sent(**vars(self))
        object.__setattr__(speaker, "where", device)
        return speaker

    monkeypatch.setattr(SpeakerInput, "to", to)


def clips(frames=80):
    zeros = np.zeros((2, frames, 58), np.float32)
    audio = np.zeros((2, frames * 640), np.int16)
    lengths = np.full(2, frames)
    return Clips(("a", "b"), lengths, zeros, audio, zeros, (np.array([0]), np.array([1])), lengths)


def test_the_speaker_is_sent_to_the_device_of_the_config(sent, monkeypatch):
    monkeypatch.setattr(rows, "SPEED_FRAMES", 8)
    config = small_config(device="cuda:7")
    assert rows.react_to(There(), clips(), 3, config).shape == (2, 3, 80, 58)
    assert rows.frames_per_second(There(), clips(), config) > 0
    assert probes.run_probes(There(), config)


def test_a_speaker_is_moved_and_filled_up_as_a_whole():
    speaker = speaker_input(small_config(), 12)
    moved = speaker.to("meta")
    assert {part.device.type for part in vars(moved).values()} == {"meta"}
    longer = speaker.whole_windows(8)
    assert longer.face.shape == (1, 16, 58) and longer.audio.shape == (1, 16 * 640)
    assert torch.equal(longer.face[:, :12], speaker.face)
    assert not longer.face_valid[:, 12:].any() and not longer.audio_valid[:, 12:].any()
    whole = speaker.whole_windows(4)
    parts = zip(vars(whole).values(), vars(speaker).values(), strict=True)
    assert all(torch.equal(*pair) for pair in parts)


def test_fps_are_said_to_be_of_this_machine():
    from reactface_node.files import resources

    assert rows.device_name("cpu") == f"cpu, {resources.processor()}"
    assert resources.processor()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_everything_on_a_gpu(tmp_path):
    run = tmp_path / "run"
    assert main(["train", "-o", str(run), *settings(device="cuda")]) == 0
    pairs = settings(
        device="cuda", weights=run / "weights.safetensors", training__data=run / "data"
    )
    assert main(["evaluate", "-o", str(tmp_path / "out"), "--samples", "2", *pairs]) == 0
    assert main(["evaluate", "--probes", *pairs]) in (0, 1)
