"""Frame rates of data sets, and motion at another rate to motion at 25 Hz."""

from pathlib import Path

import numpy as np

from reactface_node.errors import UserError
from reactface_node.media.containers import open_media, video_stream
from reactface_node.research.data.check import LENGTH_SLACK
from reactface_node.schema import FRAME_RATE_HZ

USUAL_HZ = (24.0, 25.0, 30000 / 1001, 30.0, 50.0, 60000 / 1001, 60.0)


def rate_of(frames: int, seconds: float, what: str) -> float:
    """The usual rate that is nearest to ``frames`` in ``seconds`` and fits to 0.2 s.

    UserError that begins with ``what`` if none does: the two do not belong together.
    """
    rate_hz = min(USUAL_HZ, key=lambda one: abs(frames / one - seconds))
    if abs(frames / rate_hz - seconds) > LENGTH_SLACK / FRAME_RATE_HZ:
        raise UserError(f"{what} has {frames} frames, which fit {seconds:.2f} s at no usual rate")
    return rate_hz


def picture_rate_hz(path: Path) -> float:
    """The rate in a video's header. UserError if there is none."""
    with open_media(path) as container:
        stream = video_stream(container)
        rate = None if stream is None else stream.average_rate or stream.guessed_rate
        if not rate:
            raise UserError(f"{path} does not say how many pictures a second it has")
        return float(rate)


def frames_at_25_hz(frames: int, rate_hz: float) -> int:
    """How many 25 Hz frames last as long as ``frames`` at ``rate_hz``, at least one."""
    return max(1, round(frames / rate_hz * FRAME_RATE_HZ))


def at_25_hz(values: np.ndarray, rate_hz: float) -> np.ndarray:
    """(t, C) or (t,) at a rate -> the same motion at 25 Hz, float32: linear between the two nearest
    frames; unchanged at 25 Hz. Frame i is at i / rate."""
    if rate_hz == FRAME_RATE_HZ:
        return np.asarray(values, np.float32)
    at = np.arange(frames_at_25_hz(len(values), rate_hz)) * rate_hz / FRAME_RATE_HZ
    before = at.astype(int).clip(0, len(values) - 1)
    after = (before + 1).clip(0, len(values) - 1)
    share = (at - before).clip(0.0, 1.0).reshape(-1, *[1] * (values.ndim - 1))
    between: np.ndarray = ((1.0 - share) * values[before] + share * values[after]).astype(
        np.float32
    )
    return between
