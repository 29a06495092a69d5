"""How far two finders agree, and how still they are: arrays in, numbers out."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from reactface_node.schema import COEFFICIENT_NAMES, EXPRESSION, ROTATION, stem_of


def _channels() -> dict[str, tuple[int, ...]]:
    found: dict[str, tuple[int, ...]] = {}
    for index, name in enumerate(COEFFICIENT_NAMES):
        key = stem_of(name)
        found[key] = (*found.get(key, ()), index)
    return found


CHANNELS: Mapping[str, tuple[int, ...]] = _channels()
"""Channel name -> indices of the coefficients; a pair of sides is one channel, their mean."""
SMILE, FROWN, JAW = "mouthSmile", "mouthFrown", "jawOpen"
STILL_S = 1.0
CHANGE_S = 0.4
FEWEST = 3


def channel_values(coefficients: np.ndarray, channel: str) -> np.ndarray:
    """(n, 58) -> (n,), the mean of both sides where the channel has two."""
    result: np.ndarray = coefficients[:, CHANNELS[channel]].astype(float).mean(axis=1)
    return result


def is_given(given: np.ndarray, channel: str) -> bool:
    """Whether a finder with the channels (58,) bool gives all of this one."""
    return bool(given[list(CHANNELS[channel])].all())


@dataclass(frozen=True)
class Agreement:
    """n values of two finders at the same times.

    correlation: Pearson's r. slope: of the least-squares line of the second on the first.
    difference: mean of the second less the first. None where too few, or where one is constant.
    """

    n: int
    correlation: float | None
    slope: float | None
    difference: float | None


def agree(first: np.ndarray, second: np.ndarray) -> Agreement:
    """(n,) and (n,) values; pairs with a NaN are left out."""
    known = np.isfinite(first) & np.isfinite(second)
    a, b = first[known].astype(float), second[known].astype(float)
    n = len(a)
    if not n:
        return Agreement(0, None, None, None)
    difference = float((b - a).mean())
    if n < FEWEST:
        return Agreement(n, None, None, difference)
    a, b = a - a.mean(), b - b.mean()
    across, of_a, of_b = float((a * b).mean()), float((a * a).mean()), float((b * b).mean())
    tiny = 1e-12
    correlation = across / np.sqrt(of_a * of_b) if min(of_a, of_b) > tiny else None
    slope = across / of_a if of_a > tiny else None
    return Agreement(n, None if correlation is None else float(correlation), slope, difference)


def changes(times_s: np.ndarray, values: np.ndarray) -> np.ndarray:
    """(n,) times and values -> (m,) changes over about 0.4 s, NaN where an end is NaN.

    A nod is such a change, while a neutral pose that is still being learned changes more slowly.
    """
    if len(times_s) < 2:
        return np.zeros(0)
    step = max(1, round(CHANGE_S / max(float(np.median(np.diff(times_s))), 1e-3)))
    result: np.ndarray = values[step:] - values[:-step]
    return result


def unwrapped(angles: np.ndarray) -> np.ndarray:
    """(n,) radians without leaps of a whole turn; NaN stays NaN."""
    result = angles.astype(float).copy()
    known = np.isfinite(result)
    result[known] = np.unwrap(result[known])
    return result


def stillest_second(
    times_s: np.ndarray, found: np.ndarray, coefficients: np.ndarray
) -> float | None:
    """The middle of the second with a face in every image in which the face moves least.

    times_s (n,), found (n,) bool, coefficients (n, 58). Movement is the sum of the standard
    deviations of the expression and the rotation. None where no second has a face throughout.
    """
    moving = np.concatenate([coefficients[:, EXPRESSION], coefficients[:, ROTATION]], axis=1)
    best, best_s = np.inf, None
    for start, start_s in enumerate(times_s):
        end = int(np.searchsorted(times_s, start_s + STILL_S, side="left"))
        if end >= len(times_s) or end - start < FEWEST:
            break
        if not found[start:end].all():
            continue
        movement = float(moving[start:end].std(axis=0).sum())
        if movement < best:
            best, best_s = movement, float(times_s[(start + end) // 2])
    return best_s


def lost_count(found: np.ndarray) -> int:
    """How often the face was there in one image (n,) and not in the next."""
    return int((found[:-1] & ~found[1:]).sum())


def matched(expected_s: tuple[float, ...], seen_s: np.ndarray, within_s: float) -> int:
    """How many expected moments have one of the seen ones (m,) for themselves, nearest first."""
    pairs = sorted(
        (abs(one - other), k, m)
        for k, one in enumerate(expected_s)
        for m, other in enumerate(seen_s.tolist())
        if abs(one - other) <= within_s
    )
    used_expected: set[int] = set()
    used_seen: set[int] = set()
    for _, k, m in pairs:
        if k not in used_expected and m not in used_seen:
            used_expected.add(k)
            used_seen.add(m)
    return len(used_expected)
