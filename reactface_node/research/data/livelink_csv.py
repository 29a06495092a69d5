"""Recordings of Epic's Live Link Face, two phones for one conversation, as a data set.

    ROOT/{train,val,test}/TALK/    a folder for each conversation, with the takes of both phones,
                                   in folders of their own or not:
        NAME.csv                   Timecode, BlendShapeCount, 52 weights, HeadYaw, HeadPitch,
                                   HeadRoll, and the eyes' three angles each
        NAME.mov, .mp4 or .wav     optional: the sound (and the pictures), from the csv's first row

The timecodes (hours:minutes:seconds:frames.part) lay the two on one clock. Their frame rate is the
smallest usual one that is larger than every frame number. The app's own other tables (frame_log,
and NAME_cal, NAME_neutral, NAME_raw beside a NAME) are not read. Head angles are radians, or
degrees if one is larger than a head can turn in radians, with the signs of ``outputs.livelink``; a
head's usual direction counts as 0. Positions are not recorded.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from reactface_node.config import RosConfig
from reactface_node.errors import UserError
from reactface_node.files.arrays import usable
from reactface_node.files.csv_files import csv_rows
from reactface_node.research.data.conversations import Conversations
from reactface_node.research.data.decode import (
    TrackerFactory,
    read_audio,
    video_frames,
)
from reactface_node.research.data.kind import DatasetChoice, Splits
from reactface_node.research.data.quality import GAP_S, centred
from reactface_node.research.data.sides import (
    SideTrack,
    SpeechFactory,
    beside,
    files_below,
    given_track,
    holds_sound,
    other_length,
)
from reactface_node.research.data.source import SPLITS, Source
from reactface_node.research.data.talks import DAY_S, LeftOut, Talk
from reactface_node.schema import (
    ARKIT_NAMES,
    FRAME_RATE_HZ,
    NUM_COEFFICIENTS,
    NUM_EXPRESSION,
    POSE_NAMES,
    ROTATION,
    SAMPLE_RATE_HZ,
)

HEAD = ("HeadYaw", "HeadPitch", "HeadRoll")
SOUNDS = (".wav", ".mov", ".mp4", ".m4a")
OTHERS = ("_cal", "_neutral", "_raw")
RATES_HZ = (24, 25, 30, 48, 50, 60, 120)
_TIMECODE = re.compile(r"(\d{1,2}):(\d{1,2}):(\d{1,2})[:;](\d{1,3}(?:\.\d+)?)")


@dataclass(frozen=True)
class PhoneSide:
    """The recording of one phone; a ``TalkSide``. media: its sound, if there is one."""

    name: str
    table: Path
    media: Path | None = None
    missing: tuple[str, ...] = tuple(name for name in POSE_NAMES if name.startswith("translation"))
    settings: str = ""

    def files(self) -> Iterator[Path]:
        yield self.table
        if self.media is not None:
            yield self.media

    def problems(self) -> Iterator[str]:
        try:
            _, values = read_table(self.table)
            if not values.any():
                yield f"{self.table} holds nothing but zeros"
            if self.media is not None and self.has_sound():
                length_s = self._span_s[1] - self._span_s[0]
                yield from other_length(self.media, self.table, length_s)
        except UserError as error:
            yield str(error)

    def begins_s(self) -> float:
        return float(np.ceil(round(self._span_s[0] * FRAME_RATE_HZ, 3)) / FRAME_RATE_HZ)

    def length_s(self) -> float:
        return self._span_s[1] - self.begins_s() + 1 / FRAME_RATE_HZ

    def read(self, tracker: TrackerFactory, speech: SpeechFactory) -> SideTrack:
        times_s, values = read_table(self.table)
        frames = int(self.length_s() * FRAME_RATE_HZ + 1e-6)
        at_s = self.begins_s() + np.arange(frames) / FRAME_RATE_HZ
        face, seen = resampled(times_s, values, at_s)
        return given_track(centred(face, seen), seen, self.sound(), speech)

    def has_sound(self) -> bool:
        return self.media is not None and holds_sound(self.media)

    def sound(self) -> np.ndarray | None:
        if self.media is None or not self.has_sound():
            return None
        before_s = self.begins_s() - self._span_s[0]
        return read_audio(self.media)[round(before_s * SAMPLE_RATE_HZ) :]

    def pictures(self) -> Iterator[np.ndarray]:
        if self.media is None or self.media.suffix.lower() == ".wav":
            raise UserError(f"{self.table} has no video beside it, so there are no face crops")
        return video_frames(self.media)

    @cached_property
    def _span_s(self) -> tuple[float, float]:
        """Times of the first and the last row."""
        times_s, _ = read_table(self.table)
        return float(times_s[0]), float(times_s[-1])


def resampled(
    times_s: np.ndarray, values: np.ndarray, at_s: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """((t, 58) float32, (t,) bool) at the times ``at_s``, linearly between rows.

    Rows of zeros hold no face, and nor does the time between two rows with one that are more than
    GAP_S apart, but for a frame at each.
    """
    known = values.any(axis=1)
    face = np.zeros((len(at_s), NUM_COEFFICIENTS), np.float32)
    seen = np.zeros(len(at_s), bool)
    if not known.any():
        return face, seen
    own_s = times_s[known]
    after = np.searchsorted(own_s, at_s).clip(0, len(own_s) - 1)
    before = (after - 1).clip(0)
    distance = np.minimum(np.abs(own_s[after] - at_s), np.abs(own_s[before] - at_s))
    inside = (own_s[0] <= at_s) & (at_s <= own_s[-1]) & (own_s[after] - own_s[before] <= GAP_S)
    seen[:] = inside | (distance < 1 / FRAME_RATE_HZ)
    for channel in range(NUM_COEFFICIENTS):
        face[:, channel] = np.interp(at_s, own_s, values[known, channel])
    face[~seen] = 0.0
    return face, seen


def read_table(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """((n,) seconds of the day, increasing; (n, 58) coefficients) of a recording.

    UserError, with file and line, if it is none.
    """
    rows = csv_rows(path)
    header = [name.strip().lower() for name in rows[0]] if rows else []
    for name in ("Timecode", *(name[0].upper() + name[1:] for name in ARKIT_NAMES), *HEAD):
        if name.lower() not in header:
            raise UserError(f"{path} has no column {name}: it is no Live Link Face recording")
    where = [header.index(name.lower()) for name in (*ARKIT_NAMES, *HEAD)]
    body = [(line, row) for line, row in enumerate(rows[1:], 2) if any(row)]
    if len(body) < 2:
        raise UserError(f"{path} holds fewer than two rows")
    numbers = np.array([_numbers(path, line, row, len(header), where) for line, row in body])
    codes = [_timecode(path, line, row[header.index("timecode")]) for line, row in body]
    values = np.zeros((len(body), NUM_COEFFICIENTS))
    values[:, :NUM_EXPRESSION] = numbers[:, :NUM_EXPRESSION].clip(0.0, 1.0)
    angles = numbers[:, NUM_EXPRESSION:]
    if np.abs(angles).max() > np.pi:
        angles = np.radians(angles)
    values[:, ROTATION] = head_angles(*angles.T)
    return _seconds(path, codes, [line for line, _ in body]), values


def head_angles(yaw: np.ndarray, pitch: np.ndarray, roll: np.ndarray) -> np.ndarray:
    """(n, 3) rotation as in ``schema`` of Live Link's head angles, (n,) each in radians.

    Theirs is Ry(yaw) @ Rx(-pitch) @ Rz(-roll) on our axes, ours Rz @ Ry @ Rx.
    """
    (sy, cy), (sx, cx), (sz, cz) = (
        (np.sin(one), np.cos(one)) for one in (yaw, -np.asarray(pitch), -np.asarray(roll))
    )
    x = np.arctan2(cy * sx * cz + sy * sz, cy * cx)
    y = np.arcsin(np.clip(sy * cz - cy * sx * sz, -1.0, 1.0))
    z = np.arctan2(cx * sz, cy * cz + sy * sx * sz)
    return np.stack([x, y, z], axis=1)


def _numbers(path: Path, line: int, row: list[str], wanted: int, where: list[int]) -> np.ndarray:
    if len(row) != wanted:
        raise UserError(f"{path}: line {line} has {len(row)} cells, the header {wanted}")
    try:
        values = np.array([float(row[index]) for index in where])
    except ValueError as error:
        raise UserError(f"{path}: line {line} holds text where a number belongs") from error
    if not usable(values).all():
        raise UserError(f"{path}: line {line} holds NaN, infinite or huge values")
    return values


def _timecode(path: Path, line: int, text: str) -> tuple[int, float]:
    """(whole seconds of the day, frames)."""
    found = _TIMECODE.fullmatch(text.strip())
    if found is None:
        raise UserError(f"{path}: line {line}: '{text}' is no timecode such as 14:03:52:28.207")
    hours, minutes, seconds, frames = found.groups()
    if int(hours) >= 24 or int(minutes) >= 60 or int(seconds) >= 60:
        raise UserError(f"{path}: line {line}: '{text}' is no time of a day")
    return 3600 * int(hours) + 60 * int(minutes) + int(seconds), float(frames)


def _seconds(path: Path, codes: list[tuple[int, float]], lines: list[int]) -> np.ndarray:
    largest = max(frames for _, frames in codes)
    rate_hz = next((rate for rate in RATES_HZ if rate > largest), None)
    if rate_hz is None:
        raise UserError(f"{path}: a timecode has frame {largest:g}; no camera is so fast")
    times_s = np.array([whole + frames / rate_hz for whole, frames in codes])
    # A recording may last over midnight.
    times_s += DAY_S * np.cumsum(np.diff(times_s, prepend=times_s[0]) < -DAY_S / 2)
    steps = np.diff(times_s)
    if (steps <= 0).any():
        line = lines[int(np.flatnonzero(steps <= 0)[0]) + 1]
        raise UserError(f"{path}: line {line}: its timecode is not after the one before")
    return times_s


def open_splits(root: Path, choice: DatasetChoice, ros: RosConfig) -> Splits:
    """The splits of a folder of recordings."""

    def open_split(split: str) -> Source:
        folder = root / split
        talks, alone = [], []
        for one in sorted(path for path in folder.iterdir() if path.is_dir()):
            tables = _tables(one)
            if len(tables) == 2:
                first, second = (_side(root, table) for table in tables)
                talks.append(Talk(one.name, (first, second)))
            else:
                reason = f"it holds the tables of {len(tables)} phones, not of two"
                alone.append(LeftOut(str(one), reason))
        if not talks and not alone:
            raise UserError(f"{folder} holds no folders of conversations")
        return Conversations(
            root,
            split,
            "livelink",
            tuple(talks),
            {},
            (),
            tuple(alone),
            strict=not choice.skip_broken,
            faces=choice.faces,
            **choice.reading(),
        )

    present = [split for split in SPLITS if (root / split).is_dir()]
    return Splits(root, SPLITS, present, open_split)


def _tables(folder: Path) -> list[Path]:
    found = [path for path in files_below(folder, (".csv",)) if path.stem != "frame_log"]
    names = {path.with_suffix("") for path in found}
    return [path for path in found if not _is_other(path.with_suffix(""), names)]


def _is_other(stem: Path, names: set[Path]) -> bool:
    """Whether a table is another form of one that is there."""
    return any(
        stem.name.endswith(ending) and stem.with_name(stem.name[: -len(ending)]) in names
        for ending in OTHERS
    )


def _side(root: Path, table: Path) -> PhoneSide:
    name = str(table.relative_to(root).with_suffix(""))
    return PhoneSide(name, table, beside(table, SOUNDS))
