"""Measures the rows of Tables 2, 2b and 2c, one after the other, and keeps each."""

import json
import sys
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from reactface_node.config import Config
from reactface_node.files.progress import ProgressBar
from reactface_node.research.data.clips import Clips
from reactface_node.research.evaluation.field_metrics import FieldReference
from reactface_node.research.evaluation.i3d import I3D
from reactface_node.research.evaluation.realism import RenderedClips, frrea
from reactface_node.research.evaluation.row_people import Speakers
from reactface_node.research.evaluation.row_store import MeasuredRow, RowStore, as_json
from reactface_node.research.evaluation.rows import (
    GT,
    Scale,
    frames_per_second,
    measure,
    react_to,
    real_reactions,
    whole_frames,
)
from reactface_node.research.evaluation.speed import frames_per_core_second
from reactface_node.research.evaluation.workers import Workers
from reactface_node.research.training.learner import Reactor

SHOWN = 3


@dataclass(frozen=True)
class RowMeasuring:
    """test: the clips. samples: of each reactor. net: for FRRea, which is left out without it.
    filmed: number of clips whose reactions are kept for videos. released: FRRea as released."""

    config: Config
    test: Clips
    samples: int
    scale: Scale
    workers: Workers
    store: RowStore
    net: I3D | None = None
    filmed: int = 0
    released: bool = True

    @cached_property
    def real(self) -> np.ndarray:
        """(N, 1, T, 58) the real listeners."""
        return real_reactions(self.test, whole_frames(self.test, self.config.model.window))

    @cached_property
    def _field(self) -> FieldReference:
        return FieldReference.of(self.test, self.real.shape[2], self.config.training.seed)

    @cached_property
    def _speakers(self) -> Speakers:
        return Speakers.of(self.test, self.real.shape[2], self.config.perception)

    def row(self, name: str, reactor: Reactor | None) -> MeasuredRow:
        """The row of a reactor, or without one that of the real listeners; one that was measured
        with the same settings is read."""
        if (kept := self.store.read(name, reactor)) is not None:
            ProgressBar.write(f"{name}: measured before", file=sys.stderr)
            return kept
        row = self._measured(name, reactor)
        self.store.write(row, reactor)
        return row

    def _measured(self, name: str, reactor: Reactor | None) -> MeasuredRow:
        if reactor is None:
            predictions = self.real
        else:
            predictions = react_to(reactor, self.test, self.samples, self.config)
        metrics = measure(name, predictions, self.test, self.workers, self.scale)
        metrics |= self._field.measure(predictions, self.workers)
        if reactor is not None:
            if self.net:
                videos = RenderedClips(self.real[:, 0]), RenderedClips(predictions[:, 0])
                metrics["FRRea"] = frrea(*videos, self.net, released=self.released)
            metrics["FPS"] = frames_per_second(reactor, self.test, self.config)
            metrics["FPS_core"] = frames_per_core_second(reactor, self.test, self.config)
        people = self._speakers.measure(predictions)
        first = predictions[0, :SHOWN].copy()
        return MeasuredRow(name, metrics, people, first, predictions[: self.filmed, 0].copy())


def measured_rows(
    measuring: RowMeasuring, reactors: list[tuple[str, Reactor]]
) -> list[MeasuredRow]:
    """The real listeners first; prints each other row as a line of JSON."""
    rows = [measuring.row(GT, None)]
    for name, reactor in reactors:
        rows.append(measuring.row(name, reactor))
        print(json.dumps({name: as_json(rows[-1].metrics)}), flush=True)
    return rows
