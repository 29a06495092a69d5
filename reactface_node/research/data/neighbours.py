"""Appropriate reactions for data without labels: those to similar speaker behaviour.

Song et al., "Multiple appropriate facial reaction generation in dyadic interaction settings: what,
why and how?" (arXiv:2302.06514, the paper's [10]): a listener's real reaction to one speaker is
also appropriate for another speaker who behaves similarly enough. REACT 2023's matrices are such a
similarity with a threshold, but the details of its computation are not published. So the distance
here is our own. It compares behaviour at equal times, without time warping, because a reaction
answers what the speaker does at that moment.

The work grows with the square of the clips that are compared, so each clip is compared with those
of its own block of ``BLOCK`` consecutive clips, and at most ``MOST`` neighbours are kept.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from reactface_node.media.audio import integers_to_float
from reactface_node.research.data.clips import Clips, RowLists, Rows
from reactface_node.schema import EXPRESSION, FRAME_RATE_HZ, ROTATION, SAMPLES_PER_FRAME

BIN_S = 1.0
"""Behaviour is compared in bins of this length, so that small delays do not count."""
OVERLAP = 0.9
"""A reaction must last at least this share of a clip to be appropriate for it."""
SILENCE_DB = -60.0
STILL = 1e-4
"""A channel with a smaller deviation over the data set is left out."""
BLOCK, MOST, ROWS = 4096, 256, 256
"""Clips that are compared with each other; neighbours of a clip that are kept, itself among them;
clips whose distances are in memory at the same time."""
GROUPS = (slice(0, 52), slice(52, 55), slice(55, 56))
"""Of the features of a bin: expression, head rotation, loudness in dB. They weigh the same."""
FEATURES = 56


@dataclass(frozen=True)
class Nearest:
    """The neighbours of N clips, the clip itself first, then by distance.

    clips: (N, K) int32, -1 where there are less than K. distances: (N, K) float64, in the units of
    ``distances``; arrays may be memory-mapped.
    """

    clips: np.ndarray
    distances: np.ndarray

    def within(self, index: int, most: float) -> np.ndarray:
        """The clip itself, and its neighbours that are not farther away."""
        near = self.distances[index] <= most
        near[0] = True
        return np.asarray(self.clips[index][near])


def with_neighbours(clips: Clips, max_distance: float, nearest: Nearest | None = None) -> Clips:
    """The clips, each one's own reactions first, then those of its neighbours, nearest first.

    max_distance: in units of ``distances``. nearest: of these clips, where a conversion has
    computed them. ValueError if reactions are labelled already.
    """
    own = clips.appropriate
    if nearest is None:
        rows = [np.asarray(one) for one in own]
        if len(np.unique(np.concatenate(rows))) != sum(map(len, rows)):
            raise ValueError("these clips share reactions already: they are labelled")
        nearest = nearest_of(np.stack(list(_behaviour(clips))), clips.frames)
    found = nearest

    def of(index: int) -> np.ndarray:
        return np.concatenate([own[int(one)] for one in found.within(index, max_distance)])

    return replace(clips, appropriate=RowLists(len(clips), of))


def nearest_of(behaviour: Rows, frames: np.ndarray) -> Nearest:
    """The neighbours of N clips. behaviour: (N, B, 56) as ``behaviour_of``, an array or
    ``ShardedRows``, which is read block by block. frames: (N,)."""
    count = len(frames)
    kept = min(MOST, BLOCK, count)
    clips = np.full((count, kept), -1, np.int32)
    apart = np.full((count, kept), np.inf)
    for start in range(0, count, BLOCK):
        block = slice(start, min(start + BLOCK, count))
        features, present = _scaled(np.asarray(behaviour[block]), frames[block])
        for rows, found in _distances(features, present):
            found[np.arange(len(found)), np.arange(rows.start, rows.stop)] = -1.0
            order = np.argsort(found, axis=1, kind="stable")[:, :kept]
            near = np.take_along_axis(found, order, axis=1)
            here = slice(start + rows.start, start + rows.stop)
            clips[here, : order.shape[1]] = np.where(np.isinf(near), -1, start + order)
            apart[here, : order.shape[1]] = np.where(near < 0.0, 0.0, near)
    return Nearest(clips, apart)


def distances(clips: Clips) -> np.ndarray:
    """(N, N) float64: root mean square difference of two speakers' behaviour, second by second.

    Behaviour is three groups of equal weight: expression, head rotation and loudness (dB), each
    channel in its own deviations over the data set, so that two unrelated clips are about sqrt(2) =
    1.41 apart and a clip is 0 from itself. Seconds that only one of the two has do not count; if
    the shorter covers less than 90 % of the longer, the distance is infinite.
    """
    scaled = _scaled(np.stack(list(_behaviour(clips))), clips.frames)
    result: np.ndarray = np.concatenate([found for _, found in _distances(*scaled)])
    return result


def behaviour_of(speaker: np.ndarray, audio: np.ndarray, bins: int) -> np.ndarray:
    """(B, 56) float64 of a speaker (t, 58) and the voice (t * 640,) int16: the means of each
    second, 0 after the clip's end; a clip shorter than a second has its mean in the first."""
    step = _step()
    face = np.asarray(speaker, np.float64)
    loud = _loudness(audio, len(face), bins, step)
    parts = [_binned(face[:, part], bins, step) for part in (EXPRESSION, ROTATION)]
    return np.concatenate([*parts, loud], axis=1)


def bins_of(frames: int) -> int:
    """B of clips of at most so many frames."""
    return max(1, frames // _step())


def _step() -> int:
    return round(BIN_S * FRAME_RATE_HZ)


def _behaviour(clips: Clips) -> Iterator[np.ndarray]:
    bins = bins_of(clips.speaker.shape[1])
    for face, audio, frames in zip(clips.speaker, clips.audio, clips.frames, strict=True):
        yield behaviour_of(face[:frames], audio, bins)


def _scaled(behaviour: np.ndarray, frames: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(N, B, F) standardised features, and (N, B) bool: before a clip's end.

    Scaled so that a second's squared difference is the mean over groups of the mean over
    channels.
    """
    bins = behaviour.shape[1]
    present = np.arange(bins) < np.maximum(1, frames // _step())[:, None]
    scaled = [_standardised(behaviour[..., group], present) for group in GROUPS]
    moving = [group for group in scaled if group.shape[2]]
    if not moving:
        return np.zeros((len(behaviour), bins, 1)), present
    weighted = [group / np.sqrt(group.shape[2] * len(moving)) for group in moving]
    return np.concatenate(weighted, axis=2), present


def _distances(features: np.ndarray, present: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
    """Some clips, and their distances to all, (n, N)."""
    bins = present.sum(axis=1)
    flat = features.reshape(len(features), -1)
    mask = present.astype(np.float64)
    power = (features**2).sum(axis=2)
    for start in range(0, len(features), ROWS):
        rows = slice(start, min(start + ROWS, len(features)))
        common = mask[rows] @ mask.T
        total = power[rows] @ mask.T + mask[rows] @ power.T - 2 * flat[rows] @ flat.T
        share = common / np.maximum(bins[rows, None], bins)
        apart = np.sqrt(np.maximum(total, 0.0) / np.maximum(common, 1.0))
        apart[share < OVERLAP] = np.inf
        apart[np.arange(len(apart)), np.arange(start, rows.stop)] = 0.0
        yield rows, apart


def _binned(values: np.ndarray, bins: int, step: int) -> np.ndarray:
    """(t, C) -> (bins, C) means; a clip shorter than one bin has its mean in the first."""
    whole = max(1, min(bins, len(values) // step))
    used = values[: whole * step]
    found = np.zeros((bins, values.shape[1]))
    found[:whole] = used.reshape(whole, -1, values.shape[1]).mean(axis=1)
    return found


def _loudness(audio: np.ndarray, frames: int, bins: int, step: int) -> np.ndarray:
    """(bins, 1) dB of full scale, no less than SILENCE_DB."""
    heard = integers_to_float(audio[: frames * SAMPLES_PER_FRAME]).astype(np.float64)
    power = _binned((heard**2)[:, None], bins, step * SAMPLES_PER_FRAME)
    result: np.ndarray = np.maximum(10 * np.log10(np.maximum(power, 1e-12)), SILENCE_DB)
    return result


def _standardised(values: np.ndarray, present: np.ndarray) -> np.ndarray:
    """(N, B, C) standardised over all present values, without channels that do not move."""
    seen = values[present]
    deviation = seen.std(axis=0)
    moving = deviation > STILL
    scaled = (values[..., moving] - seen.mean(axis=0)[moving]) / deviation[moving]
    result: np.ndarray = scaled * present[..., None]
    return result
