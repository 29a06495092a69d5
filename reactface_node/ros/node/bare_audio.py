"""AudioData without a format: it waits until its format is known."""

import math
from collections import deque
from collections.abc import Callable
from typing import Any

from reactface_node.ros.messages.audio import AudioFormat, says_its_format

WAIT_S = 6.0
"""audio_capture publishes AudioInfo every 5 s."""
MATCH_S, MATCH_SHARE = 0.5, 0.15
"""If for this time the data rate differs from that of the configured format by at most this share,
the data has that format."""
FRESH_S = 0.6
"""Audio that has waited longer is too old for the session."""
MOST_BYTES = 8_000_000
"""Most data that waits."""


class BareAudio:
    """The messages of one stream that do not carry their own format, in order of arrival.

    format: the format to read them with. is_format_known: it comes from an AudioInfo.
    """

    def __init__(
        self, configured: AudioFormat, waits: bool, count_unread: Callable[[], None]
    ) -> None:
        """configured: the format without an AudioInfo; 16-bit samples. waits: whether messages
        wait for an AudioInfo. count_unread: called for each message that waited too long."""
        self.format, self.is_format_known = configured, False
        self._waits = waits
        self._count_unread = count_unread
        self._waiting: deque[tuple[Any, float]] = deque()
        self._first_s = self._newest_s = -math.inf
        self._bytes = self._held_bytes = 0

    def take(self, message: Any, arrival_s: float) -> list[tuple[Any, float]]:
        """Add a message -> the messages that can be read now, each with its arrival."""
        if not self._waits or says_its_format(message):
            return [(message, arrival_s)]
        # The first one, or a clock that jumped back.
        if not self._newest_s <= arrival_s < math.inf or self._first_s == -math.inf:
            self._release()
            self._first_s = arrival_s
        self._newest_s = arrival_s
        self._hold(message, arrival_s)
        waited_s = arrival_s - self._first_s
        if waited_s < WAIT_S and not self._matches(waited_s):
            return []
        self._waits = False
        return self._release()

    def set_format(self, told: AudioFormat) -> list[tuple[Any, float]]:
        """Set the format of an AudioInfo -> the messages that waited for it."""
        self.format, self.is_format_known, self._waits = told, True, False
        return self._release()

    def _hold(self, message: Any, arrival_s: float) -> None:
        self._waiting.append((message, arrival_s))
        size = _size(message)
        # Data of the first message was recorded before its arrival.
        self._bytes += size if arrival_s > self._first_s else 0
        self._held_bytes += size
        while self._waiting and (
            self._held_bytes > MOST_BYTES or arrival_s - self._waiting[0][1] > FRESH_S
        ):
            self._held_bytes -= _size(self._waiting.popleft()[0])
            self._count_unread()

    def _matches(self, waited_s: float) -> bool:
        """Whether the data rate is that of the configured format."""
        due = 2 * waited_s * self.format.rate_hz * self.format.channels
        return waited_s >= MATCH_S and abs(self._bytes / due - 1.0) <= MATCH_SHARE

    def _release(self) -> list[tuple[Any, float]]:
        found = list(self._waiting)
        self._waiting.clear()
        self._bytes = self._held_bytes = 0
        return found


def _size(message: Any) -> int:
    return len(getattr(message, "audio", message).data)
