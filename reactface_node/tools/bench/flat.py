"""Time of a window and memory at minute 1, 10 and 60 of one session.

The speed of a machine changes over time. So whenever the session is measured, a new session
runs its first minute, in turns window by window.
"""

import gc
from collections.abc import Callable
from typing import Any

from reactface_node.files.progress import ProgressBar
from reactface_node.schema import FRAME_RATE_HZ
from reactface_node.tools.bench.clock import spread, taken_s
from reactface_node.tools.bench.machine import resident_mb
from reactface_node.tools.bench.simulated import SimulatedSession

MARKS = (1.0, 10.0, 60.0)
BUDGET_S = 120.0
_TRIED = 20


def flat(
    start: Callable[[], SimulatedSession], minutes: float | None, window: int
) -> dict[str, Any]:
    """Measure a session of so many minutes of simulated time.

    start: makes a new session. minutes: None = the most of 1, 10 and 60 that take under two
    minutes here. window: w. The numbers of a mark are of the minute that ends there, or of its
    part.
    """
    a_minute = 60.0 * FRAME_RATE_HZ / window
    minutes = minutes or _affordable(start(), a_minute)
    session, done = start(), 0
    total = max(1, round(minutes * a_minute))
    found: dict[str, dict[str, Any]] = {}
    with ProgressBar(total=total, desc="session", unit="window", leave=False) as bar:
        for mark in sorted({*(mark for mark in MARKS if mark < minutes), minutes}):
            end = max(1, round(mark * a_minute))
            span = min(end - done, max(1, round(a_minute)))
            for _ in range(end - span - done):
                session.window()
                bar.update()
            found[f"{mark:g}"] = _side_by_side(session, start(), span, bar)
            done = end
    marks = list(found.values())
    return {
        "simulated_minutes": round(session.seconds / 60, 2),
        "minutes": found,
        "last_to_first": round(marks[-1]["window"]["p50_ms"] / marks[0]["window"]["p50_ms"], 3),
        "memory_growth_mb": round(marks[-1]["memory_mb"] - marks[0]["memory_mb"], 1),
    }


def _side_by_side(
    session: SimulatedSession, fresh: SimulatedSession, windows: int, bar: Any
) -> dict[str, Any]:
    old_s, new_s = [], []
    for _ in range(windows):
        old_s.append(taken_s(session.window, "cpu"))
        new_s.append(taken_s(fresh.window, "cpu"))
        bar.update()
    gc.collect()
    old, new = spread(old_s), spread(new_s)
    return {
        "window": old,
        "new_session": new,
        "to_new_session": round(old["p50_ms"] / new["p50_ms"], 3),
        "memory_mb": resident_mb(),
    }


def _affordable(session: SimulatedSession, a_minute: float) -> float:
    session.window()
    tried_s = taken_s(lambda: [session.window() for _ in range(_TRIED)], "cpu") / _TRIED
    fitting = [mark for mark in MARKS if mark * a_minute * tried_s < BUDGET_S]
    return max(fitting, default=MARKS[0])
