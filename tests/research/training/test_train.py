"""Training: the same from the same seed, with and without an interruption, alone or together."""

import json
import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from rigs.model_inputs import SMALL, small_config
from rigs.paths import ROOT
from rigs.train import TINY, tiny
from safetensors.torch import load_file
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from reactface_node.cli.main import main
from reactface_node.errors import UserError
from reactface_node.model.checkpoint import load_checkpoint
from reactface_node.research.training import train as module
from reactface_node.research.training.corpus import SMALLEST_STD, Corpus
from reactface_node.research.training.dataset import make_synthetic, open_split
from reactface_node.research.training.objective import ReactFaceLearner
from reactface_node.research.training.report import TrainingReport
from reactface_node.research.training.train import (
    LAST,
    STATE,
    WEIGHTS,
    learning_rate,
    standardise,
    train,
)
from reactface_node.research.training.validate import quick_metrics, score_of_seconds

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dyads")
    make_synthetic(small_config().replace(**TINY).training, folder)
    return folder


def test_the_command_trains_weights_that_load_and_makes_its_own_data(tmp_path, capsys):
    pairs = [f"--set={name}={value}" for name, value in {**SMALL, **TINY}.items()]
    assert main(["train", "-o", str(tmp_path / "run"), *pairs]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["step"] == 4 and "variance_ratio" in printed
    loaded = load_checkpoint(tmp_path / "run" / WEIGHTS, small_config().model, "cpu")
    assert loaded.metrics["history"][0]["step"] == 2
    assert loaded.config["training"]["clips"] == 3 and len(loaded.data_hash) == 64
    assert list((tmp_path / "run" / "tensorboard").iterdir())


@pytest.mark.parametrize("network", ["reactface", "fsq", "trans_vae", "reactdiff"])
def test_a_run_that_was_interrupted_ends_with_the_same_weights(tmp_path, data, network):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    config = tiny(data, training__network=network)
    metrics = train(config, whole)
    kept = {}

    def stop_after_two(*_):
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        from reactface_node.research.training import train as module

        real = module.save_state
        patch.setattr(module, "save_state", lambda *a: (real(*a), stop_after_two()))
        with pytest.raises(KeyboardInterrupt):
            train(config, parts)
    assert (parts / STATE).is_file()
    kept = train(config, parts)
    assert kept == metrics
    first, second = load_file(whole / LAST), load_file(parts / LAST)
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_the_best_weights_are_kept_and_the_last_ones_too(tmp_path, data, monkeypatch):
    scores = iter([3.0, 2.0, 2.5])
    monkeypatch.setattr(
        "reactface_node.research.training.train.validate", lambda *_: {"energy_score": next(scores)}
    )
    train(tiny(data, training__steps=6), tmp_path)
    model = tiny(data).model
    best, last = (load_checkpoint(tmp_path / name, model, "cpu") for name in (WEIGHTS, LAST))
    assert (best.metrics["step"], last.metrics["step"]) == (4, 6)
    for kept in (best, last):
        assert [past["energy_score"] for past in kept.metrics["history"]] == [3.0, 2.0, 2.5]
    differ = zip(best.model.state_dict().values(), last.model.state_dict().values(), strict=True)
    assert any(not torch.equal(one, other) for one, other in differ)


def test_the_energy_score_is_best_for_the_real_distribution():
    rng = np.random.default_rng(0)
    real = [rng.standard_normal((12, 50, 58)).astype(np.float32)]
    ones = np.ones(58, np.float32)
    fair = rng.standard_normal((1, 12, 50, 58)).astype(np.float32)
    scores = [score_of_seconds(scale * fair, real, ones) for scale in (0.0, 0.5, 1.0, 1.5, 3.0)]
    assert np.argmin(scores) == 2
    # Nobody moves: mean distance to the real ones, nothing apart.
    second = real[0].reshape(12, 2, -1)
    assert scores[0] == pytest.approx(np.linalg.norm(second, axis=2).mean(), rel=1e-5)


def test_validation_scores_seconds_in_units_of_the_scale_by_hand():
    """Two clips; 30 frames are one second. A second of n channels that are x apart is
    sqrt(25 n) x apart."""
    drawn = np.zeros((2, 2, 30, 58), np.float32)
    drawn[:, 1, :, 0] = 2.0
    drawn[:, :, 25:] = 99.0
    real = [np.zeros((1, 30, 58), np.float32), np.zeros((2, 30, 58), np.float32)]
    real[1][1, :, 0] = 4.0
    scale = np.full(58, 2.0, np.float32)
    # In units of the scale: samples 0 and 1, real reactions 0, and 0 and 2.
    near = [(0 + 1) / 2, (0 + 1 + 2 + 1) / 4]
    expected = 5.0 * np.mean([one - 0.5 * 1 for one in near])
    assert score_of_seconds(drawn, real, scale) == pytest.approx(expected, abs=1e-5)


def test_going_on_with_another_config_or_a_damaged_state_is_refused(tmp_path, data):
    train(tiny(data, training__steps=2), tmp_path)
    with pytest.raises(UserError, match=r"training\.batch = 2, the config says 3"):
        train(tiny(data, training__steps=2, training__batch=3), tmp_path)
    state = tmp_path / STATE
    state.write_bytes(state.read_bytes()[:1000])
    with pytest.raises(UserError, match="damaged"):
        train(tiny(data, training__steps=2), tmp_path)


@pytest.mark.parametrize("network", ["reactface", "lfi", "ng", "fsq", "trans_vae", "reactdiff"])
def test_two_processes_have_the_loss_of_one(tmp_path, data, network):
    """gloo on the CPU; the losses of every step are compared, hence the gradients between, and
    the statistics that are learned."""
    alone = losses_of(tmp_path / "alone", data, 1, network)
    together = losses_of(tmp_path / "together", data, 2, network)
    assert len(alone) == 3
    np.testing.assert_allclose(together, alone, rtol=2e-4)
    one, two = (load_file(tmp_path / name / STATE) for name in ("alone", "together"))
    for name in (name for name in one if "flow.scale." in name):
        torch.testing.assert_close(two[name], one[name], rtol=1e-3, atol=1e-5, msg=name)


def losses_of(out, data, processes, network):
    script = ROOT / "tests" / "rigs" / "train_child.py"
    command = [sys.executable, str(script), str(out), str(data), network]
    if processes > 1:
        launch = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
        command = [sys.executable, *launch, *command[1:]]
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": path}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=240)
    assert done.returncode == 0, done.stderr[-2000:]
    files = [json.loads(path.read_text()) for path in sorted(out.glob("losses*.json"))]
    assert len(files) == processes
    return np.mean(files, axis=0)


def test_a_batch_has_a_trackers_faults_missing_streams_and_the_own_listener_first(data):
    clips, _ = open_split(data, "train", tiny(data).training)
    corpus = Corpus(clips)
    batch = corpus.batch(np.random.default_rng(0), 64, 32, 2, 0.3)
    assert batch.truth.shape == (64, 32, 58) and batch.listeners.shape == (64, 2, 32, 58)
    assert batch.speaker.audio.shape == (64, 32 * 640)
    whole = batch.speaker.face_valid.flatten(1).any(dim=1)
    heard = batch.speaker.audio_valid[:, 0]
    assert 0.5 < whole.float().mean() < 0.9 and 0.5 < heard.float().mean() < 0.9
    assert not batch.speaker.face[~batch.speaker.face_valid].any()
    windows = np.lib.stride_tricks.sliding_window_view(clips.reactions[::3], 32, axis=1)
    first = batch.listeners[0, 0].numpy().T
    assert any(np.array_equal(w, first) for own in windows for w in own)


def test_a_data_set_too_short_for_a_crop_is_refused(data):
    clips, _ = open_split(data, "train", tiny(data).training)
    with pytest.raises(UserError, match="no clip has the 200 frames"):
        Corpus(clips).batch(np.random.default_rng(0), 2, 200, 2, 0.0)
    with pytest.raises(UserError, match="without faces"):
        Corpus(clips, pixels=True)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"training.crop_frames": 33}, r"crop_frames = 33 is not a multiple of model\.window = 8"),
        (
            {"model.width": 100, "model.heads": 8},
            r"width = 100 is not a multiple of model\.heads = 8",
        ),
        ({"model.width": 33, "model.heads": 3}, r"model\.width = 33 is odd"),
    ],
)
def test_settings_that_do_not_suit_one_another_are_refused(tmp_path, data, changes, message):
    with pytest.raises(UserError, match=message):
        train(tiny(data).replace(**changes), tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("window", [5, 64])
def test_windows_of_any_length_train(tmp_path, data, window):
    crop = window * max(1, 32 // window)
    settings = {"model__window": window, "training__crop_frames": crop, "training__steps": 1}
    if window > 50:
        with pytest.raises(UserError, match=r"128 frames .* in whole windows of 64 are needed"):
            train(tiny(data, **settings), tmp_path)
        make_synthetic(tiny(data, training__clip_s=6.0).training, tmp_path / "long")
        data = tmp_path / "long"
    assert train(tiny(data, **settings), tmp_path / "run")["border_jump_ratio"] > 0


def test_border_jumps_are_looked_for_at_the_windows_borders():
    walk = np.cumsum(np.arange(60) % 5 == 0)[:, None] * np.ones(58)
    drawn, real = np.tile(walk, (1, 2, 1, 1)), [np.random.default_rng(0).random((2, 60, 58))]
    assert quick_metrics(drawn, real, 5)["border_jump_ratio"] > 1e6
    assert quick_metrics(drawn, real, 8)["border_jump_ratio"] < 2
    alone = quick_metrics(drawn, [real[0][:1]], 5)
    assert np.isnan(alone["diversity_ratio"])


def test_training_tells_its_throughput(tmp_path, data, capsys):
    train(tiny(data), tmp_path)
    lines = [line for line in capsys.readouterr().err.splitlines() if "throughput: " in line]
    assert len(lines) == 2 and all(line.endswith("s of conversation a second") for line in lines)
    assert all(float(line.split("throughput: ")[1].split()[0]) > 0 for line in lines)


def test_a_run_that_goes_on_writes_no_step_twice(tmp_path, data, monkeypatch):
    monkeypatch.setattr(TrainingReport, "EVERY", 1)

    def stop_after_three(*arguments):
        real(*arguments)
        if arguments[1] == 3:
            raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        real = TrainingReport.step
        patch.setattr(TrainingReport, "step", stop_after_three)
        with pytest.raises(KeyboardInterrupt):
            train(tiny(data), tmp_path)
    train(tiny(data), tmp_path)  # from step 2 on
    events = EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    assert [event.step for event in events.Scalars("loss/total")] == [1, 2, 3, 4]
    assert [event.step for event in events.Scalars("validation/energy_score")] == [2, 4]


def test_the_state_is_saved_every_ten_minutes_besides_validations(tmp_path, data, monkeypatch):
    """A run of 8 steps of 4 minutes, with a validation at its end alone, is killed after 7 steps;
    it goes on from step 6, with the same numbers."""
    config = tiny(data, training__steps=8, training__validate_every=8)
    whole = train(config, tmp_path / "whole")
    saved, minutes = [], iter(range(0, 100, 4))

    def clock():
        return 60.0 * next(minutes)

    with pytest.MonkeyPatch.context() as patch:
        real, take = module.save_state, module.take_step

        def noted(path, learner, optimiser, average, progress, about):
            saved.append(progress.step)
            real(path, learner, optimiser, average, progress, about)

        def killed(run, losses, step, *rest):
            if step == 7:
                raise KeyboardInterrupt
            return take(run, losses, step, *rest)

        patch.setattr(module, "save_state", noted)
        patch.setattr(module, "take_step", killed)
        with pytest.raises(KeyboardInterrupt):
            train(config, tmp_path / "parts", clock)
    assert saved == [3, 6]
    steps = []
    real_step = module.take_step
    monkeypatch.setattr(
        module,
        "take_step",
        lambda run, losses, step, *rest: (steps.append(step), real_step(run, losses, step, *rest))[
            1
        ],
    )
    assert train(config, tmp_path / "parts") == whole
    assert steps == [6, 7]
    first, second = (load_file(tmp_path / name / LAST) for name in ("whole", "parts"))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_a_run_may_go_on_with_other_threads(tmp_path, data):
    train(tiny(data, training__steps=2), tmp_path)
    assert train(tiny(data, training__steps=2, training__threads=0), tmp_path)["step"] == 2


@pytest.mark.parametrize(
    ("objective", "form", "own_past"),
    [
        ("posterior", "standardised", 0),
        ("posterior", "standardised", 100),
        ("samples", "standardised", 0),
        ("samples", "paper", 0),
        ("samples", "released", 0),
    ],
)
def test_a_few_steps_lower_the_loss(data, objective, form, own_past):
    config = tiny(
        data,
        training__objective=objective,
        training__loss_form=form,
        training__own_past_steps=own_past,
        training__steps=100,
        training__lead_frames=8,
    )
    clips, _ = open_split(data, "train", config.training)
    corpus = Corpus(clips)
    torch.manual_seed(0)
    learner = ReactFaceLearner(config)
    standardise(learner, corpus)
    optimiser = torch.optim.AdamW(learner.parameters(), lr=3e-3)
    batch = corpus.batch(np.random.default_rng(1), 4, 32, 3, 0.0)
    values = []
    for _ in range(25):
        parts = learner.losses(batch, torch.Generator().manual_seed(0))
        optimiser.zero_grad()
        torch.stack(list(parts.values())).sum().backward()
        optimiser.step()
        values.append(parts["appropriate"].item() + parts["speaker"].item())
    assert values[-1] < 0.8 * values[0]


def test_the_schedule_warms_up_and_ends_at_zero_or_stays():
    settings = small_config().replace(**{"training.steps": 1000}).training
    assert learning_rate(0, settings) == pytest.approx(0.01, rel=0.01)
    assert learning_rate(200, settings) > 0.85
    assert learning_rate(999, settings) < 1e-4
    assert learning_rate(999, replace(settings, schedule="constant")) == 1.0


def test_only_channels_that_listeners_move_are_active():
    learner = ReactFaceLearner(small_config())
    deviation = torch.from_numpy(SMALLEST_STD).float()
    deviation[3] = 0.5
    learner.model.listener_std.copy_(deviation)
    assert learner._active().nonzero().flatten().tolist() == [3]
