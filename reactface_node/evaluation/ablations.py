"""The ablation studies: every row is trained and measured like any other run."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reactface_node import resources
from reactface_node.config import Config
from reactface_node.data.clips import Clips
from reactface_node.data.store import load_clips
from reactface_node.errors import UserError
from reactface_node.evaluation.rows import first_clips, measure, react_to, trained
from reactface_node.evaluation.table import Row, Table
from reactface_node.files import write_text
from reactface_node.settings import read_yaml
from reactface_node.training.dataset import data_folder, make_synthetic
from reactface_node.training.train import WEIGHTS, train

RESULT = "metrics.json"


@dataclass(frozen=True)
class Variant:
    """A row: its run's folder name, its check marks, and the settings that make it."""

    name: str
    shows: tuple[bool, ...]
    settings: Mapping[str, Any]


@dataclass(frozen=True)
class Study:
    """A table of variants."""

    name: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[Variant, ...]


def read_studies(path: Path | None = None) -> list[Study]:
    """The studies of a YAML file, ours by default; UserError where it does not say what to do."""
    path = path or resources.folder("config") / "studies" / "ablations.yaml"
    try:
        return [
            Study(
                table["name"], table["title"], tuple(table["columns"]),
                tuple(Variant(r["name"], tuple(r["shows"]), r["set"]) for r in table["rows"]),
            )
            for table in read_yaml(path)["tables"]
        ]  # fmt: skip
    except (KeyError, TypeError) as error:
        raise UserError(
            f"{path}: every table needs name, title, columns and rows ({error})"
        ) from error


def run_studies(
    config: Config, out: Path, samples: int, clips: int, workers: int
) -> list[tuple[Study, Table]]:
    """Train and measure what is not there yet in ``out``; the tables of all studies.

    Rows of the same name are one run. Goes on where it was interrupted.
    """
    settings = config.training
    data = data_folder(settings, out)
    if not settings.data:
        make_synthetic(settings, data)
    done: dict[str, dict[str, float]] = {}
    tables = []
    for study in read_studies():
        for variant in study.rows:
            if variant.name not in done:
                changed = config.replace(**variant.settings, **{"training.data": str(data)})
                done[variant.name] = _result(
                    changed,
                    out / variant.name,
                    first_clips(load_clips(data, "test"), clips),
                    samples,
                    workers,
                )
        rows = [Row(v.name, done[v.name], v.shows) for v in study.rows]
        tables.append((study, Table(study.title, rows, study.columns)))
    return tables


def _result(
    config: Config, folder: Path, test: Clips, samples: int, workers: int
) -> dict[str, float]:
    """A variant's metrics on the test split, kept beside its weights."""
    if (folder / RESULT).is_file():
        kept: dict[str, float] = json.loads((folder / RESULT).read_text())
        return kept
    last = train(config, folder)
    _, reactor = trained(folder / WEIGHTS, config)
    found = measure(react_to(reactor, test, samples, config), test, False, workers, None)
    found["jumps"] = last["border_jump_ratio"]
    write_text(folder / RESULT, json.dumps(found, indent=2))
    return found
