"""A session's images and sound on their way to the timeline, past clocks that jump."""

import logging
from collections.abc import Callable
from typing import Any

from reactface_node.session.stamps import IMAGE, BackInTime, Order
from reactface_node.session.timeline import Timeline


class Inputs:
    """Of one session. An input is its stamp and what the timeline's push takes besides."""

    def __init__(self, timeline: Timeline, reset: Callable[[], None]) -> None:
        """reset: called where the clock jumped back; it resets the timeline."""
        self._timeline, self._reset = timeline, reset
        self._back = BackInTime(timeline.stats)

    def push(self, stream: str, stamp_s: float, *data: Any) -> bool:
        """What lies back in time is held until it shows whether the clock jumped: False."""
        lasts_s = 0.0 if stream == IMAGE else len(data[0]) / data[1]
        order = self._timeline.order(stream, stamp_s, lasts_s)
        if order is Order.FORWARD:
            self._take(stream, stamp_s, *data)
        elif order is Order.JUMPED:
            self.jump(stamp_s)
            self._take(stream, stamp_s, *data)
        elif self._back.jumped(stream, stamp_s, data):
            self.jump(stamp_s)
        else:
            return False
        return True

    def jump(self, time_s: float) -> None:
        """The clock jumped back to that time: begin anew, with what came of the new time."""
        held = self._back.release()
        logging.getLogger(__name__).warning(
            "the clock jumped back to %.3f s: the session starts again", time_s
        )
        self._reset()
        for stream, stamp_s, data in held:
            self._take(stream, stamp_s, *data)

    def clear(self) -> None:
        """Forget what is held."""
        self._back.release()

    def _take(self, stream: str, stamp_s: float, *data: Any) -> None:
        push = self._timeline.push_image if stream == IMAGE else self._timeline.push_audio
        if push(stamp_s, *data):
            self._back.refute()
