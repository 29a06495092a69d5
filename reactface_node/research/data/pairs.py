"""What data sets of pairs share: two faces and two voices of one conversation, used both ways.

A pair is cut every 30 s, and where one of the two faces is missing for more than 1 s; shorter gaps
are interpolated. What lasts 4 s is a clip. Kinds say where the files are and how a face is read.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from reactface_node.errors import UserError
from reactface_node.files.progress import ProgressBar
from reactface_node.research.data.check import (
    lengths_that_disagree,
    measured,
    picture_frames,
    sound_frames,
)
from reactface_node.research.data.decode import (
    centre_crop,
    fit_audio,
    read_audio,
    video_frames,
)
from reactface_node.research.data.exchanged import doubts
from reactface_node.research.data.source import Clip
from reactface_node.research.data.turns import runs
from reactface_node.schema import CROP_PX, FRAME_RATE_HZ, index_of

CLIP_FRAMES, SHORTEST_FRAMES = 30 * FRAME_RATE_HZ, 4 * FRAME_RATE_HZ
LONGEST_GAP = FRAME_RATE_HZ
JAW = index_of("jawOpen")


@dataclass(frozen=True, eq=False)
class PairSource(ABC):
    """One split; a ``Source``. People are named as their files, without folder of the modality and
    suffix. faces: face crops too. one_way: the listener never speaks. skip_broken: pairs with a
    problem are left out, not refused."""

    root: Path
    split: str
    faces: bool = False
    one_way: bool = False
    skip_broken: bool = False
    listeners = 1

    @property
    @abstractmethod
    def listed(self) -> tuple[tuple[str, str], ...]:
        """(speaker, listener) of each pair, once. UserError if the list cannot be read."""

    @abstractmethod
    def group(self, listener: str) -> str:
        """Listeners of one group react appropriately to all speakers of the group."""

    @abstractmethod
    def face_file(self, person: str) -> Path: ...

    @abstractmethod
    def audio_file(self, person: str) -> Path: ...

    def video_file(self, person: str) -> Path | None:
        """Pictures of the face, for crops; None if the data set has none."""
        return None

    @abstractmethod
    def found(self, person: str) -> np.ndarray:
        """(t,) bool at 25 Hz: whether there is a face. UserError that names the file if it is
        broken."""

    @abstractmethod
    def face(self, person: str) -> np.ndarray:
        """(t, 58) float32 of ours at 25 Hz, gaps interpolated; t and errors as ``found``."""

    def jaw(self, person: str) -> np.ndarray:
        """(t,) how far the jaw is open, in any unit."""
        opened: np.ndarray = self.face(person)[:, JAW]
        return opened

    @cached_property
    def conversations(self) -> tuple[tuple[str, str], ...]:
        """Those of ``listed`` that are used. UserError if there is none."""
        used = tuple(pair for pair in self.listed if pair not in self.broken)
        if not used:
            first = next(iter(self.broken.values()))
            raise UserError(f"{self.root}: every pair of the {self.split} split is broken; {first}")
        return used

    @cached_property
    def broken(self) -> dict[tuple[str, str], str]:
        """The pairs that are skipped, and the first problem of each."""
        if not self.skip_broken:
            return {}
        found = {pair: next(self._problems(pair), "") for pair in self._shown("checking")}
        return {pair: problem for pair, problem in found.items() if problem}

    @cached_property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """(speaker, listener) with both roles."""
        swapped = () if self.one_way else [(b, a) for a, b in self.conversations]
        return (*self.conversations, *swapped)

    @cached_property
    def parts(self) -> np.ndarray:
        """(N, 3) int64 of each clip: its pair, its first frame, its frames. UserError if there is
        none."""
        rows: list[tuple[int, int, int]] = []
        known = ProgressBar(self.conversations, f"reading {self.split}", unit="pair", leave=False)
        for index, people in enumerate(known):
            found = [self.found(person) for person in people]
            rows += [(index, start, frames) for start, frames in spans(found)]
        if not rows:
            seconds = SHORTEST_FRAMES / FRAME_RATE_HZ
            raise UserError(
                f"{self.root}: no pair of the {self.split} split shows both faces for {seconds:g} s"
            )
        parts = np.array(rows, np.int64)
        back = parts + np.array([len(self.conversations), 0, 0])
        both: np.ndarray = parts if self.one_way else np.concatenate([parts, back])
        return both

    @cached_property
    def names(self) -> tuple[str, ...]:
        return tuple(f"{self.pairs[pair][0]}/{start:06d}" for pair, start, _ in self.parts)

    @property
    def facts(self) -> dict[str, Any]:
        return {"clip_s": CLIP_FRAMES / FRAME_RATE_HZ, "one_way": self.one_way}

    def problems(self) -> Iterator[str]:
        if self.skip_broken:
            _ = self.conversations
            return
        for pair in self._shown("checking"):
            yield from self._problems(pair)

    def warnings(self) -> Iterator[str]:
        """Lines on what is skipped, and on what can be used but may be wrong; of a split without
        problems."""
        for pair, problem in self.broken.items():
            yield f"{' and '.join(pair)} are skipped: {problem}"
        pairs = ProgressBar(self.conversations, f"hearing {self.split}", unit="pair", leave=False)
        for pair in pairs:
            yield from self._left_out(pair)
            files = [self.audio_file(person) for person in pair]
            yield from doubts(files, [self.jaw(person) for person in pair], pair)

    def common_files(self) -> Iterator[Path]:
        """Files that all people's faces depend on."""
        return iter(())

    def files(self) -> Iterator[Path]:
        yield from self.common_files()
        for pair in self.conversations:
            for person in pair:
                yield from (path for path, _ in self._files(person))

    def max_frames(self) -> int:
        return int(self.parts[:, 2].max())

    def jobs(self) -> list[range]:
        ends = np.flatnonzero(np.diff(self.parts[:, 0], append=-1)) + 1
        starts = [0, *ends[:-1]]
        return [range(int(a), int(b)) for a, b in zip(starts, ends, strict=True)]

    def read(self, clips: range) -> Iterator[Clip]:
        speaker, listener = self.pairs[self.parts[clips.start, 0]]
        faces = self.face(speaker), self.face(listener)
        length = min(map(len, faces))
        audio = fit_audio(read_audio(self.audio_file(speaker)), length).reshape(length, -1)
        crops = self._crops(speaker, length) if self.faces else None
        for _, start, frames in self.parts[clips.start : clips.stop]:
            seen, heard = (one[start : start + frames] for one in faces)
            voice = audio[start : start + frames].reshape(-1)
            shown = None if crops is None else crops[start : start + frames]
            yield Clip(seen, voice, heard[None], shown)

    def appropriate(self) -> tuple[np.ndarray, ...]:
        """A clip's own listener, then the others of its group at the same time of their pairs."""
        alike: dict[tuple[str, int], list[int]] = {}
        keys = [(self.group(self.pairs[pair][1]), int(start)) for pair, start, _ in self.parts]
        for index, key in enumerate(keys):
            alike.setdefault(key, []).append(index)
        return tuple(
            np.array([index, *(one for one in alike[key] if one != index)], np.int64)
            for index, key in enumerate(keys)
        )

    def _shown(self, doing: str) -> Iterable[tuple[str, str]]:
        """The listed pairs, with a progress bar."""
        return ProgressBar(self.listed, f"{doing} {self.split}", unit="pair", leave=False)

    def _problems(self, pair: tuple[str, str]) -> Iterator[str]:
        broken: list[str] = []
        lengths = measured((file for one in pair for file in self._files(one)), broken)
        yield from broken or lengths_that_disagree(lengths)

    def _left_out(self, pair: tuple[str, str]) -> Iterator[str]:
        found = [self.found(person) for person in pair]
        frames = min(map(len, found))
        left = frames - sum(kept for _, kept in spans(found))
        if left:
            seconds = f"{left / FRAME_RATE_HZ:.1f} of {frames / FRAME_RATE_HZ:.1f} s"
            yield (
                f"{' and '.join(pair)}: {seconds} are left out: a face is missing, or the rest is "
                "shorter than 4 s"
            )

    def _files(self, person: str) -> Iterator[tuple[Path, Callable[[Path], int]]]:
        """The files of a person, each with the function that measures its 25 Hz frames."""
        yield self.face_file(person), lambda _: len(self.found(person))
        yield self.audio_file(person), sound_frames
        if self.faces:
            video = self.video_file(person)
            if video is None:
                raise UserError(f"{self.root} holds no pictures: leave out --faces")
            yield video, picture_frames

    def _crops(self, person: str, length: int) -> np.ndarray:
        """(length, 224, 224, 3); the last picture is repeated if a video lacks a frame or two."""
        video = self.video_file(person)
        assert video is not None
        crops = np.empty((length, CROP_PX, CROP_PX, 3), np.uint8)
        count = 0
        for index, rgb in zip(range(length), video_frames(video), strict=False):
            crops[index], count = centre_crop(rgb), index + 1
        if not count:
            raise UserError(f"{video} holds no pictures")
        crops[count:] = crops[count - 1]
        return crops


def spans(found: list[np.ndarray]) -> list[tuple[int, int]]:
    """(first frame, frames) of the clips of a pair, by the two (t,) bool of whether a face is
    there."""
    length = min(map(len, found))
    both = np.logical_and(found[0][:length], found[1][:length])
    for start, end in runs(~both):
        both[start:end] = end - start <= LONGEST_GAP
    kept = []
    for cell in range(0, length, CLIP_FRAMES):
        for start, end in runs(both[cell : cell + CLIP_FRAMES]):
            if end - start >= SHORTEST_FRAMES:
                kept.append((cell + start, end - start))
    return kept


def interpolated(values: np.ndarray, found: np.ndarray) -> np.ndarray:
    """(t, C) with frames that are not ``found`` (t,) bool interpolated; unchanged if none is."""
    at = np.flatnonzero(found)
    if len(at) in (0, len(values)):
        return values
    places = np.arange(len(values))
    columns = [np.interp(places, at, column[at]) for column in values.T]
    filled: np.ndarray = np.stack(columns, axis=1).astype(values.dtype)
    return filled
