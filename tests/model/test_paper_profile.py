"""The paper profile: wav2vec 2.0 from a folder that transformers saved, and a real replay."""

import shutil

import numpy as np
import pytest
import torch
from rigs.model_inputs import SMALL, small_config, small_model, small_wav2vec2
from rigs.paths import ROOT

from reactface_node.cli.main import main
from reactface_node.errors import UserError
from reactface_node.model.checkpoint import load_checkpoint, save_checkpoint
from reactface_node.model.face import pooled
from reactface_node.model.reactface import ReactFace
from reactface_node.model.speech import Loudness
from reactface_node.model.wav2vec2 import load_wav2vec2

pytestmark = pytest.mark.slow


@pytest.fixture
def folder(tmp_path):
    small_wav2vec2().save_pretrained(tmp_path / "w2v")
    return tmp_path / "w2v"


def test_wav2vec2_comes_from_a_folder_with_its_front_frozen(folder):
    loaded, saved = load_wav2vec2(str(folder)), small_wav2vec2()
    for name, tensor in saved.state_dict().items():
        assert torch.equal(tensor, loaded.state_dict()[name]), name
    front = {n for n, p in loaded.named_parameters() if not p.requires_grad}
    assert front and all(name.startswith("feature_extractor.") for name in front)


def test_a_name_may_lie_in_the_weights_folder(folder, monkeypatch):
    monkeypatch.setattr("reactface_node.files.resources.folder", lambda name: folder.parent)
    assert load_wav2vec2("somebody/w2v").config.hidden_size == 32


@pytest.mark.parametrize("damage", ["missing", "empty", "no weights", "not JSON"])
def test_a_folder_without_wav2vec2_is_one_line(folder, damage):
    if damage in ("missing", "empty"):
        shutil.rmtree(folder)
    if damage == "empty":
        folder.mkdir()
    if damage == "no weights":
        (folder / "model.safetensors").unlink()
    if damage == "not JSON":
        (folder / "config.json").write_text("{")
    source = str(folder) if folder.exists() else "./nowhere/at/all"
    with pytest.raises(UserError, match=r"set model\.wav2vec2 to a folder") as refused:
        load_wav2vec2(source)
    assert "\n" not in str(refused.value)


def test_a_checkpoint_brings_its_own_wav2vec2(folder, tmp_path):
    """The folder that training started from need not be where it runs."""
    config = small_config("paper", model__wav2vec2=str(folder))
    model = ReactFace(config.model)
    save_checkpoint(tmp_path / "paper.safetensors", model, config, {}, "abc")
    shutil.rmtree(folder)
    loaded = load_checkpoint(tmp_path / "paper.safetensors", config.model, "cpu").model
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, loaded.state_dict()[name]), name


def test_the_profile_replays_the_sample_from_pixels_and_sound(tmp_path, monkeypatch):
    """Every stage but the weights is the real one."""
    from reactface_node.ros.bags.reader import BagReader

    config = small_config("paper")
    save_checkpoint(tmp_path / "small.safetensors", small_model(config), config, {}, "abc")
    monkeypatch.chdir(tmp_path)
    settings = [f"--set={name}={value}" for name, value in SMALL.items()]
    command = [
        "replay",
        str(ROOT / "sample"),
        "-o",
        "out",
        "--profile",
        "paper",
        "--render",
        "avatar",
    ]
    assert main([*command, "--set", "weights=small.safetensors", *settings]) == 0
    with BagReader(tmp_path / "out") as bag:
        faces = [item.message.weights for item in bag.messages(["/reactface/blendshapes"])]
    assert len(faces) > 580
    assert np.isfinite(faces).all() and np.ptp(faces, axis=0).max() > 0.05


def test_normalisation_streams():
    """Chunk by chunk it knows the mean and power of all that was heard, silence left out."""
    rng = np.random.default_rng(0)
    audio = torch.from_numpy(rng.normal(0.1, 0.2, (1, 24 * 640)).astype(np.float32))
    valid = torch.ones(1, 24, dtype=torch.bool)
    valid[:, 5:9] = False
    loudness = Loudness.unheard(1, audio)
    for first in range(0, 24, 8):
        span = slice(first * 640, (first + 8) * 640)
        loudness = loudness.hear(audio[:, span], valid[:, first : first + 8])
    heard = audio.reshape(24, 640)[valid[0]].double()
    expected = (audio - heard.mean()) / heard.std(correction=0)
    assert torch.allclose(loudness.normalise(audio), expected.float(), atol=1e-4)


@pytest.mark.parametrize("side", [32, 33])
def test_pooling_is_that_of_the_largest_of_nine(side):
    maps = torch.randn(2, 3, 4, side, side, generator=torch.Generator().manual_seed(0))
    expected = torch.nn.functional.max_pool3d(maps, (1, 3, 3), (1, 2, 2))
    assert torch.equal(pooled(maps), expected)
