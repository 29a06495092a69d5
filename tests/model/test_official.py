"""Sessions of the official profile, and its row in the results table."""

import json

import numpy as np
import pytest
import torch
from rigs.chance import drawn_noise
from rigs.cropping import CroppingTracker
from rigs.model_inputs import engine_for
from rigs.official import EXACT, PIXELS, W, official_config, released_tensors, small_net
from rigs.paths import ROOT

from reactface_node.cli.main import main
from reactface_node.faceverse import METRES_PER_UNIT
from reactface_node.model.official.session import OfficialListener
from reactface_node.model.records import SpeakerInput
from reactface_node.research.data.plan import Plan
from reactface_node.research.data.source import Clip
from reactface_node.research.data.store import ClipWriter, write_clip
from reactface_node.research.evaluation.rows import OURS
from reactface_node.session.digest import Digest
from reactface_node.session.session import ReactionSession

pytestmark = pytest.mark.slow

FRAMES = 32


@pytest.fixture
def tensors(monkeypatch):
    return released_tensors(monkeypatch)


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
    seen = np.zeros((FRAMES, 58), np.float32)
    noise = torch.from_numpy(drawn_noise(config.playout.seed, 2, 32, seen, audio))
    pasts, latents, shown = [torch.zeros(1, W, 58)] * 2, [None] * 2, [[], []]
    for stop in range(W, FRAMES + 1, W):
        start = 0 if config.model.official_past == "history" else stop - W
        sound = normalised(audio, stop * 640)[start * 640 : stop * 640].astype(np.float32)
        speaker = net.encode(video[:, start:stop], torch.from_numpy(sound)[None])
        for m in range(2):
            step = net.step(speaker, pasts[m], latents[m], noise[m, stop // W - 1][None])
            pasts[m], latents[m] = step.listener, step.latent
            shown[m].append(step.listener[0].numpy())
    return np.stack([np.concatenate(parts) for parts in shown])


@pytest.mark.parametrize("past", ["window", "history"])
def test_a_session_gives_the_tensor_paths_numbers(past):
    config = official_config(model__official_past=past)
    net = small_net(config)
    mean_face = np.linspace(-0.1, 0.4, 58)
    images, voice = recording()
    session = ReactionSession(
        config, engine_for(config, OfficialListener(net, mean_face)), CroppingTracker()
    )
    found = play(session, images, voice)
    expected = by_tensors(net, config, images, voice)
    expression = (expected[..., :52] + mean_face[:52]).clip(0.0, 1.0)
    assert found.shape == (2, FRAMES, 58)
    assert np.abs(found[..., :52] - expression).max() < EXACT
    assert np.abs(found[..., 52:55] - expected[..., 52:55]).max() < EXACT
    assert np.abs(found[..., 55:] - METRES_PER_UNIT * expected[..., 55:]).max() < EXACT
    assert np.abs(found[0] - found[1]).max() > 0.1


def test_a_lost_face_keeps_its_last_picture(monkeypatch):
    # Chance follows from what was found too.
    monkeypatch.setattr(Digest, "note", lambda *_: 0)
    config = official_config()
    listener = OfficialListener(small_net(config))
    small, voice = recording()
    images = small.repeat(7, axis=1).repeat(7, axis=2)
    gone = images.copy()
    gone[11:14] = 0
    held = images.copy()
    held[11:14] = images[10]
    runs = [
        ReactionSession(config, engine_for(config, listener), CroppingTracker()) for _ in range(2)
    ]
    assert np.array_equal(play(runs[0], gone, voice), play(runs[1], held, voice))


def test_history_is_what_the_released_code_has_positions_for(monkeypatch):
    monkeypatch.setattr("reactface_node.model.official.session.MOST_FRAMES", 16)
    config = official_config(model__official_past="history")
    listener = OfficialListener(small_net(config))
    images, voice = recording()
    session = ReactionSession(config, engine_for(config, listener), CroppingTracker())
    play(session, images, voice)
    assert session._engine._stepper._state.video.shape[1] == 8
    assert session._engine._stepper._state.audio.shape[1] == 8 * 640


def test_the_profile_replays_the_sample(tensors, tmp_path, monkeypatch):
    """From the command line, a released checkpoint as it is."""
    from reactface_node.ros.bags.reader import BagReader

    monkeypatch.chdir(tmp_path)
    torch.save({"state_dict": tensors}, "best_checkpoint.pth")
    sample = str(ROOT / "sample")
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
    monkeypatch.setattr("reactface_node.research.evaluation.rows.SPEED_FRAMES", 8)
    torch.save(tensors, tmp_path / "net.pth")
    for split in ("train", "test"):
        write_split(tmp_path / "data", split)
    settings = {
        "weights": tmp_path / "net.pth",
        "training.data": tmp_path / "data",
        "model.width": 32,
        "threads": 1,
    }
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
