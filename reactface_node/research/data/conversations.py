"""Conversations of two people, each with a recording of their own, as one split of clips.

Used by the kinds ``videos``, ``seamless`` and ``livelink``. Both sides are read once and laid on
one grid; then each of the two is the speaker of the stretches in which it has the floor
(``turns``), and the other the listener; of these the usable parts become clips (``quality``).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from reactface_node.errors import UserError
from reactface_node.files.progress import ProgressBar
from reactface_node.research.data import quality, turns
from reactface_node.research.data.decode import NodeTracker, TrackerFactory, crops
from reactface_node.research.data.kept_report import FloorPart, Kept
from reactface_node.research.data.quality import Piece, filled
from reactface_node.research.data.sides import (
    NodeSpeech,
    SideTrack,
    SpeechFactory,
    TalkSide,
    load_track,
    track_key,
)
from reactface_node.research.data.source import Clip, own_reactions
from reactface_node.research.data.talks import LeftOut, Stretch, Talk, TalkCut, cut_of, in_common
from reactface_node.schema import FRAME_RATE_HZ, SAMPLES_PER_FRAME


@dataclass(frozen=True, eq=False)
class Conversations:
    """The conversations of one split; a ``Source`` once ``prepare`` has given it its tracks.

    kind: the name of the data set's kind. settings: what else determines the content. lists: files
    that say which recordings belong together. left_out: what is known to be unusable. strict:
    anything missing or broken is an error; else such conversations are left out and reported.
    speakers: indices of the sides that may be speakers. calibrate: what ``prepare`` does first.
    read_with: settings of tracker and speech that are not the defaults, for the facts.
    notes: lines of the report. tracks: the folder with what was read of the sides; None before
    ``prepare``.
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
    speakers: tuple[int, ...] = (0, 1)
    calibrate: Callable[["Conversations"], "Conversations"] | None = None
    notes: tuple[str, ...] = ()
    tracks: Path | None = None
    tracker: TrackerFactory = field(default_factory=NodeTracker)
    speech: SpeechFactory = field(default_factory=NodeSpeech)
    read_with: Mapping[str, Any] = field(default_factory=dict)
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
        given = {**self.settings, **self.read_with}
        missing = {name for talk in self.talks for side in talk.sides for name in side.missing}
        return {"kind": self.kind, "missing": sorted(missing), "rules": rules, **given}

    def problems(self) -> Iterator[str]:
        """Of all conversations, if one that is broken is an error; else only if none is left."""
        if self.tracks is None and self.strict:
            yield from self._left_out()
            for talk in self._checked():
                yield from self.problems_of(talk)
        elif not self.talks:
            yield from self._left_out()

    def warnings(self) -> Iterator[str]:
        """What is left out, or used as a listener alone."""
        if not self.strict:
            yield from self._left_out()
        for talk in self._checked():
            broken = [] if self.strict else list(self.problems_of(talk))
            yield from broken or talk.warnings()

    def problems_of(self, talk: Talk) -> Iterator[str]:
        """Lines that begin with a file's name: why a conversation cannot be used."""
        broken = list(talk.problems())
        yield from broken
        if not self.faces or broken:
            return
        for side in (talk.sides[index] for index in self.speakers):
            try:
                if side.has_sound():  # without one it never speaks
                    next(iter(side.pictures()), None)
            except UserError as error:
                yield str(error)

    def _left_out(self) -> Iterator[str]:
        return (f"{one.talk}: {one.reason}" for one in self.left_out)

    def _checked(self) -> Iterable[Talk]:
        return ProgressBar(self.talks, f"checking {self.split}", unit="pair", leave=False)

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
        tracks, starts = in_common(self._tracks(talk), self.talks[talk].shift())
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
                    _samples(sound, first + piece.start, first + piece.end),
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

    @property
    def stretches(self) -> Iterator[Stretch]:
        """All parts in which one of the two has the floor, kept or not, in order."""
        return (one for cut in self.cuts for one in cut.stretches)

    @cached_property
    def cuts(self) -> tuple[TalkCut, ...]:
        """What each conversation is cut into."""
        bar = ProgressBar(self.talks, f"cutting {self.split}", unit="pair", leave=False)
        return tuple(self._cut(index) for index, _ in enumerate(bar))

    def _cut(self, talk: int) -> TalkCut:
        first, second = self.talks[talk].sides
        shift = self.talks[talk].shift()
        return cut_of(talk, (first.name, second.name), self._tracks(talk), shift, self.speakers)

    def _tracks(self, talk: int) -> tuple[SideTrack, SideTrack]:
        assert self.tracks is not None, "prepare comes first"
        paths = [
            self.tracks / track_key(one, self.root, self.read_with)
            for one in self.talks[talk].sides
        ]
        return load_track(paths[0]), load_track(paths[1])

    def _crops(
        self, side: TalkSide, wanted: list[Piece], first: int
    ) -> Iterator[np.ndarray | None]:
        """The face crops of each piece, in order of time; None without ``faces``. UserError if the
        tracker finds no face in one, though other files say that there is one."""
        if not self.faces:
            yield from (None for _ in wanted)
            return
        tracker = self.tracker(True)
        try:
            tracker.reset()
            pictures = enumerate(side.pictures())
            for piece in wanted:
                seen = []
                for index, rgb in pictures:
                    observation = tracker.track(index / FRAME_RATE_HZ, rgb)
                    if index >= first + piece.start:
                        seen.append(observation)
                    if index == first + piece.end - 1:
                        break
                found = crops(seen)
                if found is None:
                    at_s = (first + piece.start) / FRAME_RATE_HZ
                    raise UserError(f"{side.name}: no face is found in its video from {at_s:.0f} s")
                # A video may end some frames before the other files of its side.
                rest = piece.end - piece.start - len(found)
                yield np.concatenate([found, np.repeat(found[-1:], rest, axis=0)])
        finally:
            tracker.close()


def _samples(sound: np.ndarray, start: int, end: int) -> np.ndarray:
    """The samples of some frames; 0 after the sound's end."""
    wanted = (end - start) * SAMPLES_PER_FRAME
    part = sound[start * SAMPLES_PER_FRAME : end * SAMPLES_PER_FRAME]
    return np.pad(part, (0, wanted - len(part)))


def kept_of(source: Conversations) -> Kept:
    """What the report of a prepared source tells; times are on the clocks of the first sides."""
    names = dict(zip(source.kept, source.names, strict=True))
    parts, lengths, notes = [], {}, list(source.notes)
    for talk, cut in zip(source.talks, source.cuts, strict=True):
        lengths[talk.name] = cut.seconds
        for one in cut.stretches:
            speaker, listener = talk.sides[one.speaker].name, talk.sides[1 - one.speaker].name
            start_s, end_s = (at / FRAME_RATE_HZ for at in (one.piece.start, one.piece.end))
            times_s = cut.begins_s + start_s, cut.begins_s + end_s
            clip = names.get(one, "")
            parts.append(FloorPart(talk.name, speaker, listener, *times_s, clip, one.piece.reason))
        for side in cut.silent:
            notes.append(
                f"{talk.name}: {side} has no sound, so it is only a listener, and where it talks "
                "is not known."
            )
    if missing := source.facts["missing"]:
        notes.append(f"Channels that the recordings do not give: {', '.join(missing)}.")
    left_out = [(one.talk, one.reason) for one in source.left_out]
    title = f"What was kept of {source.root.name}, {source.split} ({source.kind})"
    return Kept(title, parts, lengths, left_out, notes)
