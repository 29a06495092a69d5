"""Presets: named sets of gains, chosen by ``playout.preset``."""

from collections.abc import Mapping
from typing import Any

PRESETS: Mapping[str, Mapping[str, float]] = {
    "composed": {
        "playout.brow_gain": 0.6,
        "playout.head_gain": 0.4,
        "playout.nod_gain": 0.5,
        "playout.smile_gain": 0.6,
        "playout.gaze_gain": 0.5,
        "playout.idle_gain": 0.5,
    },
    "attentive": {},
    "lively": {
        "playout.brow_gain": 1.4,
        "playout.head_gain": 1.3,
        "playout.nod_gain": 1.3,
        "playout.smile_gain": 1.3,
        "playout.idle_gain": 1.3,
    },
}
"""The values are chosen by eye; docs/profiles.md says what they do."""
NEUTRAL = 1.0
"""Value in the other presets of a gain that only some presets set."""


def with_preset(changes: Mapping[Any, Any], current: str) -> dict[Any, Any]:
    """Changes by dotted name; if they choose another preset than the current one, with its gains.

    A gain that is among the changes keeps the given value.
    """
    chosen = changes.get("playout.preset", current)
    if chosen == current or not isinstance(chosen, str) or chosen not in PRESETS:
        return dict(changes)
    gains = dict.fromkeys((name for preset in PRESETS.values() for name in preset), NEUTRAL)
    return {**gains, **PRESETS[chosen], **changes}
