"""How much audio wav2vec 2.0 can be shown with every window in real time."""

from collections.abc import Sequence
from typing import Any

from reactface_node.config import Config
from reactface_node.errors import UserError
from reactface_node.files.progress import ProgressBar
from reactface_node.schema import FRAME_RATE_HZ
from reactface_node.tools.bench.clock import spread, taken_s
from reactface_node.tools.bench.drive import BenchClip, Drive
from reactface_node.tools.bench.engines import Engines

WINDOWS = 12


def contexts(config: Config, clip: BenchClip, seconds: Sequence[float]) -> dict[str, Any]:
    """For every context C the time of a window, without tracker and renderer; the longest that
    keeps up with real time. UserError where the profile does not hear with wav2vec 2.0."""
    if config.model.speech_encoder != "wav2vec2":
        raise UserError(
            f"--contexts is of wav2vec 2.0, which the {config.profile} profile has not: take "
            "--profile paper"
        )
    window_s = config.model.window / FRAME_RATE_HZ
    found: dict[str, dict[str, Any]] = {}
    for context_s in ProgressBar(sorted(seconds), "contexts", unit="", leave=False):
        tried = config.replace(**{"model.wav2vec2_context_s": context_s})
        drive = Drive(tried, Engines(tried).start(), clip)
        # The first calls allocate, and the very first one gives no window yet.
        for _ in range(3):
            drive.window()
        window = spread([taken_s(drive.window, "cpu") for _ in range(WINDOWS)])
        factor = round(1e3 * window_s / window["mean_ms"], 3)
        found[f"{context_s:g}"] = {"window": window, "real_time_factor": factor}
    holding = [float(name) for name, of in found.items() if of["real_time_factor"] >= 1.0]
    return {"contexts_s": found, "longest_real_time_s": max(holding, default=None)}


def parse_contexts(text: str) -> list[float]:
    """Seconds, separated by commas; UserError where they are none."""
    try:
        return [float(part) for part in text.split(",")]
    except ValueError as error:
        raise UserError(f"--contexts {text} are no seconds: try 1,2,4,8") from error
