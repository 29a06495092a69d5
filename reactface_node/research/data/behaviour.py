"""Events in a listener's face and gaze, by the definitions with which people were counted.

Every function takes one face (T, 58) or one course (T,) at 25 Hz. Thresholds: a smile or a laugh is
visible to an annotator who looks at the whole face; below them are resting faces and noise.
"""

from collections.abc import Sequence

import numpy as np

from reactface_node.research.data.labels import Interval
from reactface_node.research.data.turns import runs
from reactface_node.schema import FRAME_RATE_HZ, ROTATION, indices_of

EYE_DEG = 35.0
"""Angle of an eye at weight 1 of eyeLook, as in Live Link Face's frames."""
AWAY_DEG = 6.0
"""The eyes are off the speaker beyond this angle from their median, where the speaker is; small
saccades between eyes and mouth stay below it."""
SHORTEST_GLANCE_S, SHORTEST_LOOK_S = 0.12, 0.12
SMILE, SMILE_ENDS = 0.2, 0.15
LAUGH, LAUGH_JAW = 0.4, 0.08
TILT_RAD = np.radians(5.0)
PRESSED = 0.12
SHORTEST_S = 0.4
"""Shortest smile, laugh, tilt or thinking face."""
BLINK, LONG_BLINK_S = 0.4, 0.4
SMILES, CHEEKS, SQUINTS = (indices_of(stem) for stem in ("mouthSmile", "cheekSquint", "eyeSquint"))
LIDS, DOWN = indices_of("eyeBlink"), indices_of("eyeLookDown")
JAW, PRESS = indices_of("jawOpen"), indices_of("mouthPress")


def intervals(flags: np.ndarray, shortest_s: float = 0.0, gap_s: float = 0.0) -> list[Interval]:
    """(from, to) in seconds of each run of True in (T,) bool; first gaps shorter than ``gap_s`` are
    closed, then runs shorter than ``shortest_s`` are left out."""
    filled = flags.copy()
    for first, end in runs(~flags):
        if first > 0 and end < len(flags) and (end - first) / FRAME_RATE_HZ < gap_s - 1e-9:
            filled[first:end] = True
    found = [(first / FRAME_RATE_HZ, end / FRAME_RATE_HZ) for first, end in runs(filled)]
    return [one for one in found if one[1] - one[0] >= shortest_s - 1e-9]


def mean_of(face: np.ndarray, channels: Sequence[int]) -> np.ndarray:
    """(T,) the mean of channels of (T, 58)."""
    mean: np.ndarray = face[:, list(channels)].astype(np.float64).mean(axis=1)
    return mean


def smiles(face: np.ndarray) -> list[Interval]:
    """A smile begins above 0.2 and ends below 0.15."""
    course = mean_of(face, SMILES)
    above = course > SMILE
    return [
        one
        for one in intervals(course > SMILE_ENDS, SHORTEST_S)
        if above[round(one[0] * FRAME_RATE_HZ) : round(one[1] * FRAME_RATE_HZ)].any()
    ]


def laughs(face: np.ndarray) -> list[Interval]:
    """A laugh is a broad smile with an open mouth."""
    open_mouth = mean_of(face, JAW) > LAUGH_JAW
    return intervals((mean_of(face, SMILES) > LAUGH) & open_mouth, SHORTEST_S, SHORTEST_S)


def tilts(face: np.ndarray) -> list[Interval]:
    """The head is inclined to a side from its median by 5 degrees and more."""
    roll = face[:, ROTATION.start + 2].astype(np.float64)
    return intervals(np.abs(roll - np.median(roll)) >= TILT_RAD, SHORTEST_S)


def eyes_deg(face: np.ndarray) -> np.ndarray:
    """(T, 2) degrees by which the eyes look to the subject's left, and up, in the head."""
    left = mean_of(face, indices_of("eyeLookOutLeft", "eyeLookInRight"))
    right = mean_of(face, indices_of("eyeLookInLeft", "eyeLookOutRight"))
    up, down = mean_of(face, indices_of("eyeLookUp")), mean_of(face, DOWN)
    eyes: np.ndarray = EYE_DEG * np.stack([left - right, up - down], axis=1)
    return eyes


def gaze_deg(face: np.ndarray) -> np.ndarray:
    """(T, 2) degrees by which head and eyes look to the subject's left, and up."""
    head = np.degrees(face[:, ROTATION].astype(np.float64))
    looks: np.ndarray = eyes_deg(face) + np.stack([head[:, 1], -head[:, 0]], axis=1)
    return looks


def looks_away(face: np.ndarray) -> np.ndarray:
    """(T,) bool: the eyes are off the speaker, without glances that are too short to be seen.
    Lids that close hide the eyes, which a blink lowers: a blink, with the frames beside it, is part
    of a glance if it has a glance before and after."""
    eyes = eyes_deg(face)
    off = np.linalg.norm(eyes - np.median(eyes, axis=0), axis=1) > AWAY_DEG
    for closed, opened in runs(mean_of(face, LIDS) >= BLINK):
        first, end = max(closed - 1, 0), min(opened + 1, len(off))
        off[first:end] = first > 0 and end < len(off) and off[first - 1] and off[end]
    away = np.zeros(len(face), bool)
    for start_s, end_s in intervals(off, SHORTEST_GLANCE_S, SHORTEST_LOOK_S):
        away[round(start_s * FRAME_RATE_HZ) : round(end_s * FRAME_RATE_HZ)] = True
    return away


def thinking(face: np.ndarray) -> list[Interval]:
    """The eyes are off the speaker and the mouth is pressed."""
    press = mean_of(face, PRESS)
    pressed = press - np.quantile(press, 0.1) > PRESSED
    return intervals(looks_away(face) & pressed, SHORTEST_S, SHORTEST_S)


def blinks(face: np.ndarray) -> list[Interval]:
    """Each blink at half its height."""
    from scipy.signal import find_peaks  # takes a second, which converting a data set saves

    lids = np.pad(mean_of(face, LIDS), 1, mode="edge")
    _, facts = find_peaks(lids, prominence=BLINK, width=0, rel_height=0.5)
    starts, ends = (facts[name] - 1 for name in ("left_ips", "right_ips"))
    return [
        (float(start) / FRAME_RATE_HZ, float(end) / FRAME_RATE_HZ)
        for start, end in zip(starts, ends, strict=True)
    ]


def in_tens(found: Sequence[Interval], seconds: float, part_s: float = 10.0) -> tuple[int, int]:
    """(parts with one of the intervals in them, parts): of all whole parts of 10 s."""
    parts = int(seconds / part_s + 1e-9)
    hits = [
        any(start < (part + 1) * part_s and end > part * part_s for start, end in found)
        for part in range(parts)
    ]
    return sum(hits), parts


def censored_quantiles(
    lengths: Sequence[float], censored: Sequence[float], levels: Sequence[float]
) -> list[float]:
    """Quantiles of lengths of which some are only known to be longer (Kaplan and Meier 1958).

    censored: the least lengths of those. A quantile that the data do not reach is the longest
    length; NaN without any length.
    """
    if not len(lengths):
        return [float("nan")] * len(levels)
    times = np.concatenate([lengths, censored])
    ended = np.concatenate([np.ones(len(lengths), bool), np.zeros(len(censored), bool)])
    # Of equal times, those that ended come first.
    order = np.lexsort([~ended, times])
    left = len(times) - np.arange(len(times))
    lasting = np.cumprod(np.where(ended[order], 1.0 - 1.0 / left, 1.0))
    longest = float(times.max())
    found = []
    for level in levels:
        at = np.flatnonzero(lasting <= 1.0 - level + 1e-9)
        found.append(float(times[order][at[0]]) if len(at) else longest)
    return found


def correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Pearson's r of two courses (T,); NaN if one of them is constant."""
    if len(one) < 2 or np.ptp(one) < 1e-9 or np.ptp(other) < 1e-9:
        return float("nan")
    return float(np.corrcoef(one, other)[0, 1])
