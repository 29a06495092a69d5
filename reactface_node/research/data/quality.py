"""Which parts of a conversation become clips, and why the others do not.

A stretch is cut where one of the two faces is not usable for longer than GAP_S; shorter gaps are
interpolated. What remains is a clip if it lasts SHORTEST_S, and is divided if it lasts longer than
CLIP_S.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from reactface_node.research.data.exchanged import fit_exchanged, fit_of
from reactface_node.research.data.sides import DOUBTS, SideTrack
from reactface_node.research.data.turns import runs
from reactface_node.schema import FRAME_RATE_HZ, NUM_COEFFICIENTS, ROTATION, index_of

CLIP_S, SHORTEST_S = 30.0, 4.0
"""As for ``bags``."""
GAP_S = 0.4
LEAST_TRUST, TRUST_S = 0.6, 1.0
"""A face is unreliable where the mean of ``SideTrack.trust`` over TRUST_S is lower."""
FLAT_S, FLAT = 10.0, 1e-6
"""A face whose values do not change at all for so long is a frozen picture or a filled gap."""
JAW = index_of("jawOpen")
SAME = 0.97
"""Correlation of the loudness of two sides, frame by frame, that have the same sound."""


@dataclass(frozen=True)
class Piece:
    """Frames ``start`` to ``end`` of a conversation; reason: '' for a clip, else why it is none."""

    start: int
    end: int
    reason: str = ""

    @property
    def seconds(self) -> float:
        return (self.end - self.start) / FRAME_RATE_HZ


def pieces(stretch: tuple[int, int], reasons: np.ndarray) -> Iterator[Piece]:
    """The clips of a stretch and the parts between them. reasons: (t,) text of each frame of the
    conversation, '' where both faces are usable (``unusable``)."""
    first, last = stretch
    good = reasons[first:last] == ""
    for start, end in runs(good):
        yield from _clips(first + start, first + end)
    for start, end in runs(~good):
        words, counts = np.unique(reasons[first + start : first + end], return_counts=True)
        known = counts * (words != "")
        yield Piece(first + start, first + end, str(words[known.argmax()]))


def _clips(start: int, end: int) -> Iterator[Piece]:
    length = end - start
    if length < round(SHORTEST_S * FRAME_RATE_HZ):
        yield Piece(start, end, f"shorter than {SHORTEST_S:g} s")
        return
    parts = -(-length // round(CLIP_S * FRAME_RATE_HZ))
    ends = np.linspace(start, end, parts + 1).round().astype(int).tolist()
    for begin, stop in pairwise(ends):
        yield Piece(begin, stop)


def unusable(track: SideTrack, who: str) -> np.ndarray:
    """(t,) text: why a frame of a side cannot be used; '' where it can. who: the side's name."""
    found = np.full(len(track), "", object)
    low = _smoothed(np.where(track.seen, track.trust, np.nan), TRUST_S) < LEAST_TRUST
    for doubt, word in enumerate(DOUBTS):
        at = low & track.seen & (track.doubt == doubt)
        found[at] = f"{who}: {word or 'unreliable'}"
    for start, end in runs(_flat(track.face) & track.seen):
        found[start:end] = f"{who}: the face does not move at all"
    people = track.person[track.seen]
    if len(people):
        main = np.bincount(people).argmax()
        found[track.seen & (track.person != main)] = f"{who}: another person"
    for start, end in runs(~track.seen):
        if end - start > round(GAP_S * FRAME_RATE_HZ):
            found[start:end] = f"{who}: no face"
    return found


def _flat(face: np.ndarray) -> np.ndarray:
    """(t,) bool: frames inside a run of at least FLAT_S without any change."""
    still = np.zeros(len(face), bool)
    still[1:] = np.abs(np.diff(face, axis=0)).max(axis=1, initial=0.0) <= FLAT
    found = np.zeros(len(face), bool)
    for start, end in runs(still):
        found[start:end] = end - start >= round(FLAT_S * FRAME_RATE_HZ)
    return found


def filled(track: SideTrack, piece: Piece) -> np.ndarray:
    """(n, 58) the face of a piece; frames without a face are interpolated from those around them,
    also from outside the piece."""
    face = track.face[piece.start : piece.end].copy()
    at = np.flatnonzero(track.seen)
    gaps = np.flatnonzero(~track.seen[piece.start : piece.end])
    for channel in range(NUM_COEFFICIENTS) if len(gaps) and len(at) else ():
        values = track.face[at, channel]
        face[gaps, channel] = np.interp(gaps + piece.start, at, values)
    return face


def centred(face: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """The face (t, 58) with the head turned so that its usual direction, the median of the frames
    that are seen, is 0; for sources that give directions relative to a camera."""
    if not seen.any():
        return face
    moved = face.copy()
    moved[:, ROTATION] -= np.median(face[seen, ROTATION], axis=0)
    moved[~seen] = 0.0
    return moved


def exchanged(tracks: tuple[SideTrack, SideTrack]) -> str:
    """A reason if each voice fits the other side's jaw clearly better than its own; '' if not, or
    if it cannot be told."""
    seen = tracks[0].seen & tracks[1].seen
    fit = fit_of([one.level_db[seen] for one in tracks], [one.face[seen, JAW] for one in tracks])
    if not fit_exchanged(fit):
        return ""
    return (
        f"the sides' sounds are exchanged (r with the other's jaw {fit[0, 1]:.2f} and "
        f"{fit[1, 0]:.2f}, with its own {fit[0, 0]:.2f} and {fit[1, 1]:.2f})"
    )


def have_one_sound(tracks: tuple[SideTrack, SideTrack]) -> bool:
    """Whether both sides have the same sound, such as the mixture of a call: who talks is not
    known then."""
    first, second = (one.level_db for one in tracks)
    varied = all(bool(one.heard) and np.ptp(one.level_db) > 0 for one in tracks)
    return bool(varied and np.corrcoef(first, second)[0, 1] > SAME)


def _smoothed(values: np.ndarray, seconds: float) -> np.ndarray:
    """(t,) running mean over frames that are not NaN; NaN where none is."""
    width = round(seconds * FRAME_RATE_HZ) | 1
    known = ~np.isnan(values)
    total = np.convolve(np.where(known, values, 0.0), np.ones(width), "same")
    count = np.convolve(known.astype(float), np.ones(width), "same")
    if len(values) < width:  # "same" has the length of the longer one
        surplus = (len(total) - len(values)) // 2
        total, count = (one[surplus : surplus + len(values)] for one in (total, count))
    result: np.ndarray = np.where(count > 0, total / np.maximum(count, 1.0), np.nan)
    return result
