"""Distances of motion as distributions: FD, P-FD and SID, on expression and head rotation."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.cluster.vq import kmeans2

from reactface_node.research.evaluation.realism import frechet_distance
from reactface_node.schema import EXPRESSION, ROTATION

REGIONS: Mapping[str, slice] = {"exp": EXPRESSION, "head": ROTATION}
CLUSTERS: Mapping[str, int] = {"exp": 40, "head": 20}
FITTED, STEPS = 30_000, 50
"""Most frames that clusters are fitted on, and the steps of the fit."""


def motion_distance(made: np.ndarray, real: np.ndarray) -> float:
    """FD, down, 0 and up: Frechet distance of the frames of a reaction (T, C) from those of the
    real one (T, C).

    Formula: |m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2)) of means and unbiased covariances over T;
    the metric is its mean over samples and clips. Unit: squared units of the coefficients. Source:
    Ng et al. 2022 (Learning to Listen), clip by clip as Tran et al. 2024 compute it.
    """
    return frechet_distance(real, made)


def paired_distance(made: np.ndarray, real: np.ndarray, speaker: np.ndarray) -> float:
    """P-FD, down, 0 and up: ``motion_distance`` of frames of speaker and listener together,
    (T, 2 C). Source: as FD."""
    pairs = (np.concatenate([speaker, face], axis=1) for face in (real, made))
    return frechet_distance(*pairs)


@dataclass(frozen=True, eq=False)
class Clusters:
    """k typical frames (k, C) of real listeners, by which diversity is counted."""

    centres: np.ndarray

    @classmethod
    def of(cls, frames: np.ndarray, most: int, seed: int = 0) -> "Clusters":
        """At most ``most`` clusters of frames (F, C), by k-means from k-means++."""
        step = max(1, -(-len(frames) // FITTED))
        known = frames[::step].astype(np.float64)
        different = np.unique(known, axis=0)
        if len(different) <= most:
            return cls(different)
        first = different[_spread(different, most, seed)]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # an empty cluster keeps its centre
            return cls(kmeans2(known, first, STEPS, minit="matrix")[0])

    def count(self, frames: np.ndarray) -> np.ndarray:
        """(k,) how many of the frames (F, C) are nearest to each centre."""
        x = frames.astype(np.float64)
        apart = (self.centres**2).sum(axis=1) - 2.0 * x @ self.centres.T
        counts: np.ndarray = np.bincount(apart.argmin(axis=1), minlength=len(self.centres))
        return counts


def _spread(frames: np.ndarray, many: int, seed: int) -> list[int]:
    """Indices of ``many`` different frames, each drawn far from the ones before (k-means++)."""
    random = np.random.default_rng(seed)
    chosen = [int(random.integers(len(frames)))]
    apart = ((frames - frames[chosen[0]]) ** 2).sum(axis=1)
    while len(chosen) < many:
        chosen.append(int(random.choice(len(frames), p=apart / apart.sum())))
        apart = np.minimum(apart, ((frames - frames[chosen[-1]]) ** 2).sum(axis=1))
    return chosen


def shannon_index(counts: np.ndarray) -> float:
    """SID, bits, 0 to log2 k: entropy of the clusters that the frames fall into; near the real
    listeners' is better.

    counts (k,): of all frames of all reactions, by clusters of real listeners' frames, 40 of
    expression and 20 of the head. Source: Ng et al. 2022; 40 and 20 as Tran et al. 2024.
    """
    share = counts[counts > 0] / counts.sum()
    return float(-(share * np.log2(share)).sum())
