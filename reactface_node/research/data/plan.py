"""The manifest of a converted split, and the plan of one that is being made."""

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from reactface_node.errors import UserError
from reactface_node.files import text as text_files
from reactface_node.research.data import reaction_events
from reactface_node.research.data.neighbours import FEATURES, bins_of
from reactface_node.research.data.shards import Field, Shard
from reactface_node.research.data.source import Source
from reactface_node.schema import NUM_COEFFICIENTS, SAMPLES_PER_FRAME

ONE_FILE, SHARDED = 1, 2
"""Versions of the form: one file for each array of a split, or many."""
SHARD_BYTES = 128 * 10**6
LARGEST = 10**9
CROP = (224, 224, 3)
MANIFEST = "manifest.json"
SHARD_NAME = re.compile(r"\d{5,9}")


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

    @property
    def labelled(self) -> bool:
        """Whether the source knows which reactions are appropriate."""
        return bool(self.facts.get("labels"))

    def fields(self, version: int = SHARDED) -> dict[str, Field]:
        """The arrays of a version by name."""
        face, per_clip = (self.frames, NUM_COEFFICIENTS), self.listeners
        found = {
            "frames": Field(np.dtype("<i8"), ()),
            "speaker": Field(np.dtype("<f4"), face),
            "audio": Field(np.dtype("<i2"), (self.frames * SAMPLES_PER_FRAME,)),
            "reactions": Field(np.dtype("<f4"), face, per_clip),
        }
        if version >= SHARDED:
            events = self.frames, reaction_events.CHANNELS
            found["events"] = Field(np.dtype("<f4"), events, per_clip)
            if not self.labelled:
                behaviour = bins_of(self.frames), FEATURES
                found["behaviour"] = Field(np.dtype("<f8"), behaviour)
        elif self.facts.get("nods"):
            found["nods"] = Field(np.dtype("<f4"), (self.frames, 3), per_clip)
        if self.faces:
            found["faces"] = Field(np.dtype("u1"), (self.frames, *CROP))
        return found

    @property
    def clip_bytes(self) -> int:
        """Bytes of a clip of full length."""
        return sum(field.row_bytes * field.per_clip for field in self.fields().values())

    @property
    def shards(self) -> list[range]:
        """The clips of each shard: as many as fit into ``SHARD_BYTES``, at least one."""
        each, count = max(1, SHARD_BYTES // self.clip_bytes), len(self.names)
        return [range(start, min(start + each, count)) for start in range(0, count, each)]

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
        return {"version": SHARDED, **self.__dict__, "names": list(self.names)}


@dataclass(frozen=True)
class StoredSplit:
    """A finished split: its plan, the version of its form, and its shards in order."""

    plan: Plan
    version: int
    shards: tuple[Shard, ...]

    @property
    def digest(self) -> str:
        """SHA-256 of the content, from those of the shards; "" for version 1, which has none."""
        if self.version < SHARDED:
            return ""
        found = hashlib.sha256(json.dumps(self.plan.names).encode())
        for shard in self.shards:
            found.update(shard.sha256.encode())
        return found.hexdigest()

    def to_json(self) -> dict[str, Any]:
        return {**self.plan.to_json(), "shards": [vars(shard) for shard in self.shards]}


def read_manifest(path: Path) -> StoredSplit:
    """The manifest of the finished split in the folder ``path``. UserError, with the manifest's
    name, if it is missing, damaged or of a newer version."""
    facts = read_json(path / MANIFEST)
    version = facts.pop("version", None)
    if version not in (ONE_FILE, SHARDED):
        raise UserError(
            f"{path / MANIFEST} is of version {version}, this program reads up to {SHARDED}"
        )
    listed = facts.pop("shards", None)
    try:
        plan = Plan(**{**facts, "names": tuple(facts["names"])})
        shards = tuple(_shards(listed)) if version == SHARDED else (Shard("", len(plan.names)),)
    except (KeyError, TypeError) as error:
        raise UserError(f"{path / MANIFEST} is not the manifest of a converted split") from error
    if not plan.is_sound() or not _fit(shards, plan, version):
        raise UserError(f"{path / MANIFEST} is damaged: its entries are of other kinds")
    return StoredSplit(plan, version, shards)


def read_plan(path: Path) -> Plan:
    """The plan of the finished split in the folder ``path``; UserError as ``read_manifest``."""
    return read_manifest(path).plan


def _shards(listed: Any) -> Iterator[Shard]:
    """TypeError if they are no list of shards."""
    for one in listed:
        yield Shard(**one)


def _fit(shards: Sequence[Shard], plan: Plan, version: int) -> bool:
    """Whether the shards have the right types, lie in the split's folder, and hold all clips."""
    if not shards or any(type(one.clips) is not int or one.clips < 1 for one in shards):
        return False
    texts = [text for one in shards for text in (one.folder, one.sha256)]
    if not all(isinstance(text, str) for text in texts):
        return False
    named = all(SHARD_NAME.fullmatch(one.folder) for one in shards) or version < SHARDED
    return named and sum(one.clips for one in shards) == len(plan.names)


def read_json(path: Path) -> dict[str, Any]:
    """UserError that names the file if it does not hold an object."""
    if not path.is_file():
        raise UserError(f"{path} is missing")
    try:
        return text_files.read_json(path)
    except UserError as error:
        raise UserError(f"{path} is damaged: {error}") from error
