"""``reactface listen-like``: the drawn disposition that listens most like a person in a clip.

Dispositions are drawn as for sessions, and each one listens to the same synthetic speakers. The
nearest in the measures of the person is taken; then the gains are set to what is still different.
"""

import itertools
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from reactface_node.config import Config, PlayoutConfig
from reactface_node.engine.identity import weights_hash
from reactface_node.errors import UserError
from reactface_node.files import resources
from reactface_node.files.progress import ProgressBar
from reactface_node.model.dispositions import draw_dispositions
from reactface_node.research.evaluation.listener_measures import (
    UNITS,
    ClipMeasures,
    measure_listener,
)
from reactface_node.research.evaluation.listening import situation_meetings
from reactface_node.research.evaluation.situations import Situation, dyads
from reactface_node.session.fitted import LIMITS, FittedListener
from reactface_node.session.seeds import generators

SPEAKERS, SPEAKER_S = 6, 30.0
"""Synthetic speakers of the test split to whom each candidate listens; chosen."""
GROUP = 20
"""Candidates in one run, where the model is not exported for a fixed number."""
MODELS_OWN = (
    "smile_share",
    "smile_height",
    "nod_rate",
    "nod_depth",
    "nod_rhythm",
    "brow_motion",
    "head_sway",
)
"""Measures by which a disposition is chosen. Blinks and most glances away are drawn in playout,
whatever the disposition."""
GAIN_MEASURES: Mapping[str, tuple[str, ...]] = {
    "nod_gain": ("nod_rate", "nod_depth"),
    "smile_gain": ("smile_share", "smile_height"),
    "gaze_gain": ("gaze_away",),
}
"""What each gain is to bring nearest to the person."""
STEPS = (0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0)
"""Values that are tried for each gain."""
BLINKS_KNOWN_MIN = 1 / 6
"""A clip says little about the rate of blinks: the default rate counts as 10 s of clip; chosen."""

Measures = Mapping[str, float]


@dataclass(frozen=True)
class Fit:
    """A fitted listener. spread: standard deviation of the measures over the candidates. distance:
    root mean square of the standardised differences of the chosen one; typical: the median of all
    candidates."""

    fitted: FittedListener
    spread: Measures
    distance: float
    typical: float

    def text(self) -> str:
        """A table for the terminal: the person, the fitted listener, and how far they are apart."""
        person, listener = self.fitted.person, self.fitted.listener
        lines = [f"{'':14}{'person':>9}{'listener':>10}{'spread':>9}"]
        for name, unit in UNITS.items():
            cells = [_cell(values.get(name)) for values in (person, listener, self.spread)]
            lines.append(f"{name:14}{cells[0]:>9}{cells[1]:>10}{cells[2]:>9}  {unit}")
        gains = ", ".join(f"{name} {value:g}" for name, value in self.fitted.gains.items())
        return "\n".join(
            [
                *lines,
                f"distance of the chosen disposition {self.distance:.2f}, of the median one "
                f"{self.typical:.2f} standard deviations",
                f"gains: {gains}",
            ]
        )


def fit_listener(
    person: ClipMeasures, config: Config, candidates: int, speakers: Sequence[Situation]
) -> Fit:
    """config: of the model; its gains are not used.

    UserError if the model has no dispositions or cannot be loaded.
    """
    config = config.replace(
        {
            f"playout.{n}": v
            for n, v in vars(PlayoutConfig()).items()
            if n not in ("samples", "seed")
        }
        | {"playout.seed": 0}
    )
    weights, size = weights_hash(config.weights), config.model.disposition
    if not size:
        raise UserError(f"{config.profile} has no dispositions: all its listeners are alike")
    wanted = person.values
    drawn = list(_candidates(config, candidates, speakers, size))
    spread = _spread([measures for _, measures in drawn])
    distances = [_distance(wanted, measures, spread, MODELS_OWN) for _, measures in drawn]
    nearest = int(np.argmin(distances))
    gains = _gains(1.0, _blinks_per_min(person))
    rough = FittedListener(drawn[nearest][0], gains, weights, wanted, {})
    gains = _fit_gains(rough, config, speakers, spread)
    fitted = replace(rough, gains=gains)
    fitted = replace(fitted, listener=_measured(fitted, config, speakers))
    return Fit(fitted, spread, distances[nearest], float(np.median(distances)))


def fixed_speakers(seed: int = 0) -> list[Situation]:
    """The speakers to whom candidates listen."""
    return list(dyads(seed, 0, SPEAKERS, SPEAKER_S))


def _candidates(
    config: Config, count: int, speakers: Sequence[Situation], size: int
) -> Iterator[tuple[np.ndarray, dict[str, float]]]:
    """(disposition (S,), measures) of each candidate."""
    exported = resources.exported_model(config.weights) is not None
    group = config.playout.samples if exported else min(GROUP, count)
    runs = range(-(-count // group))
    for seed in ProgressBar(runs, "dispositions", unit="group", leave=False):
        who = draw_dispositions(generators(seed, group), size)
        meetings = list(situation_meetings(config, seed, group, speakers))
        for index in range(min(group, count - seed * group)):
            yield who[index], measure_listener([one.listeners[index] for one in meetings])


def _fit_gains(
    rough: FittedListener, config: Config, speakers: Sequence[Situation], spread: Measures
) -> dict[str, float]:
    """The steps that bring the measures of each gain nearest to the person; of equal ones, that
    nearest to 1. A gain without a measure to go by stays 1."""
    steps = sorted(STEPS, key=lambda step: abs(step - 1.0))
    tried = {}
    for step in ProgressBar(steps, "gains", unit="step", leave=False):
        gains = _gains(step, rough.gains["blinks_per_min"])
        tried[step] = _measured(replace(rough, gains=gains), config, speakers)
    chosen = dict(rough.gains)
    for gain, names in GAIN_MEASURES.items():
        distances = [_distance(rough.person, tried[step], spread, names) for step in steps]
        chosen[gain] = steps[int(np.argmin(distances))]
    return chosen


def _gains(step: float, blinks_per_min: float) -> dict[str, float]:
    """All factors at one step."""
    return {**dict.fromkeys(GAIN_MEASURES, step), "blinks_per_min": blinks_per_min}


def _blinks_per_min(person: ClipMeasures) -> float:
    """The person's, as far as the clip tells, within the limits of the setting."""
    minutes, usual = person.seconds / 60, PlayoutConfig().blinks_per_min
    count = person.values["blink_rate"] * minutes + usual * BLINKS_KNOWN_MIN
    rate = count / (minutes + BLINKS_KNOWN_MIN)
    return round(float(np.clip(rate, *LIMITS["blinks_per_min"])), 1)


def _measured(
    fitted: FittedListener, config: Config, speakers: Sequence[Situation]
) -> dict[str, float]:
    """The measures of a fitted listener as a session with its file shows it."""
    with tempfile.TemporaryDirectory() as folder:
        fitted.save(Path(folder) / "fitted.json")
        chosen = {"playout.dispositions": folder, "playout.disposition": "fitted.json"}
        samples = config.playout.samples
        meetings = list(situation_meetings(config.replace(chosen), 0, samples, speakers))
    return measure_listener([one.listeners[0] for one in meetings])


def _spread(measured: Sequence[Measures]) -> dict[str, float]:
    """Standard deviation of each measure over candidates; a measure that does not vary is left
    out."""
    names = set(itertools.chain.from_iterable(measured))
    found = {}
    for name in names:
        values = [one[name] for one in measured if name in one]
        if len(values) > 1 and float(np.std(values)) > 1e-9:
            found[name] = float(np.std(values))
    return found


def _distance(person: Measures, one: Measures, spread: Measures, names: Sequence[str]) -> float:
    """Root mean square of the standardised differences in those measures that both have."""
    known = [n for n in names if n in person and n in one and n in spread]
    away = [(person[n] - one[n]) / spread[n] for n in known]
    return float(np.sqrt(np.mean(np.square(away)))) if away else 0.0


def _cell(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}"
