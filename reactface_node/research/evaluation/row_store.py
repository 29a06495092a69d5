"""Measured rows of a table on disk: an interrupted evaluation goes on with the next row."""

import hashlib
import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from reactface_node.files.whole import make_folder, write_text, written_whole
from reactface_node.research.data.plan import read_json
from reactface_node.research.evaluation.videos import folder_name
from reactface_node.research.training.learner import Reactor

VERSION = 1
"""Raise it when a metric changes: rows of older versions are measured again."""


@dataclass(frozen=True, eq=False)
class MeasuredRow:
    """metrics: by name. people: human statistics, by key. shown (S, T, 58): samples of the first
    clip. filmed (V, T, 58): the first sample of the first V clips."""

    name: str
    metrics: dict[str, float]
    people: dict[str, float] = field(default_factory=dict)
    shown: np.ndarray = field(default_factory=lambda: np.zeros((0, 0, 58), np.float32))
    filmed: np.ndarray = field(default_factory=lambda: np.zeros((0, 0, 58), np.float32))


@dataclass(frozen=True)
class RowStore:
    """Rows in a folder, each as NAME.json and NAME.npz with the settings that they are for."""

    folder: Path
    chosen: dict[str, Any]

    def read(self, name: str, reactor: Reactor | None) -> MeasuredRow | None:
        """The row, if it was measured with the same settings, data and reactor."""
        stem = self.folder / folder_name(name)
        try:
            kept = read_json(stem.with_name(stem.name + ".json"))
            if kept.get("made_with") != self._made_with(name, reactor):
                return None
            with stem.with_name(stem.name + ".npz").open("rb") as file:
                arrays = np.load(file, allow_pickle=False)
                parts = {part: arrays[part] for part in ("shown", "filmed")}
            return MeasuredRow(name, _numbers(kept["metrics"]), _numbers(kept["people"]), **parts)
        except Exception:  # not there or damaged, which raises many kinds
            return None

    def write(self, row: MeasuredRow, reactor: Reactor | None) -> None:
        """Keep the row; UserError if the disk is full."""
        make_folder(self.folder)
        stem = self.folder / folder_name(row.name)
        arrays = stem.with_name(stem.name + ".npz")
        with written_whole(arrays) as path, path.open("wb") as file:
            np.savez_compressed(file, shown=row.shown, filmed=row.filmed)
        parts = {"metrics": as_json(row.metrics), "people": as_json(row.people)}
        text = json.dumps({"made_with": self._made_with(row.name, reactor), **parts}, indent=2)
        write_text(stem.with_name(stem.name + ".json"), text + "\n")

    def _made_with(self, name: str, reactor: Reactor | None) -> Any:
        parts = {"version": VERSION, "name": name, "reactor": digest(reactor), **self.chosen}
        # Through JSON, so that settings read from a file equal those that were written.
        return json.loads(json.dumps(parts))


def digest(reactor: Reactor | None) -> str:
    """Hash of the weights; '' without any, when the data alone decide."""
    if not isinstance(reactor, nn.Module):
        return ""
    found = hashlib.sha256()
    for name, value in sorted(reactor.state_dict().items()):
        found.update(name.encode())
        found.update(np.ascontiguousarray(value.detach().cpu().numpy()).data)
    return found.hexdigest()


def as_json(values: dict[str, float]) -> dict[str, float | None]:
    """The values with None, null in JSON, for NaN and infinity."""
    return {name: value if math.isfinite(value) else None for name, value in values.items()}


def _numbers(values: dict[str, float | None]) -> dict[str, float]:
    return {name: math.nan if value is None else float(value) for name, value in values.items()}
