"""`reactface evaluate` from trained runs to tables and figures, and its mistakes."""

import json
from dataclasses import replace

import pytest
from model_inputs import SMALL

from reactface_node.cli import main
from reactface_node.evaluation.ablations import read_studies

TINY = {
    "threads": 1, "training.clips": 3, "training.validation_clips": 2, "training.test_clips": 2,
    "training.clip_s": 6.0, "training.listeners": 2, "training.test_listeners": 2,
    "training.crop_frames": 32, "training.batch": 2, "training.steps": 2,
    "training.validate_every": 2, "model.disposition": 4, "model.nods": True,
}  # fmt: skip


def settings(**more):
    named = {**SMALL, **TINY, **{k.replace("__", "."): v for k, v in more.items()}}
    return [f"--set={name}={value}" for name, value in named.items()]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    assert main(["train", "-o", str(folder / "ours"), *settings()]) == 0
    data = {"training__data": folder / "ours" / "data"}
    more = settings(training__network="trans_ae", **data)
    assert main(["train", "-o", str(folder / "trans_ae"), *more]) == 0
    return folder


def test_table_2_and_the_figures(runs, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("reactface_node.evaluation.rows.SPEED_FRAMES", 8)
    weights = runs / "ours" / "weights.safetensors"
    pairs = settings(weights=weights, training__data=runs / "ours" / "data")
    out = tmp_path / "out"
    arguments = ["evaluate", str(runs / "trans_ae"), "-o", str(out), "--samples", "2", *pairs]
    assert main(arguments) == 0
    table = json.loads((out / "table2.json").read_text())
    names = [row["name"] for row in table["rows"]]
    assert names[:5] == ["GT", "Mirror", "Random", "NN motion", "NN audio"]
    assert names[5:] == ["Trans-AE", "ReactFace (ours)"]
    rows = {row["name"]: row["metrics"] for row in table["rows"]}
    assert rows["GT"]["FRDist"] == 0.0 and rows["Mirror"]["FRDiv"] == 0.0
    assert rows["ReactFace (ours)"]["FRDiv"] > 0 and rows["Trans-AE"]["FPS"] > 0
    for name in ("table2.md", "table2.png", "fig7.png", "fig8.png", "fig9.png", "training.png"):
        assert (out / name).stat().st_size > 300, name
    assert "ReactFace (ours)" in capsys.readouterr().out


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
    from reactface_node.config import Config

    studies = read_studies()
    assert [study.name for study in studies][:5] == [f"table{n}" for n in range(3, 8)]
    for study in studies:
        for row in study.rows:
            assert len(row.shows) == len(study.columns)
            Config.load().replace(**row.settings)


def test_a_study_is_trained_measured_and_gone_on_with(runs, tmp_path, monkeypatch):
    from reactface_node.config import Config
    from reactface_node.evaluation import ablations
    from reactface_node.settings import parse_overrides

    pairs = [pair.removeprefix("--set=") for pair in settings()]
    config = Config.load(overrides=parse_overrides(pairs))
    config = config.replace(**{"training.data": str(runs / "ours" / "data")})
    short = [study for study in read_studies() if study.name == "table5"]
    monkeypatch.setattr(ablations, "read_studies", lambda: short)
    ((_, table),) = ablations.run_studies(config, tmp_path, 2, 0, 1)
    assert [row.name for row in table.rows] == ["p2p", "full"]
    assert all(row.metrics["FRVar"] > 0 and row.metrics["jumps"] > 0 for row in table.rows)
    monkeypatch.setattr(ablations, "train", None)  # nothing is trained twice
    ((_, again),) = ablations.run_studies(config, tmp_path, 2, 0, 1)
    assert again.rows == table.rows


def test_a_study_is_measured_again_with_what_differs(runs, tmp_path, monkeypatch):
    from reactface_node.config import Config
    from reactface_node.data.convert import convert
    from reactface_node.data.dyads import dyad_source
    from reactface_node.evaluation import ablations
    from reactface_node.training.baselines import Mirror

    measured = []

    def measure(name, predictions, clips, workers, scale):
        measured.append((name, len(predictions), predictions.shape[1], clips.appropriate))
        return {"FRVar": 1.0}

    for name, value in {
        "read_studies": lambda: [ablations.Study("s", "s", (), (ablations.Variant("a", (), {}),))],
        "train": lambda config, folder: folder.mkdir(exist_ok=True) or {"border_jump_ratio": None},
        "trained": lambda path, config: ("a", Mirror()),
        "measure": measure,
    }.items():
        monkeypatch.setattr(ablations, name, value)
    source = replace(dyad_source(0, "test", 3, 4.0, 1), facts={})  # nobody labelled them
    convert(source, tmp_path / "data")
    data = {"training.data": str(tmp_path / "data"), "training.neighbour_distance": 10.0}
    config = Config().replace(**data)

    def run(config, samples=2, clips=0):
        ablations.run_studies(config, tmp_path, samples, clips, 1)
        return len(measured)

    assert run(config) == run(config) == 1
    assert [sorted(known) for known in measured[0][3]] == [[0, 1, 2]] * 3
    assert run(config, samples=3) == run(config, samples=3) == 2
    assert run(config, samples=3, clips=2) == 3
    assert run(config.replace(**{"training.steps": 7}), samples=3, clips=2) == 4
    (tmp_path / "a" / ablations.RESULT).write_text("[1")
    assert run(config) == 5
