"""The synthetic data set: train, validation and test splits that share no person."""

from functools import cache, partial

import numpy as np

from reactface_node.research.data.convert import DyadSource
from reactface_node.research.data.synthetic import Cast, Dyad, draw_cast, make_dyad
from reactface_node.schema import FRAME_RATE_HZ

# Speakers and listeners of each split; a clip's listeners are all different people. With only a
# few hundred, a model memorises them and fails on others.
CASTS = {"train": (2000, 6000), "val": (40, 60), "test": (40, 60)}


def dyad_source(seed: int, split: str, clips: int, seconds: float, listeners: int) -> DyadSource:
    """``clips`` dyads of a split; the same arguments give the same dyads. On other processors the
    last bits of the sound differ, and so does the data hash of checkpoints."""
    make = partial(_make, seed, split, seconds, listeners)
    facts = {"seed": seed, "seconds": seconds, "labels": True, "nods": True}
    frames = round(seconds * FRAME_RATE_HZ)
    return DyadSource(split, make, clips, listeners, frames, facts)


def _make(seed: int, split: str, seconds: float, listeners: int, index: int) -> Dyad:
    rng = np.random.default_rng([seed, list(CASTS).index(split), index])
    return make_dyad(rng, seconds, listeners, cast_of(seed, split))


@cache
def cast_of(seed: int, split: str) -> Cast:
    """The cast of a split."""
    return draw_cast(np.random.default_rng([seed, list(CASTS).index(split)]), *CASTS[split])
