"""Motion of one person's mouth: how much it opens and closes, beyond its own noise."""

from collections import deque

MOVE_S = 0.25
"""The motion is that of this time, so that it does not depend on the frame rate."""
STILL_MM, MOVING_MM = 1.0, 2.5
"""The lips' distance changes by less than the first in a still mouth and by more than the second
in a mouth that speaks clearly. Read off real clips: 0.1 to 0.5 mm at rest, up to 1 mm in a laugh
that is held, 2 to 15 mm in speech."""
NOISE_S, QUIET_SHARE = 3.0, 0.2
"""The noise is estimated from the quietest share of the last seconds."""
NOISE_STEP_S = 0.05
"""With more time than this between two images speech itself looks like noise."""
NOISES = 2.5
"""Motion counts beyond so many standard deviations of the noise."""
MOST_NOISE_MM = 1.5
"""A mouth that moves all the time would otherwise count as noise."""
# The 20 % quantile of |a - 2 b + c| for independent normal values of standard deviation 1.
_QUANTILE = 0.2533 * 6.0**0.5
_FEW = 5
_HIDDEN_S = 0.5


class MouthMotion:
    """The lips of one person over time."""

    def __init__(self) -> None:
        self._lips: deque[tuple[float, float]] = deque()
        self._jumps: deque[tuple[float, float]] = deque()

    def see(self, stamp_s: float, lips_mm: float) -> float:
        """The lips' distance in an image -> activity, 0 for a still mouth to 1 for one that
        clearly moves. stamp_s: seconds, increasing."""
        if self._lips and not 0.0 < stamp_s - self._lips[-1][0] <= _HIDDEN_S:
            self._lips.clear()
        if len(self._lips) > 1 and stamp_s - self._lips[-1][0] <= NOISE_STEP_S:
            (_, before), (_, last) = self._lips[-2], self._lips[-1]
            self._jumps.append((stamp_s, abs(before - 2.0 * last + lips_mm)))
        self._lips.append((stamp_s, lips_mm))
        while self._jumps and stamp_s - self._jumps[0][0] > NOISE_S:
            self._jumps.popleft()
        # One image before the time is needed at low frame rates.
        while len(self._lips) > 2 and stamp_s - self._lips[0][0] > MOVE_S:
            self._lips.popleft()
        distances = [distance for _, distance in self._lips]
        change_mm = max(distances) - min(distances)
        share = (change_mm - STILL_MM - NOISES * self._noise_mm()) / (MOVING_MM - STILL_MM)
        return min(max(share, 0.0), 1.0)

    def _noise_mm(self) -> float:
        """Standard deviation of the lips' distance in a still mouth."""
        if len(self._jumps) < _FEW:
            return 0.0
        sizes = sorted(size for _, size in self._jumps)
        return min(sizes[int(QUIET_SHARE * len(sizes))] / _QUANTILE, MOST_NOISE_MM)
