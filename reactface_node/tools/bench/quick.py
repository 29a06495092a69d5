"""One line by which a machine can be judged, from a few seconds of the recording."""

import os
from dataclasses import dataclass
from typing import Any

from reactface_node.config import Config
from reactface_node.engine.engine import load_engine
from reactface_node.tools.bench.pipeline import pipeline
from reactface_node.tools.bench.recording import BenchRecording

QUICK_S = 8.0
ENOUGH = 1.5
"""Times real time from which a machine is fast enough: late frames come from single slow steps."""


@dataclass(frozen=True)
class Saving:
    """A setting that saves work. saved: the stage, and its share that goes away."""

    setting: str
    stage: str
    saved: float


SAVINGS = (
    Saving("perception.rate_hz=12.5", "track", 0.5),
    Saving("render.renderer=none", "render", 1.0),
)
"""In the order in which a user misses them least."""


def quick(config: Config) -> dict[str, Any]:
    """The pipeline over the first seconds of the recording, as ``pipeline``; takes less than half a
    minute on a machine that can run the node. UserError as ``load_engine``."""
    found = pipeline(config, load_engine(config), BenchRecording(config), QUICK_S)
    return {"processor_count": len(os.sched_getaffinity(0)), **found}


def judged(found: dict[str, Any], config: Config) -> str:
    """One line on the result of ``quick``: the share of a core that a conversation takes, and what
    to set where that is too much."""
    factor = found["real_time_factor"]
    text = (
        f"{found['processor_count']} cores; a second of conversation takes "
        f"{found['cores_used'] / factor:.2f} s of one core, {found['memory_mb']:.0f} MB: "
        f"{factor:.1f} times real time"
    )
    if factor >= ENOUGH:
        return f"{text}: fast enough, nothing to set"
    wanted = []
    seconds = found["recording_s"] / factor
    for change in SAVINGS:
        stage = found["stages"].get(change.stage)
        if stage is None or _is_set(config, change):
            continue
        seconds -= change.saved * stage["calls"] * stage["mean_ms"] / 1e3
        wanted.append(f"--set {change.setting}")
        factor = found["recording_s"] / max(seconds, 1e-3)
        if factor >= ENOUGH:
            break
    advice = f"; with {' '.join(wanted)} about {factor:.1f} times" if wanted else ""
    enough = "" if factor >= ENOUGH else ": too slow"
    return f"{text}{advice}{enough}"


def _is_set(config: Config, change: Saving) -> bool:
    if change.stage == "track":
        return 0 < config.perception.rate_hz <= 12.5
    return config.render.renderer == "none"
