"""``reactface listen-like``: the drawn disposition that listens most like a person in a clip.

Dispositions are drawn as for sessions, and each one listens to the same synthetic speakers. The
nearest in the measures of the person is taken; then the gains are set to what is still different.
Everything is measured on the face that playout shows.
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from reactface_node.config import Config, PlayoutConfig
from reactface_node.engine.chance import dispositions
from reactface_node.engine.engine import Engine, load_engine
from reactface_node.engine.identity import weights_hash
from reactface_node.engine.stepper import SpeakerFrames
from reactface_node.errors import UserError
from reactface_node.files.progress import ProgressBar
from reactface_node.research.evaluation.listener_measures import (
    UNITS,
    ClipMeasures,
    measure_listener,
)
from reactface_node.research.evaluation.situations import Situation, dyads
from reactface_node.schema import NUM_COEFFICIENTS, SAMPLES_PER_FRAME
from reactface_node.session.fitted import LIMITS, FittedListener
from reactface_node.session.playout import Playout

SPEAKERS, SPEAKER_S = 4, 30.0
"""Synthetic speakers of the test split to whom each candidate listens; chosen."""
PLACE_M = (0.0, 0.0, -1.0)
"""Where they are, as ``Observation.place``: straight ahead, so that the eyes turn to them."""
GROUP = 25
"""Candidates in one run, where the model is not exported for a fixed number."""
OF_THE_MODEL = (
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
STEPS = (0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0)
"""Values that are tried for each gain."""
BLINKS_KNOWN_MIN = 1 / 6
"""A clip says little about the rate of blinks: the default rate counts as 10 s of clip; chosen."""

Measures = Mapping[str, float]
Raws = list[np.ndarray]
"""The model's reactions (T, 58) of one listener, one array for each speaker."""


@dataclass(frozen=True, eq=False)
class Candidate:
    """A drawn listener: disposition (S,)."""

    disposition: np.ndarray
    raws: Raws
    measures: Measures


@dataclass(frozen=True, eq=False)
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
                f"the chosen disposition is {self.distance:.2f} standard deviations away, the "
                f"median one {self.typical:.2f}",
                f"gains: {gains}",
            ]
        )


def fixed_speakers() -> list[Situation]:
    """The speakers to whom all candidates listen: always the same."""
    return list(dyads(0, 0, SPEAKERS, SPEAKER_S))


def fit_listener(
    person: ClipMeasures, config: Config, count: int, speakers: Sequence[Situation]
) -> Fit:
    """The nearest of ``count`` drawn dispositions, with its gains. config: of the model.

    UserError if the model has no dispositions, reads pixels, or cannot be loaded.
    """
    if not config.model.disposition or config.model.face_encoder == "pixels":
        raise UserError(f"the profile {config.profile} has no dispositions that can be fitted")
    weights = weights_hash(config.weights)
    drawn = list(candidates(config, count, speakers))
    spread = _spread([one.measures for one in drawn])
    wanted = _within_reach(person.values, [one.measures for one in drawn])
    nearest = min(drawn, key=lambda one: distance(wanted, one.measures, spread, OF_THE_MODEL))
    gains = {**dict.fromkeys(GAIN_MEASURES, 1.0), "blinks_per_min": _blinks_per_min(person)}
    fitted = FittedListener(nearest.disposition, gains, weights, person.values, {})
    fitted = replace(fitted, gains=_fit_gains(fitted, nearest.raws, spread))
    fitted = replace(fitted, listener=_measured(nearest.raws, fitted))
    away = [
        distance(person.values, one.measures, spread, OF_THE_MODEL) for one in (nearest, *drawn)
    ]
    return Fit(fitted, spread, away[0], float(np.median(away[1:])))


def candidates(config: Config, count: int, speakers: Sequence[Situation]) -> Iterator[Candidate]:
    """Drawn listeners who listened to the speakers."""
    group = min(GROUP, count)
    engine = load_engine(config)
    groups = ProgressBar(range(-(-count // group)), "dispositions", unit="group", leave=False)
    for seed in groups:
        who = dispositions(seed, group, engine.disposition)
        reactions = [
            _reactions(engine, config.model.window, seed, group, speaker) for speaker in speakers
        ]
        for index in range(min(group, count - seed * group)):
            raws = [one[index] for one in reactions]
            yield Candidate(who[index], raws, _measured(raws, None))


def _reactions(
    engine: Engine, window: int, seed: int, samples: int, speaker: Situation
) -> np.ndarray:
    """The model's (M, T, 58) to the whole windows of a speaker."""
    engine.begin(seed, samples)
    step = engine.frames
    shown = []
    for at in range(0, len(speaker.face) - step + 1, step):
        face = speaker.face[at : at + step].astype(np.float32)
        audio = speaker.audio[at * SAMPLES_PER_FRAME : (at + step) * SAMPLES_PER_FRAME]
        valid = np.ones((step, NUM_COEFFICIENTS), bool)
        frames = SpeakerFrames(face, valid, audio, np.ones(step, bool))
        shown.append(engine.step(frames, at // window))
    return np.concatenate(shown, axis=1)


def _measured(raws: Raws, fitted: FittedListener | None) -> dict[str, float]:
    """The measures of a listener as playout shows it, with the default gains or fitted ones."""
    return measure_listener([_shown(raw, fitted) for raw in raws])


def _shown(raw: np.ndarray, fitted: FittedListener | None) -> np.ndarray:
    """A whole clip as one window: cross-fades play no part."""
    config, frames = PlayoutConfig(), len(raw)
    playout = Playout(config, frames)
    places = np.tile(PLACE_M, (frames, 1))
    present = np.ones(frames, bool)
    face: np.ndarray = playout.finish(0, raw[None], present, config, False, places, fitted=fitted)[
        1
    ]
    return face


def _fit_gains(fitted: FittedListener, raws: Raws, spread: Measures) -> dict[str, float]:
    """The steps that bring the measures of each gain nearest to the person; of equal ones, that
    nearest to 1. Each gain changes its own measures alone, so all are tried at once."""
    steps = sorted(STEPS, key=lambda step: abs(step - 1.0))
    gains = dict(fitted.gains)
    tried = [
        _measured(raws, replace(fitted, gains=gains | dict.fromkeys(GAIN_MEASURES, step)))
        for step in ProgressBar(steps, "gains", unit="step", leave=False)
    ]
    for gain, names in GAIN_MEASURES.items():
        distances = [distance(fitted.person, one, spread, names) for one in tried]
        gains[gain] = steps[int(np.argmin(distances))]
    return gains


def _blinks_per_min(person: ClipMeasures) -> float:
    """The person's, as far as the clip tells, within the limits of the setting."""
    minutes, usual = person.seconds / 60, PlayoutConfig().blinks_per_min
    count = person.values.get("blink_rate", usual) * minutes + usual * BLINKS_KNOWN_MIN
    rate = count / (minutes + BLINKS_KNOWN_MIN)
    return round(float(np.clip(rate, *LIMITS["blinks_per_min"])), 1)


def _within_reach(person: Measures, measured: Sequence[Measures]) -> dict[str, float]:
    """The person's measures, limited to what the candidates do: else a measure in which nobody is
    near would decide alone."""
    reached = {name: [one[name] for one in measured if name in one] for name in person}
    return {
        name: float(np.clip(value, min(reached[name]), max(reached[name])))
        for name, value in person.items()
        if reached[name]
    }


def _spread(measured: Sequence[Measures]) -> dict[str, float]:
    """Standard deviation of each measure over the candidates; those that do not vary are left
    out."""
    names = set(itertools.chain.from_iterable(measured))
    values = {name: [one[name] for one in measured if name in one] for name in names}
    found = {name: float(np.std(many)) for name, many in values.items()}
    return {name: spread for name, spread in found.items() if spread > 1e-9}


def distance(person: Measures, one: Measures, spread: Measures, names: Sequence[str]) -> float:
    """Root mean square of the standardised differences in those measures that both have; 0 without
    any."""
    known = [n for n in names if n in person and n in one and n in spread]
    away = [(person[n] - one[n]) / spread[n] for n in known]
    return float(np.sqrt(np.mean(np.square(away)))) if away else 0.0


def _cell(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}"
