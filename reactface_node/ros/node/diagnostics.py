"""The content of `/diagnostics`, once a second: rates, latency, losses and memory."""

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from reactface_node.ros.messages.convert import header
from reactface_node.ros.messages.types import MessageTypes

PERIOD_S = 1.0
LATENCIES_KEPT = 500
OK, WARN, ERROR = 0, 1, 2


class Meter:
    """Counts events and computes their rates over the time since the last report.

    latencies_s: of the last windows, from the arrival of the last input to the first published
    frame.
    """

    def __init__(self) -> None:
        self.totals: dict[str, int] = {}
        self._reported: dict[str, int] = {}
        self.latencies_s: deque[float] = deque(maxlen=LATENCIES_KEPT)
        self._since_s: float | None = None

    def count(self, name: str, by: int = 1) -> None:
        self.totals[name] = self.totals.get(name, 0) + by

    def latency(self, seconds: float) -> None:
        """Time from the arrival of a window's last input to its first published frame."""
        self.latencies_s.append(seconds)

    def due(self, now_s: float) -> bool:
        """Whether a report is due. A clock that jumped back starts a new period."""
        if self._since_s is None or now_s < self._since_s:
            self._since_s = now_s
        return now_s - self._since_s >= PERIOD_S

    def next_s(self, now_s: float) -> float:
        """The time at which the next report is due."""
        return now_s if self._since_s is None else self._since_s + PERIOD_S

    def report(self, now_s: float) -> dict[str, float]:
        """Totals, rates in Hz and latency quantiles in ms; starts a new period."""
        span_s = max(now_s - (self._since_s or now_s), 1e-3)
        values: dict[str, float] = {}
        for name, total in self.totals.items():
            values[name] = total
            values[f"{name}_hz"] = (total - self._reported.get(name, 0)) / span_s
        if self.latencies_s:
            p50, p99 = np.quantile(list(self.latencies_s), (0.5, 0.99)) * 1000
            values |= {"latency_p50_ms": float(p50), "latency_p99_ms": float(p99)}
        self._reported, self._since_s = dict(self.totals), now_s
        return values


def memory_mb() -> dict[str, float]:
    """Resident memory of this process."""
    import psutil

    return {"memory_mb": psutil.Process().memory_info().rss / 2**20}


def diagnostic_array(
    types: MessageTypes,
    now_s: float,
    name: str,
    hardware_id: str,
    level: int,
    text: str,
    values: Mapping[str, float],
) -> Any:
    """Values by name -> diagnostic_msgs/DiagnosticArray with one status.

    level, text: from ``judge``. hardware_id: the device that the model runs on.
    """
    pair = types.message_type("diagnostic_msgs/msg/KeyValue")
    status = types.message_type("diagnostic_msgs/msg/DiagnosticStatus")(
        level=types.byte(level),
        name=name,
        message=text,
        hardware_id=hardware_id,
        values=[pair(key=key, value=_text(value)) for key, value in sorted(values.items())],
    )
    build = types.message_type("diagnostic_msgs/msg/DiagnosticArray")
    return build(header=header(types, now_s, ""), status=[status])


def _text(value: float) -> str:
    """Whole numbers with all digits: a seed is one."""
    return str(value) if isinstance(value, int) else f"{value:.6g}"


def judge(
    enabled: bool, values: Mapping[str, float], failure: str = "", complaints: Sequence[str] = ()
) -> tuple[int, str]:
    """The level and text of the status. failure: an internal error, or why the node ends.
    complaints: other problems, as text; empty ones do not count."""
    if failure:
        return ERROR, failure
    if not enabled:
        # Not STALE, which the aggregator uses for a node that publishes no diagnostics.
        return OK, "disabled"
    found = {
        "no camera image in the last second": not values.get("images_hz"),
        "no audio in the last second": not values.get("audio_hz"),
        "unusable messages": bool(values.get("rejected_hz")),
        "late frames": bool(values.get("frames_late_hz")),
    }
    said = [text for text, holds in found.items() if holds]
    said += [text for text in complaints if text]
    return (WARN, ", ".join(said)) if said else (OK, "reacting")
