"""What a finder calls the labelled parts of clips: arrays in, numbers out."""

from dataclasses import dataclass

import numpy as np

from reactface_node.research.data.labels import Interval
from reactface_node.schema import KINDS

CALLED = 0.3
"""A channel over this is called a smile, a frown or an open jaw."""
SLIGHT = 0.2
"""Of a face in distress not even this much may be a smile."""


def frame_lengths(times_s: np.ndarray) -> np.ndarray:
    """How long each image (n,) is shown: until the next one; the last one as the median."""
    if len(times_s) < 2:
        return np.zeros(len(times_s))
    lengths = np.diff(times_s)
    return np.append(lengths, np.median(lengths))


def overlaps(times_s: np.ndarray, intervals: tuple[Interval, ...]) -> np.ndarray:
    """Seconds of each image (n,) that lie in the intervals."""
    lengths = frame_lengths(times_s)
    ends_s = times_s + lengths
    inside = np.zeros(len(times_s))
    for start_s, end_s in intervals:
        inside += np.maximum(np.minimum(ends_s, end_s) - np.maximum(times_s, start_s), 0.0)
    # Intervals of different kinds may overlap: no time counts twice.
    result: np.ndarray = np.minimum(inside, lengths)
    return result


@dataclass(frozen=True)
class KindShares:
    """What one finder makes of all intervals of a kind, shares of their time.

    seconds: their time. found: with a face. smile, frown, jaw: with that channel over 0.3.
    slight_smile: over 0.2. highest_smile: the highest value. Without a face nothing is called.
    told: the one of ``schema.KINDS`` that is the most probable one for the largest share of the
    time, told_share; empty without a face.
    """

    kind: str
    finder: str
    seconds: float
    found: float
    smile: float
    slight_smile: float
    highest_smile: float
    frown: float
    jaw: float
    told: str
    told_share: float


def kind_shares(
    kind: str,
    finder: str,
    seconds: np.ndarray,
    found: np.ndarray,
    smile: np.ndarray,
    frown: np.ndarray,
    jaw: np.ndarray,
    kinds: np.ndarray,
) -> KindShares | None:
    """seconds: (n,) of each image in the intervals; found: (n,) bool; smile, frown, jaw: (n,)
    values; kinds: (n, 9) probabilities. None where no image lies in the intervals."""
    total = float(seconds.sum())
    if total <= 0:
        return None

    def share(called: np.ndarray) -> float:
        return float(seconds[called & found].sum()) / total

    counted = found & (seconds > 0)
    best = [share(kinds.argmax(axis=1) == index) for index in range(len(KINDS))]
    return KindShares(
        kind=kind,
        finder=finder,
        seconds=total,
        found=share(found),
        smile=share(smile > CALLED),
        slight_smile=share(smile > SLIGHT),
        highest_smile=float(smile[counted].max(initial=0.0)),
        frown=share(frown > CALLED),
        jaw=share(jaw > CALLED),
        told=KINDS[int(np.argmax(best))] if max(best) > 0 else "",
        told_share=max(best),
    )


@dataclass(frozen=True)
class LabelledSmile:
    """One labelled smile as one finder sees it.

    onset_s: from its labelled start to the first smile over 0.3, 0 where it smiles already, None
    where it never does. share: of its time over 0.3. mean: mean value over its time.
    """

    clip: str
    finder: str
    start_s: float
    end_s: float
    onset_s: float | None
    share: float
    mean: float


def labelled_smile(
    clip: str,
    finder: str,
    interval: Interval,
    times_s: np.ndarray,
    found: np.ndarray,
    smile: np.ndarray,
) -> LabelledSmile | None:
    """times_s, found, smile: (n,) of the clip; None where no image lies in the interval."""
    start_s, end_s = interval
    seconds = overlaps(times_s, (interval,))
    total = float(seconds.sum())
    if total <= 0:
        return None
    called = found & (smile > CALLED) & (seconds > 0)
    first = np.flatnonzero(called)
    onset_s = max(float(times_s[first[0]]) - start_s, 0.0) if len(first) else None
    return LabelledSmile(
        clip=clip,
        finder=finder,
        start_s=start_s,
        end_s=end_s,
        onset_s=onset_s,
        share=float(seconds[called].sum()) / total,
        mean=float((seconds * np.where(found, smile, 0.0)).sum()) / total,
    )
