"""Stamps of a file's frames that increase, though the file's own may not."""

from collections.abc import Generator, Iterator
from typing import Any

import numpy as np

LEAP_S = 1.0
"""Larger differences of stamps are no jitter."""
MOST_S = 1e9
"""No recording lasts 30 years: a stamp beyond is damaged, and counts as missing."""


def increasing(
    frames: Iterator[tuple[Any, float | None, float]],
) -> Generator[tuple[float, Any], None, None]:
    """(frame, its own stamp, its length) -> (stamp, frame), stamps increasing.

    A missing stamp, or a single one far from its neighbours', is replaced. Where stamps start
    again, as in concatenated files, they continue from the last one.
    """
    offset, end_s, last_s = 0.0, None, -np.inf
    for (frame, own_s, length_s), next_s in _with_next(frames):
        if end_s is None:
            is_first_wrong = own_s is None or (next_s is not None and own_s - next_s > LEAP_S)
            end_s = (next_s or 0.0) - length_s if is_first_wrong else own_s
            own_s = None if is_first_wrong else own_s
        assert end_s is not None
        time_s = end_s if own_s is None else own_s + offset
        following_s = None if next_s is None else next_s + offset
        if following_s is not None and abs(time_s - end_s) > LEAP_S >= abs(
            following_s - length_s - end_s
        ):
            time_s = end_s
        elif time_s <= last_s:
            if following_s is not None and following_s > last_s:
                time_s = (last_s + following_s) / 2
            else:
                begins_anew = own_s is not None and (next_s is None or next_s > own_s)
                offset += end_s - time_s if begins_anew else 0.0
                time_s = end_s
        yield time_s, frame
        last_s, end_s = time_s, time_s + length_s


def _with_next(
    frames: Iterator[tuple[Any, float | None, float]],
) -> Iterator[tuple[tuple[Any, float | None, float], float | None]]:
    """Each item with the stamp of the next one."""
    held = None
    for frame, own_s, length_s in frames:
        entry = frame, own_s if own_s is not None and abs(own_s) < MOST_S else None, length_s
        if held is not None:
            yield held, entry[1]
        held = entry
    if held is not None:
        yield held, None
