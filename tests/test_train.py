"""Training writes a checkpoint that a session takes, and repeats itself."""

import json

import numpy as np
import pytest
import torch
from model_inputs import SMALL, small_config

from reactface_node.cli import main
from reactface_node.model.checkpoint import load_checkpoint
from reactface_node.model.reactface import ReactFace
from reactface_node.training.corpus import SMALLEST_STD, make_corpus
from reactface_node.training.train import (
    active_channels,
    batch_losses,
    learning_rate,
    standardise,
    total_loss,
)

TINY = {
    "training.clips": 3,
    "training.clip_s": 4.0,
    "training.listeners": 2,
    "training.crop_frames": 32,
    "training.batch": 2,
    "training.steps": 2,
}


@pytest.fixture(scope="module")
def corpus():
    config = small_config().replace(**TINY)
    return make_corpus(config.training, 3, 0, 1)


def test_the_command_trains_a_checkpoint_that_loads(tmp_path, capsys):
    out = tmp_path / "mine.safetensors"
    pairs = [f"--set={name}={value}" for name, value in {**SMALL, **TINY}.items()]
    assert main(["train", "-o", str(out), *pairs]) == 0
    metrics = json.loads(capsys.readouterr().out)
    config = small_config().replace(**TINY)
    loaded = load_checkpoint(out, config.model, "cpu")
    assert loaded.metrics == metrics and metrics["step"] == 2
    assert len(loaded.data_hash) == 64
    assert [path.name for path in tmp_path.iterdir()] == ["mine.safetensors"]


def test_a_corpus_is_the_same_from_its_seed_and_other_for_another_split(corpus):
    settings = small_config().replace(**TINY).training
    assert make_corpus(settings, 3, 0, 2).data_hash == corpus.data_hash
    assert make_corpus(settings, 3, 1, 1).data_hash != corpus.data_hash


def test_a_batch_has_a_trackers_faults_and_missing_streams(corpus):
    rng = np.random.default_rng(0)
    batch = corpus.batch(rng, 64, 32, 0.3)
    assert batch.truth.shape == (64, 32, 58) and batch.listeners.shape == (64, 2, 32, 58)
    assert batch.speaker.audio.shape == (64, 32 * 640)
    whole = batch.speaker.face_valid.flatten(1).any(dim=1)
    heard = batch.speaker.audio_valid[:, 0]
    assert 0.5 < whole.float().mean() < 0.9 and 0.5 < heard.float().mean() < 0.9
    assert not batch.speaker.face[~batch.speaker.face_valid].any()


def test_a_few_steps_lower_the_loss(corpus):
    config = small_config().replace(**TINY)
    torch.manual_seed(0)
    model = ReactFace(config.model)
    standardise(model, corpus)
    optimiser = torch.optim.AdamW(model.parameters(), lr=3e-3)
    batch = corpus.batch(np.random.default_rng(1), 4, 32, 0.0)
    values = []
    for _ in range(25):
        parts = batch_losses(model, batch, config.training, torch.Generator().manual_seed(0))
        loss = total_loss(parts, config.training)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        values.append(parts["appropriate"].item() + parts["speaker"].item())
    assert values[-1] < 0.7 * values[0]


def test_the_schedule_warms_up_and_ends_at_zero():
    settings = small_config().replace(**{"training.steps": 1000}).training
    assert learning_rate(0, settings) == pytest.approx(0.01, rel=0.01)
    assert learning_rate(200, settings) > 0.85
    assert learning_rate(999, settings) < 1e-4


def test_only_channels_that_listeners_move_are_active():
    deviation = torch.from_numpy(SMALLEST_STD).float()
    deviation[3] = 0.5
    assert active_channels(deviation).nonzero().flatten().tolist() == [3]
