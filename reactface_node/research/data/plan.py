"""The manifest of a converted split, and the plan of one that is being made."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from reactface_node.errors import UserError
from reactface_node.files import text as text_files
from reactface_node.research.data.source import Source
from reactface_node.schema import NUM_COEFFICIENTS, SAMPLES_PER_FRAME

CACHE_VERSION = 1
LARGEST = 10**9
CROP = (224, 224, 3)
MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Plan:
    """Shapes of a split: ``Clips``' N and T, L reactions per clip, and the facts that determine the
    content."""

    split: str
    names: tuple[str, ...]
    frames: int
    listeners: int
    faces: bool
    facts: dict[str, Any]

    @staticmethod
    def of(source: Source) -> "Plan":
        # Through JSON, so that a plan read from a file equals the one that was written.
        facts = json.loads(json.dumps(source.facts))
        return Plan(
            source.split, source.names, source.max_frames(), source.listeners, source.faces, facts
        )

    def arrays(self) -> dict[str, tuple[np.dtype, tuple[int, ...], int]]:
        """name -> (dtype, shape, rows per clip)."""
        clips, rows = len(self.names), len(self.names) * self.listeners
        found: dict[str, tuple[np.dtype, tuple[int, ...], int]] = {
            "frames": (np.dtype("<i8"), (clips,), 1),
            "speaker": (np.dtype("<f4"), (clips, self.frames, NUM_COEFFICIENTS), 1),
            "audio": (np.dtype("<i2"), (clips, self.frames * SAMPLES_PER_FRAME), 1),
            "reactions": (np.dtype("<f4"), (rows, self.frames, NUM_COEFFICIENTS), self.listeners),
        }
        if self.facts.get("nods"):
            found["nods"] = (np.dtype("<f4"), (rows, self.frames, 3), self.listeners)
        if self.faces:
            found["faces"] = (np.dtype("u1"), (clips, self.frames, *CROP), 1)
        return found

    def is_sound(self) -> bool:
        """Whether the values have the right types."""
        texts, sizes = (self.split, *self.names), (self.frames, self.listeners)
        return (
            all(isinstance(text, str) for text in texts)
            and all(type(size) is int and 0 < size <= LARGEST for size in sizes)
            and isinstance(self.faces, bool)
            and isinstance(self.facts, dict)
        )

    def to_json(self) -> dict[str, Any]:
        return {"version": CACHE_VERSION, **self.__dict__, "names": list(self.names)}


def read_plan(path: Path) -> Plan:
    """The plan of the finished split in the folder ``path``. UserError, with the manifest's
    name, if it is missing, damaged or of a newer version."""
    facts = read_json(path / MANIFEST)
    version = facts.pop("version", None)
    if version != CACHE_VERSION:
        raise UserError(
            f"{path / MANIFEST} is of version {version}, this program reads {CACHE_VERSION}"
        )
    try:
        plan = Plan(**{**facts, "names": tuple(facts["names"])})
    except (KeyError, TypeError) as error:
        raise UserError(f"{path / MANIFEST} is not the manifest of a converted split") from error
    if not plan.is_sound():
        raise UserError(f"{path / MANIFEST} is damaged: its entries are of other kinds")
    return plan


def read_json(path: Path) -> dict[str, Any]:
    """UserError that names the file if it does not hold an object."""
    if not path.is_file():
        raise UserError(f"{path} is missing")
    try:
        return text_files.read_json(path)
    except UserError as error:
        raise UserError(f"{path} is damaged: {error}") from error
