"""The exported model: the same numbers under onnxruntime, in a session, and without torch."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from rigs.export import CHANGES, options
from rigs.model_inputs import small_config, small_model
from rigs.session import ReadingTracker, joined, make_session, run

from reactface_node.cli.main import main
from reactface_node.engine.engine import Engine, load_engine
from reactface_node.engine.identity import weights_hash
from reactface_node.engine.stepper import SpeakerFrames
from reactface_node.engine.torch_stepper import TorchStepper
from reactface_node.errors import UserError
from reactface_node.model.checkpoint import save_checkpoint
from reactface_node.session.session import ReactionSession

pytestmark = pytest.mark.slow

EXACT = 1e-4
pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")


@pytest.fixture(params=["window", "frame"])
def exported(request, exports):
    """(config that plays the exported folder, the model, its checkpoint)."""
    return exports(request.param)


def frames_of(engine, count, seed=0):
    rng = np.random.default_rng(seed)
    for _ in range(count):
        n = engine.frames
        yield SpeakerFrames(
            rng.random((n, 58), np.float32),
            rng.random((n, 58)) < 0.9,
            0.1 * rng.standard_normal(n * 640).astype(np.float32),
            rng.random(n) < 0.9,
        )


def test_it_gives_torchs_numbers_for_longer_than_the_history(exported):
    config, model, _ = exported
    ours, theirs = load_engine(config), Engine(TorchStepper(model), load_engine(config).frames)
    for engine in (ours, theirs):
        engine.begin(4, 2)
    worst = 0.0
    for number, speaker in enumerate(frames_of(ours, 100 // ours.frames)):
        found, expected = ours.step(speaker, number), theirs.step(speaker, number)
        assert found.shape == (2, ours.frames, 58)
        worst = max(worst, float(np.abs(found - expected).max()))
    assert worst < EXACT


def test_a_session_plays_it_and_starts_afresh_after_a_reset(exported):
    config, _, _ = exported
    session = ReactionSession(config, load_engine(config), ReadingTracker())
    first = joined(run(session), "samples")
    session.reset()
    again = joined(run(session), "samples")
    expected = joined(run(make_session(mode=config.mode, **CHANGES)), "samples")
    np.testing.assert_allclose(first, expected, atol=EXACT)
    np.testing.assert_allclose(again, expected, atol=EXACT)


@pytest.mark.parametrize("samples", [1, 2, 10])
def test_settings_of_sampling_and_any_number_of_samples_are_torchs_too(exported, samples):
    config, model, _ = exported
    config = config.replace(**{"playout.samples": samples})
    ours, theirs = load_engine(config), Engine(TorchStepper(model), load_engine(config).frames)
    changed = config.replace(**{"model.temperature": 0.3, "model.momentum": 0.2}).model
    shown = {}
    for name, engine in (("ours", ours), ("theirs", theirs), ("unchanged", load_engine(config))):
        engine.begin(4, samples)
        if name != "unchanged":
            engine.configure(changed)
        parts = [
            engine.step(speaker, n)
            for n, speaker in enumerate(frames_of(engine, 32 // engine.frames))
        ]
        shown[name] = np.concatenate(parts, axis=1)
    assert np.abs(shown["ours"] - shown["theirs"]).max() < EXACT
    assert np.abs(shown["ours"] - shown["unchanged"]).max() > 0.01


def test_gain_is_a_setting_of_playing_alone(exported):
    config, model, _ = exported
    loud = config.replace(**{"model.gain": 1.5})
    plain = [load_engine(one) for one in (config, loud)]
    for engine in plain:
        engine.begin(4, 2)
    speaker = next(iter(frames_of(plain[0], 1)))
    one, other = (engine.step(speaker) for engine in plain)
    mean = model.listener_mean.numpy()
    expected = 1.5 / config.model.gain * (one - mean)
    np.testing.assert_allclose(other - mean, expected, atol=EXACT)


@pytest.mark.parametrize(
    "changes",
    [{"model.period": 5}, {"device": "cuda"}, {"weights": "nowhere"}],
)
def test_what_does_not_fit_is_one_line(exported, changes, tmp_path):
    config, _, _ = exported
    if "weights" in changes:
        (tmp_path / "nowhere").mkdir()
        changes = {"weights": str(tmp_path / "nowhere")}
    with pytest.raises(UserError) as said:
        load_engine(config.replace(**changes))
    assert "\n" not in str(said.value)


def test_a_damaged_graph_a_newer_export_and_a_folder_in_the_way_are_refused(exported, tmp_path):
    config, _, checkpoint = exported
    about = json.loads((Path(config.weights) / "model.json").read_text())
    damaged = tmp_path / "damaged"
    damaged.mkdir()
    (damaged / "model.json").write_text(json.dumps(about))
    shutil.copyfile(checkpoint, damaged / "weights.safetensors")
    for name in ("first", "next", "window"):
        (damaged / f"{name}.onnx").write_bytes(b"nothing")
    with pytest.raises(UserError, match="damaged"):
        load_engine(config.replace(weights=str(damaged)))
    for version, says in ((99, "newer"), (1, "an older reactface_node: export it again")):
        (damaged / "model.json").write_text(json.dumps(about | {"version": version}))
        with pytest.raises(UserError, match=says):
            load_engine(config.replace(weights=str(damaged)))
    assert main(["weights", "--export", str(damaged), *options(config, checkpoint)]) == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["damaged"]


def test_only_the_default_kind_of_model_is_exported(tmp_path):
    config = small_config("paper")
    save_checkpoint(tmp_path / "paper.safetensors", small_model(config), config, {}, "none")
    arguments = ["--profile", "paper", *options(config, tmp_path / "paper.safetensors")]
    assert main(["weights", "--export", str(tmp_path / "out"), *arguments]) == 2
    assert not (tmp_path / "out").exists()


def test_a_robot_without_torch_plays_it(exported, tmp_path):
    config, _, _ = exported
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "from reactface_node.cli.main import main\n"
        "sys.exit(main(sys.argv[1:]))"
    )
    out = tmp_path / "out"
    small = options(config, config.weights)
    run_ = [sys.executable, "-c", code, "replay", "sample", "-o", str(out), *small]
    done = subprocess.run(run_, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    assert (out / "metadata.yaml").is_file()


def test_another_listener_in_a_running_session_is_torchs_too(exported):
    config, model, checkpoint = exported
    assert weights_hash(config.weights) == weights_hash(str(checkpoint))
    ours, theirs = load_engine(config), Engine(TorchStepper(model), load_engine(config).frames)
    first, shown = np.array([2.0, -1.0, 0.5], np.float32), {}
    for name, engine in (("ours", ours), ("theirs", theirs), ("unchanged", load_engine(config))):
        engine.begin(4, 2)
        parts = []
        for index, speaker in enumerate(frames_of(ours, 48 // ours.frames)):
            if index * engine.frames == 24 and name != "unchanged":
                engine.become(first)
            parts.append(engine.step(speaker))
        shown[name] = np.concatenate(parts, axis=1)
    assert np.abs(shown["ours"] - shown["theirs"]).max() < EXACT
    changed = np.abs(shown["ours"] - shown["unchanged"]).max(axis=(0, 2))
    assert changed[:24].max() == 0.0 and changed[24:].min() > 0.0


def test_an_export_that_does_not_say_its_weights_takes_no_fitted_listener(exported, tmp_path):
    folder = tmp_path / "old"
    shutil.copytree(exported[0].weights, folder)
    about = json.loads((folder / "model.json").read_text())
    (folder / "model.json").write_text(json.dumps({**about, "weights": "x"}))
    with pytest.raises(UserError, match="damaged: weights is 'x', no SHA-256"):
        weights_hash(str(folder))
    del about["weights"]
    (folder / "model.json").write_text(json.dumps(about))
    with pytest.raises(UserError, match="does not say of which weights"):
        weights_hash(str(folder))
