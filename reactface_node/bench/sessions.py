"""Several sessions at once: one set of weights, one thread, each with its own speaker."""

import time
from collections.abc import Callable, Sequence
from typing import Any

from tqdm import tqdm

from reactface_node.bench.clock import spread, taken_s
from reactface_node.bench.drive import Drive
from reactface_node.bench.machine import resident_mb
from reactface_node.schema import FRAME_RATE_HZ

WINDOWS = 60


def sessions(start: Callable[[], Drive], count: int, window: int) -> dict[str, Any]:
    """``count`` sessions, each so many windows; the real-time factor of all of them together says
    how many of them the machine can serve."""
    windows, before_mb = WINDOWS, resident_mb()
    drives = [start() for _ in range(count)]
    for drive in drives:
        drive.window()
    seconds = count * windows * window / FRAME_RATE_HZ
    began, taken = time.perf_counter(), []
    for _ in tqdm(range(windows), "sessions", unit="window", delay=1.0, leave=False):
        taken += round_robin(drives)
    wall_s = time.perf_counter() - began
    return {
        "sessions": count,
        "windows_each": windows,
        "real_time_factor": round(seconds / wall_s, 2),
        "memory_mb": resident_mb(),
        "memory_mb_a_session": round((resident_mb() - before_mb) / count, 2),
        "window": spread(taken),
    }


def round_robin(drives: Sequence[Drive]) -> list[float]:
    """The next window of each, one after the other; seconds of each.

    Whatever runs the windows of several sessions as one batch would be called here.
    """
    return [taken_s(drive.window, "cpu") for drive in drives]
