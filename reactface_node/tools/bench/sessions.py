"""Several sessions on one set of weights, each with its own speaker: in turns, and as one
batch."""

import itertools
import time
from collections.abc import Callable, Sequence
from typing import Any

from reactface_node.config import Config
from reactface_node.engine.batches import load_batch
from reactface_node.files.progress import ProgressBar
from reactface_node.schema import FRAME_RATE_HZ
from reactface_node.session.batch import SessionBatch
from reactface_node.session.pending import empty_frames
from reactface_node.tools.bench.clock import spread, taken_s
from reactface_node.tools.bench.machine import resident_mb
from reactface_node.tools.bench.simulated import BenchClip, RecordedTracker, SimulatedSession, feed

WINDOWS = 60


def sessions(start: Callable[[], SimulatedSession], count: int, window: int) -> dict[str, Any]:
    """Run ``count`` sessions in turns; their common real-time factor tells how many the machine
    can serve."""
    windows, before_mb = WINDOWS, resident_mb()
    drives = [start() for _ in range(count)]
    for drive in drives:
        drive.window()
    seconds = count * windows * window / FRAME_RATE_HZ
    began, taken = time.perf_counter(), []
    for _ in ProgressBar(range(windows), "sessions", unit="window", leave=False):
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


def round_robin(drives: Sequence[SimulatedSession]) -> list[float]:
    """Run the next window of each in turn; returns the seconds of each."""
    return [taken_s(drive.window, "cpu") for drive in drives]


def batched(config: Config, clip: BenchClip, count: int) -> dict[str, Any]:
    """The same in one batch; a window is one of all sessions."""
    made = load_batch(config, count, empty_frames(config.model, config.model.window))
    batch = SessionBatch(config, made, [RecordedTracker(clip.observations) for _ in range(count)])
    window, frames = config.model.window, itertools.count()

    def step() -> None:
        for frame in itertools.islice(frames, window):
            for session in batch.sessions:
                feed(session, clip, frame)
            batch.poll((frame + 1) / FRAME_RATE_HZ)

    # The first windows allocate memory and, on a GPU, capture the step.
    for _ in range(3):
        step()
    windows = ProgressBar(range(WINDOWS), "batch", unit="window", leave=False)
    taken = [taken_s(step, "cpu") for _ in windows]
    factor = count * WINDOWS * window / FRAME_RATE_HZ / sum(taken)
    return {"real_time_factor": round(factor, 2), "window_of_all": spread(taken)}
