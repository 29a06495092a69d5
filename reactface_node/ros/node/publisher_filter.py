"""Chooses one of several publishers on one topic."""

import math
from typing import Any

SILENT_S = 1.0
"""If the followed publisher is silent for this time, another one may be followed."""


class PublisherFilter:
    """Accepts the messages of the first publisher for as long as it sends."""

    def __init__(self) -> None:
        self._key: Any = None
        self._last_s = -math.inf

    def accepts(self, key: Any, arrival_s: float) -> bool:
        """Whether to use a message. key: equal for messages of one publisher."""
        if key != self._key and 0.0 <= arrival_s - self._last_s < SILENT_S:
            return False
        self._key, self._last_s = key, arrival_s
        return True
