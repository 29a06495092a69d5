"""Conversations of two people, each with a recording of their own, as one split of clips.

Used by the kinds ``videos``, ``seamless`` and ``livelink``. Both sides are read once and laid on
one grid; then each of the two is the speaker of the stretches in which it has the floor
(``turns``), and the other the listener; of these the usable parts become clips (``quality``).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from reactface_node.errors import UserError
from reactface_node.research.data import quality, turns
from reactface_node.research.data.decode import TrackerFactory, crops, default_tracker
from reactface_node.research.data.kept_report import FloorPart, Kept
from reactface_node.research.data.quality import Piece, filled, pieces, unusable
from reactface_node.research.data.sides import (
    SideTrack,
    SpeechFactory,
    TalkSide,
    default_speech,
    load_track,
    track_key,
)
from reactface_node.research.data.source import Clip, own_reactions
from reactface_node.schema import FRAME_RATE_HZ, SAMPLES_PER_FRAME

LENGTHS_S = 1.0
"""Lengths of two sides may differ by so much where nothing says how they belong together."""


@dataclass(frozen=True, eq=False)
class Talk:
    """Two sides of one conversation. offset_s: when the second side begins, on the clock of the
    first; None where nobody says so, and then both must be equally long."""

    name: str
    sides: tuple[TalkSide, TalkSide]
    offset_s: float | None = None

    def shift(self) -> int:
        """The offset in frames."""
        first, second = self.sides
        given = second.begins_s() - first.begins_s() if self.offset_s is None else self.offset_s
        return round(given * FRAME_RATE_HZ)

    def problems(self) -> Iterator[str]:
        broken = [line for side in self.sides for line in side.problems()]
        yield from broken
        if not broken:
            first, second = (side.length_s() for side in self.sides)
            shift_s = self.shift() / FRAME_RATE_HZ
            names = " and ".join(str(next(iter(side.files()))) for side in self.sides)
            common_s = min(first, second + shift_s) - max(0.0, shift_s)
            if common_s < quality.SHORTEST_S:
                yield (
                    f"{names} have {max(0.0, common_s):.1f} s in common with an offset of "
                    f"{shift_s:g} s: they last {first:.1f} s and {second:.1f} s"
                )
            elif self.is_unsaid and abs(first - second) > LENGTHS_S:
                yield (
                    f"{names} last {first:.1f} s and {second:.1f} s, and nothing says how they "
                    "belong together: give their offset, or cut them"
                )

    @property
    def is_unsaid(self) -> bool:
        return self.offset_s is None and all(side.begins_s() == 0.0 for side in self.sides)


@dataclass(frozen=True)
class LeftOut:
    """A conversation that is not used at all, and why."""

    talk: str
    reason: str


@dataclass(frozen=True)
class Stretch:
    """A part of a conversation in one direction. speaker: index of the side."""

    talk: int
    speaker: int
    piece: Piece


@dataclass(frozen=True, eq=False)
class Conversations:
    """The conversations of one split; a ``Source`` once ``prepare`` has given it its tracks.

    kind: the name of the data set's kind. settings: what else determines the content. lists: files
    that say which recordings belong together. left_out: what is known to be unusable. strict:
    anything missing or broken is an error; else such conversations are left out and reported.
    tracks: the folder with what was read of the sides; None before ``prepare``.
    """

    root: Path
    split: str
    kind: str
    talks: tuple[Talk, ...]
    settings: dict[str, Any] = field(default_factory=dict)
    lists: tuple[Path, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    strict: bool = True
    faces: bool = False
    tracks: Path | None = None
    tracker: TrackerFactory = default_tracker
    speech: SpeechFactory = default_speech
    listeners: int = 1

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(
            f"{self.talks[one.talk].name}/{self.speaker(one).name}/{one.piece.start:06d}"
            for one in self.kept
        )

    @property
    def facts(self) -> dict[str, Any]:
        # Without the tracks nothing is known but what was asked for.
        rules = {
            "clip_s": [quality.SHORTEST_S, quality.CLIP_S],
            "turn_s": [turns.GAP_S, turns.BACKCHANNEL_S, turns.PAUSE_S],
            "least_trust": quality.LEAST_TRUST,
        }
        missing = {name for talk in self.talks for side in talk.sides for name in side.missing}
        return {"kind": self.kind, "missing": sorted(missing), "rules": rules, **self.settings}

    def problems(self) -> Iterator[str]:
        """Of all conversations; after ``prepare`` only whether any clip is left."""
        if self.tracks is not None:
            return
        yield from (f"{one.talk}: {one.reason}" for one in self.left_out)
        for talk in self.talks:
            yield from talk.problems()

    def files(self) -> Iterator[Path]:
        yield from self.lists
        for talk in self.talks:
            for side in talk.sides:
                yield from side.files()

    def max_frames(self) -> int:
        return max(one.piece.end - one.piece.start for one in self.kept)

    def jobs(self) -> list[range]:
        """One for each conversation with clips."""
        talks = np.array([one.talk for one in self.kept])
        edges = np.flatnonzero(np.diff(talks, prepend=-1, append=-1)).tolist()
        return [range(start, end) for start, end in pairwise(edges)]

    def read(self, clips: range) -> Iterator[Clip]:
        wanted = self.kept[clips.start : clips.stop]
        talk = wanted[0].talk
        tracks, starts = self.aligned(talk)
        for speaker in (0, 1):
            mine = [one for one in wanted if one.speaker == speaker]
            if not mine:
                continue
            side, first = self.talks[talk].sides[speaker], starts[speaker]
            sound = side.sound()
            if sound is None:
                raise UserError(f"{next(iter(side.files()))} has lost its sound")
            shown = self._crops(side, [one.piece for one in mine], first)
            for one in mine:
                piece = one.piece
                yield Clip(
                    filled(tracks[speaker], piece),
                    _cut(sound, first + piece.start, first + piece.end),
                    filled(tracks[1 - speaker], piece)[None],
                    next(shown),
                )

    def appropriate(self) -> tuple[np.ndarray, ...]:
        return own_reactions(len(self.kept))

    def speaker(self, one: Stretch) -> TalkSide:
        return self.talks[one.talk].sides[one.speaker]

    @cached_property
    def kept(self) -> tuple[Stretch, ...]:
        """What becomes clips, ordered by conversation, speaker and time."""
        return tuple(one for one in self.stretches if not one.piece.reason)

    @cached_property
    def stretches(self) -> tuple[Stretch, ...]:
        """All parts in which one of the two has the floor, kept or not, in order."""
        found: list[Stretch] = []
        for index in range(len(self.talks)):
            found += self._stretches(index)
        return tuple(found)

    def aligned(self, talk: int) -> tuple[tuple[SideTrack, SideTrack], tuple[int, int]]:
        """What both sides have in common, and the first frame of it in each."""
        assert self.tracks is not None, "prepare comes first"
        sides, shift = self.talks[talk].sides, self.talks[talk].shift()
        first, second = (load_track(self.tracks / track_key(one, self.root)) for one in sides)
        starts = max(0, shift), max(0, -shift)
        length = max(0, min(len(first) - starts[0], len(second) - starts[1]))
        parts = (
            one.part(start, start + length)
            for one, start in zip((first, second), starts, strict=True)
        )
        return (next(parts), next(parts)), starts

    def _stretches(self, talk: int) -> Iterator[Stretch]:
        tracks, _ = self.aligned(talk)
        if not len(tracks[0]):
            return
        reasons = np.full(len(tracks[0]), "", object)
        for side, track in zip(self.talks[talk].sides, tracks, strict=True):
            mine = unusable(track, side.name)
            reasons = np.where(reasons == "", mine, reasons)
        if reason := quality.exchanged(tracks):
            reasons[:] = reason
        voices = turns.without_crosstalk(
            (tracks[0].voice, tracks[1].voice), (tracks[0].level_db, tracks[1].level_db)
        )
        for speaker in (0, 1):
            for stretch in turns.stretches(voices[speaker], voices[1 - speaker]):
                for piece in sorted(pieces(stretch, reasons), key=lambda one: one.start):
                    yield Stretch(talk, speaker, piece)

    def _crops(
        self, side: TalkSide, wanted: list[Piece], first: int
    ) -> Iterator[np.ndarray | None]:
        """The face crops of each piece, in order of time; None without ``faces``."""
        if not self.faces:
            yield from (None for _ in wanted)
            return
        tracker = self.tracker(True)
        try:
            tracker.reset()
            seen, todo = [], list(wanted)
            for index, rgb in enumerate(side.pictures()):
                observation = tracker.track(index / FRAME_RATE_HZ, rgb)
                if index >= first + todo[0].start:
                    seen.append(observation)
                if index == first + todo[0].end - 1:
                    yield crops(seen)
                    seen, _ = [], todo.pop(0)
                    if not todo:
                        return
        finally:
            tracker.close()


def _cut(sound: np.ndarray, start: int, end: int) -> np.ndarray:
    """The samples of some frames; 0 after the sound's end."""
    wanted = (end - start) * SAMPLES_PER_FRAME
    part = sound[start * SAMPLES_PER_FRAME : end * SAMPLES_PER_FRAME]
    return np.pad(part, (0, wanted - len(part)))


def kept_of(source: Conversations) -> Kept:
    """What the report of a prepared source tells."""
    names = dict(zip(source.kept, source.names, strict=True))
    parts = [
        FloorPart(
            source.talks[one.talk].name,
            source.speaker(one).name,
            source.talks[one.talk].sides[1 - one.speaker].name,
            one.piece.start / FRAME_RATE_HZ,
            one.piece.end / FRAME_RATE_HZ,
            names.get(one, ""),
            one.piece.reason,
        )
        for one in source.stretches
    ]
    lengths, notes = {}, []
    for index, talk in enumerate(source.talks):
        tracks, _ = source.aligned(index)
        lengths[talk.name] = len(tracks[0]) / FRAME_RATE_HZ
        for side, track in zip(talk.sides, tracks, strict=True):
            if not bool(track.heard):
                notes.append(
                    f"{talk.name}: {side.name} has no sound, so it is only a listener, and where "
                    "it talks is not known."
                )
    if missing := source.facts["missing"]:
        notes.append(f"Channels that the recordings do not give: {', '.join(missing)}.")
    return Kept(
        f"What was kept of {source.root.name}, {source.split} ({source.kind})",
        parts,
        lengths,
        [(one.talk, one.reason) for one in source.left_out],
        notes,
    )
