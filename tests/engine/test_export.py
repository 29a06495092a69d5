"""The exported model: the same numbers under onnxruntime, in a session, and without torch."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from rigs.export import options
from rigs.model_inputs import small_config, small_model
from rigs.session import ReadingTracker, joined, run

from reactface_node.cli.main import main
from reactface_node.config import Config
from reactface_node.engine.engine import Engine, graphs_of, load_engine
from reactface_node.engine.identity import weights_hash
from reactface_node.engine.stepper import SpeakerFrames
from reactface_node.engine.torch_stepper import TorchStepper
from reactface_node.errors import UserError
from reactface_node.files.resources import folder
from reactface_node.model.checkpoint import save_checkpoint
from reactface_node.model.reactface import PITCH
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
    for number, speaker in enumerate(frames_of(ours, 240 // ours.frames)):
        found, expected = ours.step(speaker, number), theirs.step(speaker, number)
        assert found.shape == (2, ours.frames, 58)
        worst = max(worst, float(np.abs(found - expected).max()))
    assert worst < EXACT


def test_a_session_plays_it_and_starts_afresh_after_a_reset(exported):
    config, model, _ = exported
    session = ReactionSession(config, load_engine(config), ReadingTracker())
    first = joined(run(session), "samples")
    session.reset()
    again = joined(run(session), "samples")
    theirs = Engine(TorchStepper(model), load_engine(config).frames)
    expected = joined(run(ReactionSession(config, theirs, ReadingTracker())), "samples")
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
    engines = [load_engine(one) for one in (config, loud)]
    for engine in engines:
        engine.begin(4, 2)
    speaker = next(iter(frames_of(engines[0], 1)))
    one, other = (engine.step(speaker) for engine in engines)
    # Pitch holds nods, and laughs have channels of their own: these are not scaled.
    plain = np.ones(58, bool)
    plain[[PITCH, *model.laughs.risen.tolist()]] = False
    mean = model.listener_mean.numpy()
    expected = 1.5 / config.model.gain * (one - mean)
    np.testing.assert_allclose((other - mean)[..., plain], expected[..., plain], atol=EXACT)


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


def test_the_shipped_graphs_are_of_the_default_profile_and_play_any_checkpoint_of_it(exported):
    config, model, checkpoint = exported
    files = graphs_of(config.replace(weights=str(checkpoint)))
    assert files == (folder("weights") / "graphs", checkpoint)
    engine = load_engine(config.replace(weights=str(checkpoint)))
    theirs = Engine(TorchStepper(model), engine.frames)
    for one in (engine, theirs):
        one.begin(4, 2)
    for number, speaker in enumerate(frames_of(engine, 16 // engine.frames)):
        found, expected = (one.step(speaker, number) for one in (engine, theirs))
        np.testing.assert_allclose(found, expected, atol=EXACT)
    shipped = graphs_of(Config.load())
    assert shipped is not None and shipped[1].name == "default.safetensors"
    for changed in ({"device": "cuda"}, {"model.width": 64}, {"model.history_s": 4.0}):
        assert graphs_of(Config.load(overrides=changed)) is None


def test_a_model_of_another_size_is_exported_by_the_command(tmp_path):
    config = small_config(
        playout__samples=2, model__disposition=3, model__lrd="latent_frame", mode="frame"
    ).replace(**{"model.face_layers": 1, "model.cie_layers": 1, "model.nods": True})
    config = config.replace(**{"model.continuity": True})
    checkpoint = tmp_path / "small.safetensors"
    model = small_model(config)
    save_checkpoint(checkpoint, model, config, {}, "none")
    names = ("width", "heads", "face_layers", "cie_layers", "history_s", "sync_history_s")
    changed = {f"model.{name}": getattr(config.model, name) for name in (*names, "disposition")}
    given = [part for n, v in changed.items() for part in ("--set", f"{n}={v}")]
    command = ["weights", "--export", str(tmp_path / "out"), *given]
    assert main([*command, "--set", f"weights={checkpoint}"]) == 0
    ours = load_engine(config.replace(weights=str(tmp_path / "out")))
    theirs = Engine(TorchStepper(model), 1)
    for engine in (ours, theirs):
        engine.begin(4, 2)
    for number, speaker in enumerate(frames_of(ours, 60)):
        found, expected = (engine.step(speaker, number) for engine in (ours, theirs))
        np.testing.assert_allclose(found, expected, atol=EXACT)


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
    first, shown = np.linspace(-2.0, 2.0, 16, dtype=np.float32), {}
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
    old = tmp_path / "old"
    shutil.copytree(exported[0].weights, old)
    about = json.loads((old / "model.json").read_text())
    (old / "model.json").write_text(json.dumps({**about, "weights": "x"}))
    with pytest.raises(UserError, match="damaged: weights is 'x', no SHA-256"):
        weights_hash(str(old))
    del about["weights"]
    (old / "model.json").write_text(json.dumps(about))
    with pytest.raises(UserError, match="does not say of which weights"):
        weights_hash(str(old))


def test_a_history_may_be_shorter_than_in_training_but_not_longer(tmp_path):
    trained = small_config(model__history_s=1.28, model__sync_history_s=1.28)
    path = tmp_path / "small.safetensors"
    save_checkpoint(path, small_model(trained), trained, {}, "none")
    shorter = trained.replace(**{"model.history_s": 0.64, "weights": str(path)})
    assert load_engine(shorter).frames == 8
    with pytest.raises(UserError, match=r"trained with model\.history_s = 1\.28, the config says"):
        load_engine(trained.replace(**{"model.history_s": 2.56, "weights": str(path)}))


@pytest.mark.parametrize(
    ("arguments", "extra"),
    [
        (["train", "-o", "runs"], "train"),
        (["evaluate", "-o", "tables"], "train"),
        (["weights", "--export", "folder"], "export"),
        (["bench", "--only", "sessions"], "torch"),
    ],
)
def test_without_torch_one_line_names_the_extra_that_brings_it(tmp_path, arguments, extra):
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "from reactface_node.cli.main import main\n"
        "sys.exit(main(sys.argv[1:]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 2 and done.stderr.count("\n") == 1, done.stderr
    assert done.stderr.rstrip().endswith(f"pip install 'reactface_node[{extra}]'")
