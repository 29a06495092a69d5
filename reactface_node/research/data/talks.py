"""One conversation of two recordings: how they belong together, and what of it becomes clips."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from reactface_node.research.data import quality, turns
from reactface_node.research.data.quality import Piece, pieces, unusable
from reactface_node.research.data.sides import SideTrack, TalkSide
from reactface_node.schema import FRAME_RATE_HZ

DAY_S = 86400.0
LENGTHS_S = 1.0
"""Lengths of two sides may differ by so much where nothing says how they belong together."""
ONE_SOUND = "both sides have the same sound, and each needs the voice of one person"


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
        given = self.offset_s
        if given is None:
            # Clocks are of the day, and midnight may be between the two beginnings.
            apart = second.begins_s() - first.begins_s()
            given = apart - DAY_S * round(apart / DAY_S)
        return round(given * FRAME_RATE_HZ)

    def problems(self) -> Iterator[str]:
        """Lines that begin with a file's name."""
        broken = [line for side in self.sides for line in side.problems()]
        yield from broken
        if broken:
            return
        first, second = (side.length_s() for side in self.sides)
        shift_s = self.shift() / FRAME_RATE_HZ
        names = " and ".join(str(next(iter(side.files()))) for side in self.sides)
        common_s = min(first, second + shift_s) - max(0.0, shift_s)
        if common_s < quality.SHORTEST_S:
            yield (
                f"{names} have {max(0.0, common_s):.1f} s in common with an offset of "
                f"{shift_s:g} s: they last {first:.1f} s and {second:.1f} s"
            )
        elif self._is_unsaid() and abs(first - second) > LENGTHS_S:
            yield (
                f"{names} last {first:.1f} s and {second:.1f} s, and nothing says how they "
                "belong together: give their offset, or cut them"
            )

    def _is_unsaid(self) -> bool:
        return self.offset_s is None and all(side.begins_s() == 0.0 for side in self.sides)

    def warnings(self) -> Iterator[str]:
        """Lines on what can be used, but not in full; of a conversation without problems."""
        for side in self.sides:
            if not side.has_sound():
                yield (
                    f"{next(iter(side.files()))} has no sound: the person is only a listener, and "
                    "where it talks is not known"
                )


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


@dataclass(frozen=True)
class TalkCut:
    """What a conversation is cut into. stretches: all parts in which one of the two has the floor,
    kept or not, by speaker and time. begins_s: when the part that both sides have in common begins,
    on the clock of the first. seconds: its length. silent: names of sides without sound."""

    stretches: tuple[Stretch, ...]
    begins_s: float
    seconds: float
    silent: tuple[str, ...]


def in_common(
    tracks: tuple[SideTrack, SideTrack], shift: int
) -> tuple[tuple[SideTrack, SideTrack], tuple[int, int]]:
    """What both sides have in common, and the first frame of it in each. shift: ``Talk.shift``."""
    first, second = tracks
    starts = max(0, shift), max(0, -shift)
    length = max(0, min(len(first) - starts[0], len(second) - starts[1]))
    mine, theirs = (
        one.part(start, start + length) for one, start in zip(tracks, starts, strict=True)
    )
    return (mine, theirs), starts


def cut_of(
    index: int,
    names: tuple[str, str],
    both: tuple[SideTrack, SideTrack],
    shift: int,
    speakers: tuple[int, ...] = (0, 1),
) -> TalkCut:
    """Cut conversation ``index``, whose sides have these names and tracks. speakers: the indices of
    those that may be speakers."""
    tracks, starts = in_common(both, shift)
    found: list[Stretch] = []
    if len(tracks[0]) and quality.have_one_sound(tracks):
        found.append(Stretch(index, 0, Piece(0, len(tracks[0]), ONE_SOUND)))
    elif len(tracks[0]):
        reasons = _reasons(names, tracks)
        voices = turns.without_crosstalk(
            (tracks[0].voice, tracks[1].voice), (tracks[0].level_db, tracks[1].level_db)
        )
        for speaker in speakers:
            for stretch in turns.stretches(voices[speaker], voices[1 - speaker]):
                parts = sorted(pieces(stretch, reasons), key=lambda one: one.start)
                found += [Stretch(index, speaker, part) for part in parts]
    return TalkCut(
        tuple(found),
        starts[0] / FRAME_RATE_HZ,
        len(tracks[0]) / FRAME_RATE_HZ,
        tuple(name for name, one in zip(names, both, strict=True) if not bool(one.heard)),
    )


def _reasons(names: tuple[str, str], tracks: tuple[SideTrack, SideTrack]) -> np.ndarray:
    """(t,) text: why a frame cannot be used; '' where it can."""
    reasons = unusable(tracks[0], names[0])
    reasons = np.where(reasons == "", unusable(tracks[1], names[1]), reasons)
    if reason := quality.exchanged(tracks):
        reasons[:] = reason
    return reasons
