"""Folders of clips, and their labels: a YAML file that says second by second what the faces do."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from reactface_node.errors import UserError
from reactface_node.files.text import meaning, read_yaml, shown

LABELS_FILE = "labels.yaml"
SMILE, NEUTRAL, BLINK = "smile", "neutral", "blink"
NO_SMILE_KINDS = (
    "neutral",
    "oh",
    "pout",
    "sulk",
    "frown",
    "grimace",
    "yell",
    "cry",
    "worry",
    "down",
)
"""Kinds during which nobody smiles."""
LABELLED_KINDS = (SMILE, "one_sided", "talk", "hand_before_face", *NO_SMILE_KINDS)
SUFFIXES = {".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".ts", ".webm", ".wmv"}
"""File names of clips end in one of these."""
LONGEST_S = 24 * 3600.0

Interval = tuple[float, float]


@dataclass(frozen=True)
class ClipLabels:
    """intervals: by kind, (from, to) in seconds, sorted. blinks: seconds, sorted, or None where
    the clip's blinks are not labelled."""

    intervals: Mapping[str, tuple[Interval, ...]] = field(default_factory=dict)
    blinks: tuple[float, ...] | None = None

    def of(self, *kinds: str) -> tuple[Interval, ...]:
        """The intervals of these kinds."""
        return tuple(one for kind in kinds for one in self.intervals.get(kind, ()))


def find_clips(folder: Path) -> list[Path]:
    """The video files of a folder, by name. UserError where there are none, or two of one name."""
    if not folder.is_dir():
        raise UserError(f"{folder} is no folder of video clips")
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise UserError(f"cannot read {folder}: {error.strerror}") from error
    paths = [
        path
        for path in entries
        if path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and path.is_file()
    ]
    if not paths:
        raise UserError(f"{folder} holds no video clips ({', '.join(sorted(SUFFIXES))})")
    by_name: dict[str, Path] = {}
    for path in paths:
        if (other := by_name.setdefault(path.stem, path)) != path:
            raise UserError(
                f"{folder} holds {other.name} and {path.name}; labels go by the name without the "
                "suffix: rename one"
            )
    return paths


def read_labels(path: Path) -> dict[str, ClipLabels]:
    """Labels by clip name (a file name without its suffix). UserError, one line, for a file that
    cannot be read or does not hold clip -> kind -> [[from, to], ...]."""
    return {
        clip: _clip_labels(value, f"{path}: {shown(clip)}")
        for clip, value in read_yaml(path).items()
    }


def _clip_labels(value: Any, where: str) -> ClipLabels:
    if not isinstance(value, dict):
        raise UserError(f"{where} must hold kinds and their intervals, not {shown(value)}")
    intervals: dict[str, tuple[Interval, ...]] = {}
    blinks = None
    for kind, entries in value.items():
        if kind != BLINK and kind not in LABELLED_KINDS:
            kinds = ", ".join((*LABELLED_KINDS, BLINK))
            raise UserError(f"{where}: {shown(kind)} is no kind; the kinds are {kinds}")
        if not isinstance(entries, list):
            raise UserError(f"{where}: {kind} must be a list, not {shown(entries)}")
        if kind == BLINK:
            blinks = tuple(sorted(_seconds(entry, f"{where}: {kind}") for entry in entries))
        else:
            intervals[kind] = _intervals(entries, f"{where}: {kind}")
    return ClipLabels(intervals, blinks)


def _intervals(entries: list[Any], where: str) -> tuple[Interval, ...]:
    found = []
    for entry in entries:
        if not isinstance(entry, list) or len(entry) != 2:
            raise UserError(f"{where}: an interval is [from, to] in seconds, not {shown(entry)}")
        start_s, end_s = (_seconds(value, where) for value in entry)
        if start_s >= end_s:
            raise UserError(f"{where}: [{start_s:g}, {end_s:g}] ends before it begins")
        found.append((start_s, end_s))
    found.sort()
    for (_, end_s), (start_s, _) in pairwise(found):
        if start_s < end_s:
            raise UserError(f"{where}: two intervals overlap at {start_s:g} s")
    return tuple(found)


def _seconds(value: Any, where: str) -> float:
    number = meaning(value)
    is_number = isinstance(number, int | float) and not isinstance(number, bool)
    if not is_number or not math.isfinite(number) or not 0 <= number <= LONGEST_S:
        raise UserError(f"{where}: a time is a number of seconds from 0 on, not {shown(value)}")
    return float(number)
