"""Fitted listeners: a disposition and gains in a file, which ``reactface listen-like`` writes.

The listener of the first sample may be a fitted one (``playout.disposition``).
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from reactface_node.config import Config, PlayoutConfig
from reactface_node.config.settings import settings
from reactface_node.engine.identity import weights_hash
from reactface_node.errors import UserError
from reactface_node.files.text import read_json, shown
from reactface_node.files.whole import home_path, is_file_within, write_text

FORMAT, VERSION, SUFFIX = "reactface disposition", 1, ".json"
FACTORS = ("nod_gain", "smile_gain", "gaze_gain")
GAINS = (*FACTORS, "blinks_per_min")
LIMITS = {
    item.name: (item.low or 0.0, item.high or 0.0)
    for item in settings(PlayoutConfig())
    if item.name in GAINS
}
"""Those of the settings of these names."""
LARGEST = 10.0
"""Dispositions are standard normal: no number of a sound one is nearly so large."""
HELP = "`reactface listen-like` makes one"


@dataclass(frozen=True, eq=False)
class FittedListener:
    """A listener who was fitted to a person.

    disposition: (S,) float32. gains: by the names of ``GAINS``. weights: SHA-256 of the model's
    checkpoint. person, listener: measures of the person, and of this listener, by name.
    """

    disposition: np.ndarray
    gains: Mapping[str, float]
    weights: str
    person: Mapping[str, float]
    listener: Mapping[str, float]

    def save(self, path: Path) -> None:
        """Write the file; UserError if it cannot be written."""
        about = {
            "format": FORMAT,
            "version": VERSION,
            "weights": self.weights,
            "disposition": [round(float(value), 6) for value in self.disposition],
            "gains": dict(self.gains),
            "person": dict(self.person),
            "listener": dict(self.listener),
        }
        write_text(path, json.dumps(about, indent=2) + "\n")

    def applied(self, config: PlayoutConfig) -> PlayoutConfig:
        """The settings with this listener's gains as further factors, within the limits; its blinks
        take the place of the set ones, unless these are switched off."""
        changes = {name: getattr(config, name) * self.gains[name] for name in FACTORS}
        if config.blinks_per_min:
            changes["blinks_per_min"] = self.gains["blinks_per_min"]
        return replace(config, **{name: min(x, LIMITS[name][1]) for name, x in changes.items()})


def read_fitted(path: Path) -> FittedListener:
    """UserError, one line, if a file is no fitted listener, damaged, or of a newer version."""
    about = read_json(path)
    if about.get("format") != FORMAT:
        raise UserError(f"{path} is no disposition: {HELP}")
    version = about.get("version")
    if type(version) is int and version > VERSION:
        raise UserError(f"{path} was written by a newer reactface_node; update this one")
    try:
        if version != VERSION or type(version) is not int:
            raise ValueError(f"version is {shown(version)}")
        return _fitted(about)
    except ValueError as error:
        raise UserError(f"{path} is damaged: {error}; {HELP}") from error


def _fitted(about: Mapping[str, Any]) -> FittedListener:
    """ValueError that names the error."""
    weights, numbers = about.get("weights"), about.get("disposition")
    if not isinstance(weights, str):
        raise ValueError(f"weights is {shown(weights)}, no SHA-256")
    if not isinstance(numbers, list):
        raise ValueError("disposition is no list of numbers")
    who = [_number("disposition", value, -LARGEST, LARGEST) for value in numbers]
    gains = _section(about, "gains")
    return FittedListener(
        np.array(who, np.float32),
        {name: _number(name, gains.get(name), *LIMITS[name]) for name in GAINS},
        weights,
        *(
            {name: _number(name, value, 0.0, math.inf) for name, value in measures.items()}
            for measures in (_section(about, "person"), _section(about, "listener"))
        ),
    )


def _section(about: Mapping[str, Any], name: str) -> dict[str, Any]:
    values = about.get(name)
    if not isinstance(values, dict):
        raise ValueError(f"{name} must hold names and values, not {shown(values)}")
    return values


def _number(name: str, value: Any, low: float, high: float) -> float:
    if type(value) not in (int, float) or not low <= value <= high or math.isinf(value):
        raise ValueError(f"{shown(name)} is {shown(value)}, not within {low:g} .. {high:g}")
    return float(value)


class FittedChoice:
    """Which fitted listener a session's first sample is; it changes at the begin of a window."""

    def __init__(self, config: Config, size: int):
        """size: S of the model. UserError as ``read``."""
        self._size, self._name, self._weights = size, "", ""
        self._wanted: FittedListener | None = None
        self.choose(config)

    def read(self, config: Config) -> FittedListener | None:
        """The listener that ``config`` names; None for none.

        UserError if its file is not in the folder, is damaged, or was fitted for another model.
        """
        name = config.playout.disposition
        if not name or name == self._name:
            return self._wanted if name else None
        path = _find(config.playout.dispositions, name)
        fitted = read_fitted(path)
        # The weights of a session never change; a large file takes a second.
        self._weights = self._weights or weights_hash(config.weights)
        if fitted.weights != self._weights:
            raise UserError(
                f"{path} was fitted for another model than weights={config.weights}: fit it again"
            )
        if len(fitted.disposition) != self._size:
            raise UserError(
                f"{path} is damaged: its disposition has {len(fitted.disposition)} numbers, "
                f"the model's {self._size}; {HELP}"
            )
        return fitted

    def choose(self, config: Config) -> None:
        """Take what ``config`` names from the next window on; UserError as ``read``."""
        self._wanted = self.read(config)
        self._name = config.playout.disposition

    def begin(self) -> np.ndarray | None:
        """The disposition at the beginning of a conversation; None: the drawn one."""
        self.current = self._wanted
        return None if self.current is None else self.current.disposition

    def at(self, place: int) -> FittedListener | None:
        """Of the frame at ``place`` in its window; call it for the frames in order."""
        if place == 0:
            self.current = self._wanted
        return self.current


def _find(folder: str, name: str) -> Path:
    """The file; UserError if it is not there or lies outside of the folder, also by a link."""
    home = home_path(folder)
    if not home.is_dir():
        raise UserError(
            f"there is no folder '{home}' of dispositions: set playout.dispositions, or leave "
            "playout.disposition empty"
        )
    home = home.resolve()
    if not is_file_within(home, name):
        known = sorted(p.name for p in home.iterdir() if p.suffix == SUFFIX)
        listed = f"there are: {', '.join(known)}" if known else "it holds none"
        raise UserError(f"no disposition '{name}' in {folder}; {listed}")
    return (home / name).resolve()
