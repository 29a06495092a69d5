"""Finds events that last: a value crosses a threshold and comes back."""

from collections.abc import Iterator
from dataclasses import dataclass

from reactface_node.schema import FRAME_RATE_HZ, ListenerEvent

END_SHARE = 0.6
"""An event ends below this share of its threshold."""
SHORTEST_S = 0.12
"""A value is above the threshold for so long before the event starts; chosen by hand. People's
smiles last 0.5 to 4 s, and their glances away about 1 s (IFADV)."""


@dataclass
class ThresholdDetector:
    """Starts and ends of one kind of event. threshold: the least value that counts."""

    who: str
    kind: str
    threshold: float
    _since_s: float | None = None
    _frames: int = 0
    _most: float = 0.0
    _most_signed: float = 0.0

    def step(
        self, stamp_s: float, value: float, *, is_probability: bool = False, is_angle: bool = False
    ) -> Iterator[ListenerEvent]:
        """The next frame of 40 ms. is_angle: value is in rad and may be negative.

        is_probability: the value is one; otherwise the event's probability is 0.5 at the threshold
        and 1 from twice the threshold on.
        """
        size = abs(value)
        if self._since_s is None:
            if size < self.threshold:
                return
            self._since_s, self._frames, self._most = stamp_s, 0, 0.0
        if size < END_SHARE * self.threshold:
            since_s, self._since_s = self._since_s, None
            if self._frames >= SHORTEST_S * FRAME_RATE_HZ:
                depth = self._most_signed if is_angle else 0.0
                yield self._event(stamp_s, "end", is_probability, stamp_s - since_s, depth)
            return
        self._frames += 1
        if size > self._most:
            self._most, self._most_signed = size, value
        if self._frames == round(SHORTEST_S * FRAME_RATE_HZ):
            yield self._event(self._since_s, "start", is_probability)

    def _event(
        self,
        stamp_s: float,
        phase: str,
        is_probability: bool,
        duration_s: float = 0.0,
        depth_rad: float = 0.0,
    ) -> ListenerEvent:
        clear = self._most if is_probability else 0.5 * self._most / self.threshold
        return ListenerEvent(
            stamp_s, self.who, self.kind, phase, min(clear, 1.0), duration_s, 0, depth_rad
        )
