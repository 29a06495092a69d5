"""Appropriate reactions for data without labels: those to similar speaker behaviour.

Song et al., "Multiple appropriate facial reaction generation in dyadic interaction settings: what,
why and how?" (arXiv:2302.06514, the paper's [10]): a listener's real reaction to one speaker is
also appropriate for another speaker who behaves similarly enough. REACT 2023's matrices are such a
similarity with a threshold, but the details of its computation are not published. So the distance
here is our own. It compares behaviour at equal times, without time warping, because a reaction
answers what the speaker does at that moment.
"""

from dataclasses import replace

import numpy as np

from reactface_node.media.audio import integers_to_float
from reactface_node.research.data.clips import Clips
from reactface_node.schema import EXPRESSION, FRAME_RATE_HZ, ROTATION, SAMPLES_PER_FRAME

BIN_S = 1.0
"""Behaviour is compared in bins of this length, so that small delays do not count."""
OVERLAP = 0.9
"""A reaction must last at least this share of a clip to be appropriate for it."""
SILENCE_DB = -60.0
STILL = 1e-4
"""A channel with a smaller deviation over the data set is left out."""


def with_neighbours(clips: Clips, max_distance: float) -> Clips:
    """The clips, each one's own reactions first, then those of its neighbours, nearest first.

    max_distance: in units of ``distances``. ValueError if reactions are labelled already.
    """
    own = [np.asarray(rows) for rows in clips.appropriate]
    if len(np.unique(np.concatenate(own))) != sum(map(len, own)):
        raise ValueError("these clips share reactions already: they are labelled")
    apart = distances(clips)
    np.fill_diagonal(apart, -1.0)
    found = []
    for row in apart:
        near = np.argsort(row, kind="stable")[: int((row <= max_distance).sum())]
        found.append(np.concatenate([own[index] for index in near]))
    return replace(clips, appropriate=tuple(found))


def distances(clips: Clips) -> np.ndarray:
    """(N, N) float64: root mean square difference of two speakers' behaviour, second by second.

    Behaviour is three groups of equal weight: expression, head rotation and loudness (dB), each
    channel in its own deviations over the data set, so that two unrelated clips are about sqrt(2) =
    1.41 apart and a clip is 0 from itself. Seconds that only one of the two has do not count; if
    the shorter covers less than 90 % of the longer, the distance is infinite.
    """
    features, present = _behaviour(clips)
    bins = present.sum(axis=1)
    flat = features.reshape(len(features), -1)
    mask = present.astype(np.float64)
    power = (features**2).sum(axis=2)
    common = mask @ mask.T
    total = power @ mask.T + mask @ power.T - 2 * flat @ flat.T
    share = common / np.maximum(bins[:, None], bins[None, :])
    apart = np.sqrt(np.maximum(total, 0.0) / np.maximum(common, 1.0))
    apart[share < OVERLAP] = np.inf
    np.fill_diagonal(apart, 0.0)
    result: np.ndarray = apart
    return result


def _behaviour(clips: Clips) -> tuple[np.ndarray, np.ndarray]:
    """(N, B, F) float64 features per second, 0 after a clip's end, and (N, B) bool: before its end.

    Scaled so that a second's squared difference is the mean over groups of the mean over
    channels.
    """
    step = round(BIN_S * FRAME_RATE_HZ)
    bins = max(1, clips.speaker.shape[1] // step)
    present = np.arange(bins) < np.maximum(1, clips.frames // step)[:, None]
    groups = [
        np.stack(
            [
                _binned(_ended(face[:, part], n), bins, step)
                for face, n in zip(clips.speaker, clips.frames, strict=True)
            ]
        )
        for part in (EXPRESSION, ROTATION)
    ]
    loud = [
        _loudness(audio, n, bins, step) for audio, n in zip(clips.audio, clips.frames, strict=True)
    ]
    scaled = [_standardised(group, present) for group in (*groups, np.stack(loud))]
    moving = [group for group in scaled if group.shape[2]]
    if not moving:
        return np.zeros((len(clips), bins, 1)), present
    weighted = [group / np.sqrt(group.shape[2] * len(moving)) for group in moving]
    return np.concatenate(weighted, axis=2), present


def _ended(values: np.ndarray, frames: int) -> np.ndarray:
    return np.asarray(values[:frames], np.float64)


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
