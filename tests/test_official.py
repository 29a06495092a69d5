"""The released code's checkpoints: how they load, what is refused, and what a session plays."""

import json
import os
from collections import OrderedDict
from pathlib import Path

import golden
import numpy as np
import pytest
import torch
from model_inputs import small_wav2vec2

from reactface_node.cli import main
from reactface_node.config import Config
from reactface_node.data.plan import Plan
from reactface_node.data.source import Clip
from reactface_node.data.store import ClipWriter, write_clip
from reactface_node.errors import UserError
from reactface_node.evaluation.rows import OURS
from reactface_node.faceverse import METRES_PER_UNIT
from reactface_node.model import official_checkpoint
from reactface_node.model.official import OfficialReactFace
from reactface_node.model.official_checkpoint import convert_official, load_official
from reactface_node.model.official_session import OfficialListener
from reactface_node.model.records import SpeakerInput
from reactface_node.schema import Observation
from reactface_node.session import ReactionSession

W, PIXELS, FRAMES = 8, 32, 32
EXACT = 1e-5


def official_config(**changes):
    small = {"model.width": 32, "playout.samples": 2}
    named = {name.replace("__", "."): value for name, value in changes.items()}
    return Config.load("official", overrides=small | named)


def small_net(config):
    net = OfficialReactFace(config.model, small_wav2vec2())
    net.load_state_dict(golden.seeded({n: t.shape for n, t in net.state_dict().items()}))
    return net.eval().requires_grad_(False)


class CroppingTracker:
    """Takes the whole image for the crop; black images hold no face."""

    def track(self, stamp_s, rgb):
        if not rgb.any():
            return Observation.missing()
        return Observation(np.zeros(58, np.float32), np.ones(58, bool), rgb)

    def reset(self):
        pass

    def close(self):
        pass


def recording():
    """25 fps images and 16 kHz int16 audio, FRAMES long."""
    rng = np.random.default_rng(3)
    images = rng.integers(1, 255, (FRAMES, PIXELS, PIXELS, 3), np.uint8)
    voice = 3000 * rng.standard_normal(FRAMES * 640) * (0.5 + np.arange(FRAMES * 640) / 20000)
    return images, voice.astype(np.int16)


def play(session, images, voice):
    reactions = []
    for index, image in enumerate(images):
        stamp_s = 50.0 + index / 25
        session.push_image(stamp_s, image)
        session.push_audio(stamp_s, voice[index * 640 : (index + 1) * 640], 16000)
        reactions += session.poll(stamp_s)
    reactions += session.poll(50.0 + FRAMES / 25 + 0.2)
    return np.concatenate([reaction.samples for reaction in reactions], axis=1)


def normalised(audio, stop):
    """What was heard up to sample ``stop`` has zero mean and unit variance."""
    heard = audio[:stop].astype(np.float64)
    return (audio - heard.mean()) / np.sqrt(heard.var() + 1e-7)


def by_tensors(net, config, images, voice):
    """The released code's ``inference_step`` on the same pixels and samples, window by window."""
    video = torch.from_numpy(images.transpose(0, 3, 1, 2).astype(np.float32) / 127.5 - 1.0)[None]
    audio = voice.astype(np.float32) / 32768.0
    rngs = [np.random.default_rng([config.playout.seed, m, 0]) for m in range(2)]
    pasts, latents, shown = [torch.zeros(1, W, 58)] * 2, [None] * 2, [[], []]
    for stop in range(W, FRAMES + 1, W):
        start = 0 if config.model.official_past == "history" else stop - W
        sound = normalised(audio, stop * 640)[start * 640 : stop * 640].astype(np.float32)
        speaker = net.encode(video[:, start:stop], torch.from_numpy(sound)[None])
        for m, rng in enumerate(rngs):
            noise = torch.from_numpy(rng.standard_normal((1, 32), np.float32))
            step = net.step(speaker, pasts[m], latents[m], noise)
            pasts[m], latents[m] = step.listener, step.latent
            shown[m].append(step.listener[0].numpy())
    return np.stack([np.concatenate(parts) for parts in shown])


@pytest.mark.parametrize("past", ["window", "history"])
def test_a_session_gives_the_tensor_paths_numbers(past):
    config = official_config(model__official_past=past)
    net = small_net(config)
    mean_face = np.linspace(-0.1, 0.4, 58)
    images, voice = recording()
    session = ReactionSession(config, OfficialListener(net, mean_face), CroppingTracker())
    found = play(session, images, voice)
    expected = by_tensors(net, config, images, voice)
    expression = (expected[..., :52] + mean_face[:52]).clip(0.0, 1.0)
    assert found.shape == (2, FRAMES, 58)
    assert np.abs(found[..., :52] - expression).max() < EXACT
    assert np.abs(found[..., 52:55] - expected[..., 52:55]).max() < EXACT
    assert np.abs(found[..., 55:] - METRES_PER_UNIT * expected[..., 55:]).max() < EXACT
    assert np.abs(found[0] - found[1]).max() > 0.1


def test_a_lost_face_keeps_its_last_picture():
    config = official_config()
    listener = OfficialListener(small_net(config))
    small, voice = recording()
    images = small.repeat(7, axis=1).repeat(7, axis=2)
    gone = images.copy()
    gone[11:14] = 0
    held = images.copy()
    held[11:14] = images[10]
    runs = [ReactionSession(config, listener, CroppingTracker()) for _ in range(2)]
    assert np.array_equal(play(runs[0], gone, voice), play(runs[1], held, voice))


def test_history_is_what_the_released_code_has_positions_for(monkeypatch):
    monkeypatch.setattr("reactface_node.model.official_session.MOST_FRAMES", 16)
    config = official_config(model__official_past="history")
    listener = OfficialListener(small_net(config))
    images, voice = recording()
    session = ReactionSession(config, listener, CroppingTracker())
    play(session, images, voice)
    assert session._state.video.shape[1] == 8
    assert session._state.audio.shape[1] == 8 * 640


def test_the_profile_replays_the_sample(tensors, tmp_path, monkeypatch):
    """From the command line, a released checkpoint as it is."""
    from reactface_node.ros.bag import BagReader

    monkeypatch.chdir(tmp_path)
    torch.save({"state_dict": tensors}, "best_checkpoint.pth")
    sample = str(Path(__file__).resolve().parent.parent / "sample")
    command = ["replay", sample, "-o", "out", "--profile", "official"]
    settings = ["--set", "weights=best_checkpoint.pth", "--set", "model.width=32"]
    assert main([*command, *settings]) == 0
    with BagReader(tmp_path / "out") as bag:
        windows = [item.message for item in bag.messages(["/reactface/reaction"])]
    assert len(windows) >= 73
    assert np.isfinite([window.samples for window in windows]).all()


def write_split(folder, split, frames=104, count=2):
    rng = np.random.default_rng(len(split))
    names = tuple(f"{split}{index}" for index in range(count))
    with ClipWriter(folder, Plan(split, names, frames, 1, True, {"labels": True})) as writer:
        for index in range(count):
            clip = Clip(
                rng.random((frames, 58), np.float32),
                rng.integers(-99, 99, frames * 640, np.int16),
                rng.random((1, frames, 58), np.float32),
                rng.integers(0, 255, (frames, 224, 224, 3), np.uint8),
            )
            write_clip(writer.unfinished, writer.plan, index, clip)
        writer.finish(tuple(np.arange(count).reshape(count, 1)))


def test_it_has_a_row_in_the_table(tensors, tmp_path, monkeypatch):
    monkeypatch.setattr("reactface_node.evaluation.rows.SPEED_FRAMES", 8)
    torch.save(tensors, tmp_path / "net.pth")
    for split in ("train", "test"):
        write_split(tmp_path / "data", split)
    settings = {"weights": tmp_path / "net.pth", "training.data": tmp_path / "data",
                "model.width": 32, "threads": 1}  # fmt: skip
    given = [f"--set={name}={value}" for name, value in settings.items()]
    out = str(tmp_path / "out")
    assert main(["evaluate", "-o", out, "--profile", "official", "--samples", "2", *given]) == 0
    rows = json.loads((tmp_path / "out" / "table2.json").read_text())["rows"]
    (ours,) = (row for row in rows if row["name"] == OURS)
    assert np.isfinite([value for value in ours["metrics"].values() if value is not None]).all()
    assert (tmp_path / "out" / "fig8.png").is_file()


def test_a_clip_at_once_is_what_a_session_plays_window_by_window():
    config = official_config(model__official_past="history")
    listener = OfficialListener(small_net(config))
    generator = torch.Generator().manual_seed(0)
    video = torch.rand(1, 2 * W, 3, PIXELS, PIXELS, generator=generator)
    audio = torch.rand(1, 2 * W * 640, generator=generator)
    there = torch.ones(1, 2 * W, dtype=torch.bool)
    speaker = SpeakerInput(video, there, audio, there)
    found = listener.react(speaker, 3, torch.Generator().manual_seed(5))
    again, state = torch.Generator().manual_seed(5), listener.initial_state(1, 3)
    for first in (0, W):
        noise = torch.randn(1, 3, 1, 32, generator=again)
        output, state = listener(speaker.frames(first, first + W), noise, state)
        assert torch.equal(found[:, :, first : first + W], output.listener)


@pytest.fixture
def small_backbone(monkeypatch):
    monkeypatch.setattr("reactface_node.model.official.untrained_wav2vec2", small_wav2vec2)


@pytest.fixture
def tensors(small_backbone):
    return small_net(official_config()).state_dict()


def old_names(tensors):
    """As torch before 2.1 names the parts of a weight norm."""
    new = "parametrizations.weight.original"
    return {
        name.replace(f"{new}0", "weight_g").replace(f"{new}1", "weight_v"): value
        for name, value in tensors.items()
    }


WRAPPINGS = {
    "plain": lambda t: t,
    "ordered": OrderedDict,
    "state_dict": lambda t: {"epoch": 3, "state_dict": t, "optimizer": {"state": {}}},
    "model": lambda t: {"model": t, "loss": 0.5},
    "parallel": lambda t: {f"module.{name}": value for name, value in t.items()},
    "old weight norm": old_names,
    "position codes": lambda t: t | {"PPE.pe": torch.zeros(1, 808, 32), "PE.pe": torch.ones(5, 1)},
}


@pytest.mark.parametrize("wrapping", WRAPPINGS)
def test_every_way_the_released_code_saves_is_read(tensors, tmp_path, wrapping):
    path = tmp_path / "best_checkpoint.pth"
    torch.save(WRAPPINGS[wrapping](tensors), path)
    model = official_config().model
    convert_official(path, tmp_path / "converted.safetensors", model)
    noise, past = torch.ones(1, 32), torch.zeros(1, W, 58)
    video, audio = torch.zeros(1, W, 3, PIXELS, PIXELS), torch.ones(1, W * 640)
    expected = small_net(official_config())
    expected = expected.step(expected.encode(video, audio), past, None, noise).listener
    for source in (path, tmp_path / "converted.safetensors"):
        listener = load_official(source, model, "cpu")
        found = listener.net.step(listener.net.encode(video, audio), past, None, noise).listener
        assert torch.allclose(found, expected, atol=EXACT)
        assert not any(p.requires_grad for p in listener.parameters())


class RunsCode:
    def __reduce__(self):
        return os.mkdir, ("harm",)


def without(tensors, name):
    return {key: value for key, value in tensors.items() if key != name}


BAD = {
    "code": (lambda t: {"model": t, "args": RunsCode()}, "it holds code or objects"),
    "missing": (lambda t: without(t, "speaker_vector_map_layer.bias"),
                "lacks the tensor speaker_vector_map_layer.bias"),
    "extra": (lambda t: t | {"extra.weight": torch.zeros(3)}, "the model lacks: extra.weight"),
    "shape": (lambda t: t | {"interaction_VAE.mu_token": torch.zeros(31)},
              r"interaction_VAE.mu_token is \(31,\), the model needs \(32,\)"),
    "empty": (lambda t: {"epoch": 3}, "holds no state dict"),
    "a list": (lambda t: list(t.values()), "holds no state dict"),
}  # fmt: skip


@pytest.mark.parametrize("fault", BAD)
def test_a_bad_checkpoint_is_refused_in_one_line(tensors, tmp_path, monkeypatch, fault):
    make, message = BAD[fault]
    monkeypatch.chdir(tmp_path)
    torch.save(make(tensors), tmp_path / "bad.pth")
    with pytest.raises(UserError, match=message) as refused:
        convert_official(
            tmp_path / "bad.pth", tmp_path / "out.safetensors", official_config().model
        )
    assert "\n" not in str(refused.value)
    assert [path.name for path in tmp_path.iterdir()] == ["bad.pth"]


def test_a_damaged_file_and_another_width_are_refused(tensors, tmp_path):
    torch.save(tensors, tmp_path / "whole.pth")
    data = (tmp_path / "whole.pth").read_bytes()
    (tmp_path / "cut.pth").write_bytes(data[: len(data) // 2])
    (tmp_path / "text.pth").write_text("hello")
    for name in ("cut.pth", "text.pth"):
        with pytest.raises(UserError, match="is damaged or no checkpoint of torch"):
            load_official(tmp_path / name, official_config().model, "cpu")
    with pytest.raises(UserError, match=r"has width 32, the config 64: set model\.width"):
        load_official(tmp_path / "whole.pth", official_config(model__width=64).model, "cpu")


def test_it_is_a_model_of_pixels(tensors, tmp_path):
    torch.save(tensors, tmp_path / "whole.pth")
    config = Config.load(overrides={"model.behaviour": "official", "model.width": 32})
    with pytest.raises(UserError, match="take --profile official"):
        load_official(tmp_path / "whole.pth", config.model, "cpu")


def test_a_mean_face_is_looked_for_and_checked(tensors, tmp_path):
    torch.save(tensors, tmp_path / "whole.pth")
    model = official_config(model__mean_face=str(tmp_path / "mean_face.npy")).model
    with pytest.raises(UserError, match=r"mean_face\.npy is missing"):
        load_official(tmp_path / "whole.pth", model, "cpu")
    np.save(tmp_path / "mean_face.npy", np.full(58, 0.25, np.float32))
    listener = load_official(tmp_path / "whole.pth", model, "cpu")
    assert listener.listener_mean[:52].tolist() == [0.25] * 52
    assert listener.listener_mean[52:].tolist() == [0.0] * 6


def test_a_safetensors_file_of_something_else_is_refused(tmp_path):
    from safetensors.torch import save_file

    save_file({"a": torch.zeros(1)}, tmp_path / "a.safetensors", {"format": "reactface"})
    with pytest.raises(UserError, match="was not converted from a checkpoint"):
        load_official(tmp_path / "a.safetensors", official_config().model, "cpu")
    newer = {"format": official_checkpoint.FORMAT, "version": "99"}
    save_file({"a": torch.zeros(1)}, tmp_path / "a.safetensors", newer)
    with pytest.raises(UserError, match="newer reactface_node"):
        load_official(tmp_path / "a.safetensors", official_config().model, "cpu")
