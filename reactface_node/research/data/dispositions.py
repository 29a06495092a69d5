"""Characters of synthetic listeners."""

from dataclasses import dataclass

import numpy as np

NODS_A_MINUTE, NOD_SPREAD = 6.0, 0.25
"""Median rate of nods, and the standard deviation of its logarithm: IFADV, 40 people, 10/50/90 %
1.8, 5.2 and 10.4 a minute, sd 0.63; a part of the counted spread is chance."""
LAUGHS_ALONG = 0.24
"""Share of the speaker's laughs that a laugh answers: IFADV, 669 laughs."""
LAUGHS_AT_SMILES = 0.65
"""Share of the speaker's broad smiles that a laugh answers, so that a listener laughs in 17 % of
the parts of 10 s (CCDb); chosen."""


@dataclass(frozen=True)
class Disposition:
    """Character of a listener, drawn once.

    nods_per_min: mean rate while the speaker talks. nod_rad, nod_hz: median depth and rhythm of its
    nods. smile: share of the speaker's smile that is returned. laughs: how readily the listener
    laughs along, 1 as most. concern, alarm, surprise: how strongly the speaker's distress, anger or
    fear, and surprise are answered, 0..1. brows: chance of a brow raise on an emphasis. latency_s:
    of mimicry. following: share of the speaker's slow head motion that is taken over. energy:
    scales small motion. rest: (smile, brow raise, brow down, press) weights at rest. posture:
    (x, y, z) rad at rest. cheek, squint: parts of a smile. tilt_side: +1 or -1, where the head
    leans in concern. blinks_per_min: 17 at rest to 26 in conversation for most (Bentivoglio et al.
    1997).
    """

    nods_per_min: float
    nod_rad: float
    nod_hz: float
    smile: float
    laughs: float
    concern: float
    alarm: float
    surprise: float
    brows: float
    latency_s: float
    following: float
    energy: float
    rest: tuple[float, float, float, float]
    posture: tuple[float, float, float]
    cheek: float
    squint: float
    tilt_side: float
    blinks_per_min: float


def draw_disposition(rng: np.random.Generator) -> Disposition:
    """Draw a listener. Ranges without a source are chosen."""
    rest = rng.uniform(0, 1, 4) ** 2 * [0.10, 0.14, 0.12, 0.14]
    posture = np.clip(rng.normal(0.0, 1.0, 3), -2, 2) * [0.015, 0.03, 0.025]
    return Disposition(
        nods_per_min=float(NODS_A_MINUTE * np.exp(NOD_SPREAD * rng.standard_normal())),
        nod_rad=float(np.radians(3.2) * np.exp(0.45 * rng.standard_normal())),
        nod_hz=float(1.47 * np.exp(0.18 * rng.standard_normal())),
        smile=float(rng.uniform(0.35, 1.0)),
        laughs=float(rng.uniform(0.2, 1.8)),
        concern=float(rng.uniform(0.2, 1.0)),
        alarm=float(rng.uniform(0.2, 1.0)),
        surprise=float(rng.uniform(0.15, 1.0)),
        brows=float(rng.uniform(0.05, 0.5)),
        latency_s=float(rng.uniform(0.3, 0.6)),
        following=float(rng.uniform(0.25, 0.6)),
        energy=float(rng.uniform(0.5, 1.5)),
        rest=(float(rest[0]), float(rest[1]), float(rest[2]), float(rest[3])),
        posture=(float(posture[0]), float(posture[1]), float(posture[2])),
        cheek=float(rng.uniform(0.75, 0.95)),
        squint=float(rng.uniform(0.12, 0.3)),
        tilt_side=float(rng.choice([-1.0, 1.0])),
        blinks_per_min=float(np.clip(rng.lognormal(np.log(20.0), 0.3), 8.0, 40.0)),
    )
