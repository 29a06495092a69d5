"""Input queue of a session: passes images and audio to the timeline and detects clock jumps."""

import logging
from collections.abc import Callable
from typing import Any

from reactface_node.session.stamps import IMAGE, HeldInputs, Order
from reactface_node.session.timeline import Timeline


class Inputs:
    """The inputs of one session. An input is a stamp and the other arguments of the timeline's
    ``push_image`` or ``push_audio``."""

    def __init__(self, timeline: Timeline, reset: Callable[[], None]) -> None:
        """reset: called when the inputs' clock jumped back; it must reset the timeline."""
        self._timeline, self._reset = timeline, reset
        self._held = HeldInputs(timeline.stats)

    def push(self, stream: str, stamp_s: float, *data: Any) -> bool:
        """Push one input to the timeline, or hold it if its stamp went back in time.

        A held input is either late or the first of a clock that jumped back, which later inputs
        show. Returns False while it is held.
        """
        lasts_s = 0.0 if stream == IMAGE else len(data[0]) / data[1]
        order = self._timeline.order(stream, stamp_s, lasts_s)
        if order is Order.FORWARD:
            self._take(stream, stamp_s, *data)
        elif order is Order.JUMPED:
            self.jump(stamp_s)
            self._take(stream, stamp_s, *data)
        elif self._held.jumped(stream, stamp_s, data):
            self.jump(stamp_s)
        else:
            return False
        return True

    def jump(self, time_s: float) -> None:
        """Reset the session because the clock jumped back to ``time_s``, then push held inputs."""
        held = self._held.release()
        logging.getLogger(__name__).warning(
            "the clock jumped back to %.3f s: the session starts again", time_s
        )
        self._reset()
        for stream, stamp_s, data in held:
            self._take(stream, stamp_s, *data)

    def clear(self) -> None:
        """Drop held inputs."""
        self._held.release()

    def _take(self, stream: str, stamp_s: float, *data: Any) -> None:
        push = self._timeline.push_image if stream == IMAGE else self._timeline.push_audio
        if push(stamp_s, *data):
            self._held.refute()
