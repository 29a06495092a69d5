"""Backchannel F1: whether nods and smiles begin when the real listener's do."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from reactface_node.research.data.behaviour import smiles
from reactface_node.research.data.head_nods import head_nods
from reactface_node.schema import ROTATION

TOLERANCES_S = (0.5, 1.0)
KINDS = ("nod", "smile")


class Hits(NamedTuple):
    """Events that begin together, those of the reaction, and the real ones."""

    both: int
    made: int
    real: int


def onsets(face: np.ndarray) -> dict[str, np.ndarray]:
    """When nods and smiles begin in a face (T, 58), in seconds, in order, by kind."""
    nods = [nod.start_s for nod in head_nods(face[:, ROTATION.start])]
    return {"nod": np.array(nods), "smile": np.array([start for start, _ in smiles(face)])}


def hits(made_s: np.ndarray, real_s: np.ndarray, tolerance_s: float) -> Hits:
    """Counts the most pairs of onsets at most ``tolerance_s`` apart; each belongs to one pair.

    Both in order of time: then the earliest pair that fits is part of a largest matching.
    """
    both = ours = theirs = 0
    while ours < len(made_s) and theirs < len(real_s):
        apart = made_s[ours] - real_s[theirs]
        if abs(apart) <= tolerance_s + 1e-9:
            both, ours, theirs = both + 1, ours + 1, theirs + 1
        elif apart < 0:
            ours += 1
        else:
            theirs += 1
    return Hits(both, len(made_s), len(real_s))


def f1(counts: Hits) -> float:
    """F1, up, 0 to 1: 2 both / (made + real), the harmonic mean of precision and recall; counts:
    summed over samples and clips. NaN without any event.

    Source: margins of error around the onset as in Ward and Tsukahara 2000 (0.5 s) and de Kok and
    Heylen 2012.
    """
    total = counts.made + counts.real
    return 2.0 * counts.both / total if total else float("nan")


def compared(
    made: Mapping[str, np.ndarray], real: Mapping[str, np.ndarray]
) -> dict[tuple[str, float], np.ndarray]:
    """(3,) counts, as ``Hits``, by kind and tolerance in s."""
    return {
        (kind, tolerance): np.array(hits(made[kind], real[kind], tolerance))
        for kind in KINDS
        for tolerance in TOLERANCES_S
    }
