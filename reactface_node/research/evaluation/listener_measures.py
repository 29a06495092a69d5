"""What can be seen of a listener in a short clip: the measures by which dispositions are fitted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from reactface_node.research.data import behaviour as seen
from reactface_node.research.data.head_nods import head_nods
from reactface_node.schema import FRAME_RATE_HZ, ROTATION, indices_of

UNITS: Mapping[str, str] = {
    "smile_share": "of the time",
    "smile_height": "mean mouthSmile",
    "nod_rate": "a minute",
    "nod_depth": "deg, median",
    "nod_rhythm": "cycles a second, median",
    "brow_motion": "sd of the raised brows",
    "head_sway": "deg, sd of turn and tilt",
    "gaze_away": "of the time",
    "blink_rate": "a minute",
}
"""All measures by name, in order. A listener who does not nod has no depth and no rhythm."""
STYLES: Mapping[str, Mapping[str, float]] = {
    "german": {"nod_rate": 6.7},
    "russian": {"nod_rate": 3.9},
}
"""Listeners of a region: feedback nods in conversations (nod corpus, Schepens). Japanese listeners
nod far more often than Americans (Maynard 1990), but no rate is known to us, so that
there is no such style."""
RAISED = indices_of("browInnerUp", "browOuterUpLeft", "browOuterUpRight")


def measure_listener(parts: Sequence[np.ndarray]) -> dict[str, float]:
    """The measures of one listener, seen in several parts (T, 58) at 25 Hz of any lengths."""
    seconds = np.array([len(part) for part in parts]) / FRAME_RATE_HZ
    minutes, shares = seconds.sum() / 60, seconds / seconds.sum()
    nods = [nod for part in parts for nod in head_nods(part[:, ROTATION.start])]
    smiled_s = sum(end - start for part in parts for start, end in seen.smiles(part))

    def mean(values: list[float]) -> float:
        return float(np.dot(shares, values))

    found = {
        "smile_share": smiled_s / seconds.sum(),
        "smile_height": mean([float(part[:, seen.SMILES].mean()) for part in parts]),
        "nod_rate": len(nods) / minutes,
        "brow_motion": mean([float(part[:, RAISED].mean(axis=1).std()) for part in parts]),
        "head_sway": mean([_sway_deg(part) for part in parts]),
        "gaze_away": mean([float(seen.looks_away(part).mean()) for part in parts]),
        "blink_rate": sum(len(seen.blinks(part)) for part in parts) / minutes,
    }
    if nods:
        found["nod_depth"] = float(np.degrees(np.median([nod.depth_rad for nod in nods])))
        found["nod_rhythm"] = float(np.median([nod.hz for nod in nods]))
    return {name: float(found[name]) for name in UNITS if name in found}


@dataclass(frozen=True)
class ClipMeasures:
    """Of a person, as far as they are known, and the seconds for which the person was seen."""

    values: Mapping[str, float]
    seconds: float


def clip_measures(parts: Sequence[np.ndarray]) -> ClipMeasures:
    """Of the parts that ``listener_clip`` gives."""
    return ClipMeasures(measure_listener(parts), sum(map(len, parts)) / FRAME_RATE_HZ)


def style_measures(name: str) -> ClipMeasures:
    """Of a style of ``STYLES``."""
    return ClipMeasures(STYLES[name], 0.0)


def _sway_deg(part: np.ndarray) -> float:
    """Of turn and tilt; nods are in the third angle."""
    return float(np.degrees(np.sqrt(part[:, ROTATION][:, 1:].var(axis=0).sum())))
