"""`reactface evaluate` from trained runs to tables and figures, and users' mistakes."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from rigs.evaluation import settings

from reactface_node.cli.main import main
from reactface_node.config import Config
from reactface_node.config.settings import parse_overrides
from reactface_node.errors import UserError
from reactface_node.model.checkpoint import save_checkpoint
from reactface_node.model.reactface import ReactFace
from reactface_node.research.data.clips import Clips
from reactface_node.research.evaluation.ablations import read_studies
from reactface_node.research.evaluation.evaluate import figures
from reactface_node.research.evaluation.runs import load_runs
from reactface_node.schema import NUM_COEFFICIENTS, SAMPLES_PER_FRAME

pytestmark = pytest.mark.slow

LEARNED = ("trans_ae", "fsq", "trans_vae", "reactdiff")


def config_of(**more):
    pairs = [pair.removeprefix("--set=") for pair in settings(**more)]
    return Config.load(overrides=parse_overrides(pairs))


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    assert main(["train", "-o", str(folder / "ours"), *settings()]) == 0
    data = {"training__data": folder / "ours" / "data"}
    for name in LEARNED:
        more = settings(training__network=name, **data)
        assert main(["train", "-o", str(folder / name), *more]) == 0
    return folder


def test_table_2_and_the_figures(runs, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("reactface_node.research.evaluation.rows.SPEED_FRAMES", 8)
    monkeypatch.setattr("reactface_node.research.evaluation.speed.FRAMES", 8)
    weights = runs / "ours" / "weights.safetensors"
    pairs = settings(weights=weights, training__data=runs / "ours" / "data")
    out = tmp_path / "out"
    given = [*(str(runs / name) for name in (*LEARNED, "ours")), "-o", str(out), "--samples", "2"]
    small = ["--videos", "2", "--set=render.width=32", "--set=render.height=32"]
    assert main(["evaluate", *given, *small, *pairs]) == 0
    table = json.loads((out / "table2.json").read_text())
    names = [row["name"] for row in table["rows"]]
    assert names[:5] == ["GT", "Mirror", "Random", "NN motion", "NN audio"]
    learned = ["Trans-AE", "Dam et al. (FSQ)", "Trans-VAE (REACT)", "ReactDiff"]
    assert names[5:] == [*learned, "ReactFace: ours", "ReactFace (ours)"]
    rows = {row["name"]: row["metrics"] for row in table["rows"]}
    assert rows["GT"]["FRDist"] == 0.0 and rows["Mirror"]["FRDiv"] == 0.0
    assert rows["ReactFace (ours)"]["FRDiv"] > 0 and rows["Trans-AE"]["FPS"] > 0
    assert all(rows[name]["FRDiv"] > 0 for name in learned[1:])
    assert all(rows[name]["FPS_core"] > 0 for name in names[5:])
    assert rows["Mirror"]["FPS_core"] is None
    for name in ("table2.md", "table2.png", "fig7.png", "fig8.png", "fig9.png", "training.png"):
        assert (out / name).stat().st_size > 300, name
    for name in ("table2b.md", "table2b.json", "table2b.png", "table2c.md", "table2c.json"):
        assert (out / name).stat().st_size > 300, name
    assert rows["GT"]["FD_exp"] == pytest.approx(0.0, abs=1e-6) and rows["Mirror"]["FD_exp"] > 0
    better = json.loads((out / "table2b.json").read_text())["better"]
    assert (
        better["P-FD_head"] == "down" and better["nod_F1_1"] == "up" and better["SID_exp"] is None
    )
    assert "ReactFace (ours)" in capsys.readouterr().out
    rows = ("gt", "mirror", "random", "nn_motion", "nn_audio", *LEARNED, "ours")
    assert {path.name for path in (out / "videos").iterdir()} == {*rows, "ReactFace-ours"}
    sets = [f"{name}={out / 'videos' / name}" for name in rows]
    page = str(tmp_path / "page")
    assert main(["survey", "make", *sets, "--ours", "ours", "--pairs", "2", "-o", page]) == 0
    # Interrupted before the tables: the same command goes on from the rows, with the same numbers.
    before = (out / "table2b.json").read_text()
    for name in ("table2.json", "table2b.json", "table2c.json"):
        (out / name).unlink()
    shutil.rmtree(out / "videos")
    capsys.readouterr()
    assert main(["evaluate", *given, *small, *pairs]) == 0
    assert capsys.readouterr().err.count("measured before") == len(names)
    assert (out / "table2b.json").read_text() == before


def test_runs_of_one_kind_and_of_one_name(runs):
    config = config_of(weights=runs / "ours" / "weights.safetensors")
    last = runs / "trans_ae" / "last.safetensors"
    names = [name for name, _ in load_runs(config, [runs / "trans_ae", last, runs / "ours"])]
    assert names == ["Trans-AE", "Trans-AE: last", "ReactFace: ours", "ReactFace (ours)"]
    with pytest.raises(UserError, match="two runs would be called 'ReactFace: ours'"):
        load_runs(config, [runs / "ours", runs / "ours" / "weights.safetensors"])
    with pytest.raises(UserError, match="holds the baseline trans_ae"):
        load_runs(config_of(weights=last), [])


@pytest.mark.parametrize("bad", ["weights", "run", "device", "i3d"])
def test_bad_weights_are_said_before_dyads_are_made(runs, tmp_path, capsys, bad):
    good, broken = runs / "ours" / "weights.safetensors", tmp_path / "broken.safetensors"
    broken.write_bytes(b"no weights")
    given = settings(weights=broken if bad == "weights" else good)
    given += {"run": [str(broken)], "i3d": ["--i3d", str(broken)]}.get(bad, [])
    given += ["--set=device=nonsense"] if bad == "device" else []
    assert main(["evaluate", "-o", str(tmp_path / "out"), *given]) == 2
    error = capsys.readouterr().err
    assert ("device 'nonsense'" if bad == "device" else str(broken)) in error
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("mode", [[], ["--ablations"]])
def test_a_file_in_the_place_of_the_output_is_one_line(runs, tmp_path, capsys, mode):
    (tmp_path / "out").write_text("kept")
    pairs = settings(
        weights=runs / "ours" / "weights.safetensors", training__data=runs / "ours" / "data"
    )
    assert main(["evaluate", "-o", str(tmp_path / "out"), *mode, *pairs]) == 2
    error = capsys.readouterr().err
    assert f"{tmp_path / 'out'} is to be a folder" in error and error.count("\n") == 1


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (["RUN", "--ablations", "-o", "out"], "--ablations has no use for a RUN"),
        (["--ablations", "-o", "out", "--paper-scale"], "--ablations has no use for --paper-scale"),
        (["--ablations", "-o", "out", "--band", "9"], "--ablations has no use for --band"),
        (["--ablations", "-o", "out", "--i3d", "f"], "--ablations has no use for --i3d"),
        (["--ablations", "-o", "out", "--videos", "1"], "--ablations has no use for --videos"),
        (["--probes", "-o", "out"], "--probes has no use for -o"),
        (["--probes", "--samples", "0"], "--probes has no use for --samples"),
        (["--probes", "--ablations"], "--probes has no use for --ablations"),
        (["--probes", "RUN"], "--probes has no use for a RUN"),
        (["-o", "out", "--samples", "0"], "--samples must be at least 1"),
        (["-o", "out", "--videos", "0"], "--videos must be at least 1"),
    ],
)
def test_options_that_would_be_ignored_are_refused(given, says, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["evaluate", *given]) == 2
    assert says in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_without_vim_and_mim_there_is_no_fig_9(tmp_path, capsys):
    path = tmp_path / "weights.safetensors"
    config = config_of(model__visual=False, model__modality="none", weights=path)
    save_checkpoint(path, ReactFace(config.model), config, {}, "")
    face = np.zeros((1, 64, NUM_COEFFICIENTS), np.float32)
    sound, own = np.zeros((1, 64 * SAMPLES_PER_FRAME), np.int16), (np.array([0]),)
    test = Clips(("a",), np.array([64]), face, sound, face, own, np.array([64]))
    figures(config, tmp_path, test, {"Speaker": face[0], "GT": face[0]})
    assert {file.name for file in tmp_path.glob("*.png")} == {"fig7.png", "fig8.png"}
    assert "no fig9.png" in capsys.readouterr().err


def test_mistakes_are_one_line(runs, tmp_path, capsys):
    assert main(["evaluate", *settings(weights=runs / "ours" / "weights.safetensors")]) == 2
    assert "reactface evaluate -o OUT" in capsys.readouterr().err
    data = settings(training__data=runs / "ours" / "data")
    assert main(["evaluate", str(tmp_path), "-o", str(tmp_path / "out"), *data]) == 2
    assert "holds no weights.safetensors" in capsys.readouterr().err
    other = settings(model__window=4, training__data=runs / "ours" / "data")
    assert main(["evaluate", str(runs / "trans_ae"), "-o", str(tmp_path / "out"), *other]) == 2
    assert "trained with model.window = 8, the config says 4" in capsys.readouterr().err
    trans_ae = runs / "trans_ae" / "weights.safetensors"
    assert main(["replay", "sample", "-o", str(tmp_path / "bag"), *settings(weights=trans_ae)]) == 2
    assert "holds the baseline trans_ae" in capsys.readouterr().err


def test_every_ablation_names_settings_that_exist():
    studies = read_studies()
    assert [study.name for study in studies][:5] == [f"table{n}" for n in range(3, 8)]
    for study in studies:
        for row in study.rows:
            assert len(row.shows) == len(study.columns)
            Config.load().replace(**row.settings)


def test_a_study_is_trained_measured_and_gone_on_with(runs, tmp_path, monkeypatch, capsys):
    from reactface_node.research.evaluation import ablations

    config = config_of(training__data=runs / "ours" / "data")
    short = [study for study in read_studies() if study.name == "table5"]
    ((_, table),) = ablations.run_studies(config, tmp_path, 2, 0, 1, short)
    assert [row.name for row in table.rows] == ["GT", "p2p", "full"]
    assert all(row.metrics["FRVar"] > 0 for row in table.rows)
    assert all(row.metrics["jumps"] > 0 for row in table.rows[1:])
    assert all(len({one["FRVar"] for one in row.seeds}) == 2 for row in table.rows[1:])
    said = [line for line in capsys.readouterr().err.splitlines() if "ablations: run" in line]
    assert said == [
        "ablations: run 1 of 4: p2p, seed 0",
        "ablations: run 2 of 4: full, seed 0",
        "ablations: run 3 of 4: p2p, seed 1",
        "ablations: run 4 of 4: full, seed 1",
    ]
    assert any(line.startswith("full against p2p: ") for line in table.legend())
    monkeypatch.setattr(ablations, "train", None)  # nothing is trained twice
    ((_, again),) = ablations.run_studies(config, tmp_path, 2, 0, 1, short)
    assert again.rows[1:] == table.rows[1:]  # GT's, which says how long it took, is measured anew


def test_an_ablation_that_was_killed_goes_on_from_its_training_state(runs, tmp_path, monkeypatch):
    from reactface_node.research.evaluation import ablations
    from reactface_node.research.training import train as training

    config = config_of(training__data=runs / "ours" / "data").replace(
        **{"training.steps": 3, "training.validate_every": 2}
    )
    study = ablations.Study("s", "s", (), (ablations.Variant("full", (), {}),))
    ((_, whole),) = ablations.run_studies(config, tmp_path / "whole", 2, 0, 1, [study])
    real, steps = training.take_step, []

    def killed(run, losses, step, *rest):
        steps.append((run.config.training.seed, step))
        if steps == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]:
            raise KeyboardInterrupt
        return real(run, losses, step, *rest)

    monkeypatch.setattr(training, "take_step", killed)
    with pytest.raises(KeyboardInterrupt):
        ablations.run_studies(config, tmp_path / "parts", 2, 0, 1, [study])
    steps.clear()
    ((_, parts),) = ablations.run_studies(config, tmp_path / "parts", 2, 0, 1, [study])
    assert steps == [(1, 2)]  # the first seed is done, the second goes on after its validation

    def numbers(table):
        return [{n: v for n, v in one.items() if n != "FRDist_s"} for one in table.rows[1].seeds]

    assert numbers(parts) == numbers(whole) and len(numbers(whole)) == 2


def test_a_study_is_measured_again_with_what_differs(runs, tmp_path, monkeypatch):
    from reactface_node.config import Config
    from reactface_node.research.data.convert import convert
    from reactface_node.research.data.dyads import dyad_source
    from reactface_node.research.evaluation import ablations
    from reactface_node.research.training.baselines import Mirror

    measured = []
    study = ablations.Study("s", "s", (), (ablations.Variant("a", (), {}),))

    def measure(name, predictions, clips, workers, scale):
        if name == "a":
            measured.append((name, len(predictions), predictions.shape[1], clips.appropriate))
        return {"FRVar": 1.0}

    for name, value in {
        "train": lambda config, folder: (
            folder.mkdir(parents=True, exist_ok=True) or {"border_jump_ratio": None}
        ),
        "trained": lambda path, config: ("a", Mirror()),
        "measure": measure,
    }.items():
        monkeypatch.setattr(ablations, name, value)
    source = replace(dyad_source(0, "test", 3, 4.0, 1), facts={})  # nobody labelled them
    convert(source, tmp_path / "data")
    data = {"training.data": str(tmp_path / "data"), "training.neighbour_distance": 10.0}
    config = Config().replace(**data)

    def run(config, samples=2, clips=0):
        ablations.run_studies(config, tmp_path, samples, clips, 1, [study], seeds=1)
        return len(measured)

    assert run(config) == run(config) == 1
    assert [sorted(known) for known in measured[0][3]] == [[0, 1, 2]] * 3
    assert run(config, samples=3) == run(config, samples=3) == 2
    assert run(config, samples=3, clips=2) == 3
    assert run(config.replace(**{"training.steps": 7}), samples=3, clips=2) == 4
    (tmp_path / "a" / "seed0" / ablations.RESULT).write_text("[1")
    assert run(config) == 5
