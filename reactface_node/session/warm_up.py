"""Warm-up: runs tracker and model before the first input and warns if they are too slow."""

import logging
from collections.abc import Callable, Sequence
from statistics import median

import numpy as np

from reactface_node.config import Config
from reactface_node.errors import UserError
from reactface_node.schema import FRAME_RATE_HZ
from reactface_node.session.overload import LEVELS, too_slow

TIMES = 3
"""Timed calls after the first, slow one; their median counts."""


def warm_up(
    config: Config,
    model: Callable[[], object],
    image: Callable[[], object],
    clock: Callable[[], float],
) -> None:
    """Run a window of the model and track an image, each ``1 + TIMES`` times.

    Logs a warning with advice if one of them cannot keep up with real time. clock: seconds.
    """
    window_s = config.model.window / FRAME_RATE_HZ
    every_s = max(LEVELS[-1].every / FRAME_RATE_HZ, 1.0 / config.perception.rate_hz)
    text = too_slow(
        _seconds(model, clock) / window_s,
        _seconds(image, clock) / every_s,
        config.profile,
        config.device,
        config.threads,
    )
    if text:
        logging.getLogger(__name__).warning("%s", text)


def check_reactions(reactions: Sequence[np.ndarray], weights: str) -> None:
    """UserError if the model's outputs hold NaN or infinity: its weights are damaged."""
    if not all(np.isfinite(reaction).all() for reaction in reactions):
        raise UserError(f"{weights} is damaged: the model gives NaN; get it again")


def _seconds(act: Callable[[], object], clock: Callable[[], float]) -> float:
    act()
    taken_s = []
    for _ in range(TIMES):
        began_s = clock()
        act()
        taken_s.append(clock() - began_s)
    return median(taken_s)
