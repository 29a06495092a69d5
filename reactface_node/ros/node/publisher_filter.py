"""Several publishers on one topic: which of them is followed."""

import math
from typing import Any

SILENT_S = 1.0
"""A publisher that sends nothing for so long gives its place to another on the same topic."""


class PublisherFilter:
    """Of several publishers on a topic the first is followed as long as it sends."""

    def __init__(self) -> None:
        self._key: Any = None
        self._last_s = -math.inf

    def accepts(self, key: Any, arrival_s: float) -> bool:
        if key != self._key and 0.0 <= arrival_s - self._last_s < SILENT_S:
            return False
        self._key, self._last_s = key, arrival_s
        return True
