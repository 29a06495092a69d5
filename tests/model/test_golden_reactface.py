"""Equality with the released code, on weights that both sides derive from tensor names."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from rigs import golden

from reactface_node.config import ModelConfig
from reactface_node.model.official.model import OfficialReactFace

CLOSE = 2e-4
STAGES = {
    "video_features": "video",
    "speaker_audio": "speech",
    "speaker_vector": "vector",
    "speaker_motion": "motion",
}


@pytest.fixture(scope="module")
def seeded_net():
    net = OfficialReactFace(ModelConfig(behaviour="official"))
    net.load_state_dict(golden.seeded({n: t.shape for n, t in net.state_dict().items()}))
    return net.eval().requires_grad_(False)


def inputs(case):
    seed, batch, frames = case["seed"], case["batch"], case["frames"]
    tiles = np.random.default_rng(seed).standard_normal((batch, frames, 3, 7, 7))
    video = np.tanh(np.kron(tiles.astype(np.float32), np.ones((32, 32), np.float32)))
    audio = np.random.default_rng(seed + 1000).standard_normal((batch, frames * 640))
    return torch.from_numpy(video), torch.from_numpy(audio.astype(np.float32))


def noise(case, windows):
    rng = np.random.default_rng(case["seed"] + 2000)
    drawn = [rng.standard_normal((case["batch"], 128)).astype(np.float32) for _ in range(windows)]
    return torch.from_numpy(np.stack(drawn, 1))


def run_forward(net, case):
    video, audio = inputs(case)
    windows = -(-case["frames"] // case["window"])
    found = net(video, audio, noise(case, windows))
    return {
        "listener": found.listener,
        "speaker": found.speaker_coefficients,
        "z": found.latent,
        "mu": found.mean,
        "std": found.std,
        **{name: getattr(found.speaker, part) for name, part in STAGES.items()},
    }


def run_steps(net, case):
    video, audio = inputs(case)
    w, batch = case["window"], case["batch"]
    windows = case["frames"] // w
    fresh = noise(case, windows)
    past, latent = torch.zeros(batch, w, 58), None
    found, kept = {}, {"listener": [], "z": [], "mu": [], "std": [], "speaker": []}
    for index in range(windows):
        stop = (index + 1) * w
        start = 0 if case["mode"] == "history" else stop - w
        speaker = net.encode(video[:, start:stop], audio[:, start * 640 : stop * 640])
        step = net.step(speaker, past, latent, fresh[:, index])
        past, latent = step.listener, step.latent
        kept["listener"].append(step.listener)
        kept["speaker"].append(net.reconstruct(speaker)[:, -w:])
        for name, value in (("z", step.latent), ("mu", step.mean), ("std", step.std)):
            kept[name].append(value[:, None])
        found |= {f"step{index}/{name}": getattr(speaker, p) for name, p in STAGES.items()}
    return found | {name: torch.cat(values, 1) for name, values in kept.items()}


@pytest.mark.parametrize("case", golden.cases("reactface"))
def test_the_released_codes_numbers(case, seeded_net):
    assert case["mode"] in ("forward", "window", "history")
    changes = {"window": case["window"], "momentum": case["momentum"]}
    seeded_net.config = replace(seeded_net.config, **changes)
    with torch.inference_mode():
        found = (run_forward if case["mode"] == "forward" else run_steps)(seeded_net, case)
    for name, expected in golden.arrays(case).items():
        assert found[name].shape == expected.shape, name
        assert np.abs(found[name].numpy() - expected).max() <= CLOSE, name


@pytest.mark.skipif(golden.folder() is None, reason="no golden outputs")
def test_a_released_checkpoint_has_our_names_and_shapes(seeded_net):
    names = golden.tensor_names("reactface")
    ours = {
        name: list(tensor.shape)
        for name, tensor in seeded_net.state_dict().items()
        if ".wav2vec2." not in name
    }
    assert ours == names
