"""Random settings: names and values of any kind."""

from typing import Any

import numpy as np

from reactface_node.config import Config
from reactface_node.config.settings import settings

VALUES: tuple[Any, ...] = (
    0,
    1,
    -1,
    2,
    1.5,
    0.0,
    -0.5,
    1e308,
    float("nan"),
    float("inf"),
    -float("inf"),
    2**63,
    -(2**63),
    True,
    False,
    "",
    "x",
    "1.0",
    "null",
    "é\n",
    "x" * 5000,
    None,
    [],
    [1.0],
    {},
    {"gain": 1.0},
    "default",
    "../../etc/passwd",
    "~nouser/x",
    "\0",
)
NAMES = (
    "self",
    "playout",
    "",
    ".",
    "playout.",
    ".gain",
    "playout.gain.x",
    "playout..gain",
    "cls",
    "values",
    "config",
    "__class__",
    "playout.__class__",
    "nobody.gain",
    "é",
    "a" * 500,
    "%s",
    "{x}",
)
ALL = tuple(settings(Config()))
LIVE = tuple(item for item in ALL if item.live)


def any_changes(rng: np.random.Generator) -> dict[str, Any]:
    """One to three settings by dotted name; some are right."""
    return dict(_pair(rng) for _ in range(int(rng.integers(1, 4))))


def right_changes(rng: np.random.Generator) -> dict[str, Any]:
    """A live setting within its range, as a person at a page would move it."""
    numbers = [item for item in LIVE if isinstance(item.value, float) and item.high is not None]
    item = numbers[int(rng.integers(0, len(numbers)))]
    assert item.low is not None and item.high is not None
    return {item.name: float(rng.uniform(item.low, item.high))}


def _pair(rng: np.random.Generator) -> tuple[str, Any]:
    kind = rng.random()
    value = VALUES[int(rng.integers(0, len(VALUES)))]
    if kind < 0.25:
        return next(iter(right_changes(rng).items()))
    if kind < 0.55:
        return LIVE[int(rng.integers(0, len(LIVE)))].name, value
    if kind < 0.75:
        return ALL[int(rng.integers(0, len(ALL)))].name, value
    return NAMES[int(rng.integers(0, len(NAMES)))], value
