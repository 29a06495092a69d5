"""The ablation studies: every row is trained and measured like any other run."""

import json
import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from reactface_node.config import Config
from reactface_node.errors import UserError
from reactface_node.files import resources
from reactface_node.files.progress import ProgressBar
from reactface_node.files.text import meaning, read_json, read_yaml
from reactface_node.files.whole import write_text
from reactface_node.research.data.clips import Clips
from reactface_node.research.data.store import load_facts
from reactface_node.research.evaluation.rows import (
    GT,
    Scale,
    measure,
    react_to,
    real_reactions,
    space_of,
    test_split,
    trained,
    whole_frames,
)
from reactface_node.research.evaluation.table import Row, Table
from reactface_node.research.evaluation.verdicts import notes
from reactface_node.research.evaluation.workers import Workers
from reactface_node.research.training.dataset import ready_folder
from reactface_node.research.training.train import WEIGHTS, train

RESULT = "metrics.json"
SEEDS = 2


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
    """The studies of a YAML file, ours by default; UserError if the file is wrong."""
    path = path or resources.folder("config") / "studies" / "ablations.yaml"
    try:
        return [
            Study(
                table["name"],
                table["title"],
                tuple(table["columns"]),
                tuple(Variant(r["name"], _marks(r["shows"]), r["set"]) for r in table["rows"]),
            )
            for table in read_yaml(path)["tables"]
        ]
    except (KeyError, TypeError, AttributeError) as error:
        raise UserError(
            f"{path}: every table needs name, title, columns and rows ({error})"
        ) from error


def _marks(shows: Any) -> tuple[bool, ...]:
    marks = tuple(meaning(mark) for mark in shows)
    if not all(isinstance(mark, bool) for mark in marks):
        raise TypeError("shows takes true and false")
    return marks


def choose_studies(names: Sequence[str]) -> list[Study]:
    """Our studies with these names, all without names; UserError for an unknown name."""
    studies = read_studies()
    if unknown := set(names) - {study.name for study in studies}:
        known = ", ".join(study.name for study in studies)
        raise UserError(f"no ablation '{min(unknown)}'; there are: {known}")
    return [study for study in studies if study.name in names or not names]


def run_studies(
    config: Config,
    out: Path,
    samples: int,
    clips: int,
    workers: int,
    studies: Sequence[Study],
    seeds: int = SEEDS,
) -> list[tuple[Study, Table]]:
    """Train and measure the variants that ``out`` lacks, each with ``seeds`` seeds; one table per
    study, with the GT row.

    Rows of the same name are one run. Continues an interrupted call: what was measured is read, and
    what was not trained to its end goes on. A variant that was measured with other settings or data
    is measured again. Prints a line for each run. UserError as ``train``.
    """
    settings = config.training
    data = ready_folder(settings, out)
    test, digest = test_split(data, config, clips)
    scale = Scale(space=space_of(load_facts(data, "test")))
    chosen = {"test": digest, "samples": samples, "clips": clips}
    variants = {variant.name: variant for study in studies for variant in study.rows}
    found: dict[str, list[dict[str, float]]] = {name: [] for name in variants}
    # All variants with the first seed come first: an early look at every table.
    runs = [(seed, variant) for seed in range(seeds) for variant in variants.values()]
    with Workers(workers) as pool:
        measuring = _Measuring(test, scale, samples, pool, chosen)
        own = real_reactions(test, whole_frames(test, config.model.window))
        real = measure(GT, own, test, pool, scale)
        for number, (seed, variant) in enumerate(runs, 1):
            changes = {"training.data": str(data), "training.seed": settings.seed + seed}
            changed = config.replace({**variant.settings, **changes})
            _say(f"run {number} of {len(runs)}: {variant.name}, seed {settings.seed + seed}")
            found[variant.name].append(_result(changed, run_folder(out, variant, seed), measuring))
    return [(study, _table(study, real, found)) for study in studies]


def run_folder(out: Path, variant: Variant, seed: int) -> Path:
    """The folder of a variant's run; seed: counts from 0."""
    return out / variant.name / f"seed{seed}"


def _table(
    study: Study, real: dict[str, float], found: Mapping[str, list[dict[str, float]]]
) -> Table:
    rows = [Row(GT, real, (False,) * len(study.columns))]
    for variant in study.rows:
        seeds = tuple(found[variant.name])
        rows.append(Row(variant.name, _means(seeds), variant.shows, seeds))
    table = Table(study.title, rows, study.columns)
    return replace(table, notes=notes(table))


def _means(seeds: Sequence[dict[str, float]]) -> dict[str, float]:
    """The mean of each metric that every seed has."""
    names = [name for name in seeds[0] if all(name in one for one in seeds)]
    return {name: statistics.fmean(one[name] for one in seeds) for name in names}


def _say(line: str) -> None:
    ProgressBar.write(f"ablations: {line}", file=sys.stderr)


@dataclass(frozen=True)
class _Measuring:
    """The inputs of every row's measurement; ``chosen``: the settings on which its numbers
    depend."""

    test: Clips
    scale: Scale
    samples: int
    workers: Workers
    chosen: dict[str, Any]


def _result(config: Config, folder: Path, measuring: _Measuring) -> dict[str, float]:
    """A variant's metrics on the test split, stored beside its weights with the settings they are
    for."""
    settings = config.to_dict()
    parts = {name: settings[name] for name in ("model", "training")} | measuring.chosen
    # Through JSON, so that settings read from a file equal those that were written.
    made_with = json.loads(json.dumps(parts))
    kept = _kept(folder / RESULT)
    if kept.get("made_with") == made_with:
        metrics: dict[str, float] = kept["metrics"]
        _say("measured before")
        return metrics
    began_s = time.monotonic()
    last = train(config, folder)
    _, reactor = trained(folder / WEIGHTS, config)
    predictions = react_to(reactor, measuring.test, measuring.samples, config)
    found = measure(
        folder.parent.name, predictions, measuring.test, measuring.workers, measuring.scale
    )
    if (jumps := last["border_jump_ratio"]) is not None:
        found["jumps"] = jumps
    text = json.dumps({"made_with": made_with, "metrics": found}, indent=2)
    write_text(folder / RESULT, text)
    _say(f"took {(time.monotonic() - began_s) / 60:.1f} min")
    return found


def _kept(path: Path) -> dict[str, Any]:
    """The metrics of an earlier measurement; empty if none can be read."""
    try:
        return read_json(path)
    except UserError:
        return {}
