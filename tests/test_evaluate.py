"""`reactface evaluate` from trained runs to tables and figures, and its mistakes."""

import json

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
