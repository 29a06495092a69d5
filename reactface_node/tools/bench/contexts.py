"""The longest audio context of wav2vec 2.0 that runs in real time."""

from collections.abc import Sequence
from typing import Any

from reactface_node.config import Config
from reactface_node.errors import UserError
from reactface_node.files.progress import ProgressBar
from reactface_node.schema import FRAME_RATE_HZ
from reactface_node.tools.bench.clock import spread, taken_s
from reactface_node.tools.bench.engines import Engines
from reactface_node.tools.bench.simulated import BenchClip, SimulatedSession

WINDOWS = 12


def contexts(config: Config, clip: BenchClip, seconds: Sequence[float]) -> dict[str, Any]:
    """The time of a window for every context, without tracker and renderer, and the longest
    context in real time. UserError if the profile does not use wav2vec 2.0."""
    if config.model.speech_encoder != "wav2vec2":
        raise UserError(
            f"--contexts is of wav2vec 2.0, which the {config.profile} profile has not: take "
            "--profile paper"
        )
    window_s = config.model.window / FRAME_RATE_HZ
    found: dict[str, dict[str, Any]] = {}
    for context_s in ProgressBar(sorted(seconds), "contexts", unit="", leave=False):
        tried = config.replace(**{"model.wav2vec2_context_s": context_s})
        drive = SimulatedSession(tried, Engines(tried).start(), clip)
        # The first calls allocate, and the first one returns no window yet.
        for _ in range(3):
            drive.window()
        window = spread([taken_s(drive.window, "cpu") for _ in range(WINDOWS)])
        factor = round(1e3 * window_s / window["mean_ms"], 3)
        found[f"{context_s:g}"] = {"window": window, "real_time_factor": factor}
    holding = [float(name) for name, of in found.items() if of["real_time_factor"] >= 1.0]
    return {"contexts_s": found, "longest_real_time_s": max(holding, default=None)}


def parse_contexts(text: str) -> list[float]:
    """Seconds, separated by commas; UserError for other text."""
    try:
        return [float(part) for part in text.split(",")]
    except ValueError as error:
        raise UserError(f"--contexts {text} are no seconds: try 1,2,4,8") from error
