"""Maps a face to the joints of a mechanical head, by a table in a YAML file.

A joint's target is ``offset`` plus the sum of gain times coefficient, limited to ``min`` .. ``max``
and to a speed of ``rate_limit`` per second; see ``config/motors_example.yaml``.
"""

import difflib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from reactface_node.errors import UserError
from reactface_node.files.text import SHOWN_CHARACTERS, is_text, meaning, read_yaml, shown
from reactface_node.schema import COEFFICIENT_NAMES, FRAME_RATE_HZ, NUM_COEFFICIENTS, index_of

KEYS = ("name", "from", "offset", "min", "max", "rate_limit")


@dataclass(frozen=True, eq=False)
class MotorMap:
    """J joints, in their own unit (radians).

    names: J names. gains: (J, 58). offset, low, high: (J,). step: (J,), the largest motion from one
    frame to the next.
    """

    names: tuple[str, ...]
    gains: np.ndarray
    offset: np.ndarray
    low: np.ndarray
    high: np.ndarray
    step: np.ndarray

    @staticmethod
    def load(path: Path) -> "MotorMap":
        """UserError that names the file and what is wrong in it."""
        values = read_yaml(path)
        unknown = [key for key in values if key != "joints"]
        if unknown:
            raise UserError(f"{path}: unknown key {shown(unknown[0])}; there is only 'joints'")
        joints = values.get("joints")
        if not isinstance(joints, list) or not joints:
            raise UserError(f"{path}: 'joints' must be a list of joints")
        rows = [_joint(f"{path}: joint {at}", joint) for at, joint in enumerate(joints, 1)]
        names = tuple(str(row["name"]) for row in rows)
        for name in names:
            if names.count(name) > 1:
                raise UserError(f"{path}: two joints are named '{name}'")
        columns = {key: np.array([row[key] for row in rows]) for key in KEYS[2:]}
        step = columns["rate_limit"] / FRAME_RATE_HZ
        gains = np.stack([row["from"] for row in rows])
        return MotorMap(names, gains, columns["offset"], columns["min"], columns["max"], step)

    def move(self, face: np.ndarray, last: np.ndarray | None = None) -> np.ndarray:
        """(58,) face and (J,) positions of the frame before -> (J,) positions, all finite.

        Without ``last`` the joints start at their targets. A joint whose coefficients are NaN
        or infinite keeps its position, or starts at that of the neutral face.
        """
        finite = np.isfinite(face)
        known = np.where(finite, face, 0.0)
        target = np.clip(self.offset + self.gains @ known, self.low, self.high)
        broken = ((self.gains != 0) & ~finite).any(axis=1)
        if last is None:
            return np.where(broken, np.clip(self.offset, self.low, self.high), target)
        moved = np.clip(target, last - self.step, last + self.step)
        return np.where(broken, last, moved)


def _joint(where: str, joint: Any) -> dict[str, Any]:
    """One checked entry: "from" as (58,) gains, numbers as floats."""
    if not isinstance(joint, Mapping):
        raise UserError(f"{where} must hold names and values, not {shown(joint)}")
    name = joint.get("name")
    if not isinstance(name, str) or not name or not is_text(name):
        raise UserError(f"{where}: 'name' must be a text, not {shown(name)}")
    where = f"{where} ({name})"
    for key in joint:
        if key not in KEYS:
            raise UserError(f"{where}: unknown key {shown(key)}{_hint(key, KEYS)}")
    joint = {"offset": 0.0, **joint}
    for key in KEYS:
        if key not in joint:
            raise UserError(f"{where}: '{key}' is missing")
    checked = {key: _number(f"{where}: '{key}'", joint[key]) for key in KEYS[2:]}
    if checked["min"] >= checked["max"]:
        raise UserError(f"{where}: 'min' must be below 'max'")
    if checked["rate_limit"] <= 0:
        raise UserError(f"{where}: 'rate_limit' must be above 0")
    return {"name": str(name), "from": _gains(where, joint["from"]), **checked}


def _gains(where: str, sources: Any) -> np.ndarray:
    if not isinstance(sources, Mapping) or not sources:
        raise UserError(f"{where}: 'from' must hold names and gains, not {shown(sources)}")
    gains = np.zeros(NUM_COEFFICIENTS)
    for name, gain in sources.items():
        if name not in COEFFICIENT_NAMES:
            hint = _hint(name, COEFFICIENT_NAMES)
            raise UserError(f"{where}: 'from' has no {shown(name)} to take{hint}")
        gains[index_of(name)] = _number(f"{where}: '{name}'", gain)
    return gains


def _number(where: str, value: Any) -> float:
    number = meaning(value)
    if isinstance(number, bool) or not isinstance(number, int | float) or not math.isfinite(number):
        raise UserError(f"{where} must be a number, not {shown(value)}")
    return float(number)


def _hint(name: str, known: tuple[str, ...]) -> str:
    near = difflib.get_close_matches(name, known, 1) if len(name) <= SHOWN_CHARACTERS else ()
    return f"; did you mean '{near[0]}'?" if near else ""
