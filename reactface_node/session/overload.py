"""Overload controller: decides which work to skip when the machine cannot keep up. No clock."""

from dataclasses import dataclass

# The numbers below are chosen, not derived. They are checked with simulated machines
# (tests/session/test_overload.py): the level must settle and must return when there is room.
TOO_BUSY, FITS = 0.9, 0.75
"""Share of a thread's time: above the first it is overloaded, below the second it has room."""
LEAST_CPU = 0.2
"""Share of a CPU. A serving thread that uses less has no work to skip, even if frames are late."""
BUSY_AND_LATE = 0.5
"""Share of a thread's time above which late frames count as overload. Frames that are late while
the threads have little work would be late with less work too."""
DOWN_AFTER = 2
"""Overloaded seconds in a row before the level goes down one step."""
UP_AFTER, LONGEST_WAIT = 5, 60
"""Seconds with room in a row before the level goes up one step. Doubled, up to the second number,
after each step up that failed."""
TRIED = 10
"""Seconds after which a step up counts as successful."""


@dataclass(frozen=True)
class Level:
    """One level of reduced work.

    every: one of so many frames is tracked. width: scale of the images' width for the tracker.
    halves: the model skips every second window.
    """

    every: int = 1
    width: float = 1.0
    halves: bool = False


LEVELS = (Level(), Level(2), Level(3), Level(3, 0.5), Level(3, 0.5, True))
"""From all work to the least; ``OverloadController.level`` is an index into this."""


@dataclass(frozen=True)
class Workload:
    """The work of a session so far and at present, for the decision on its level.

    tracker_busy_s: seconds for which the tracker has been busy so far. tracker_cpu_s: seconds of
    them in which this process used a CPU. images_untracked: images so far that the tracker had no
    time for. tracking_hz: images that are tracked each second. image_width_px: the largest width
    of the images that the tracker reads.
    """

    tracker_busy_s: float
    tracker_cpu_s: float
    images_untracked: int
    tracking_hz: float
    image_width_px: int


class OverloadController:
    """Chooses one of ``LEVELS``: one step to less work when overloaded, back when there is room."""

    def __init__(self) -> None:
        self.level = 0
        self._strained = self._roomy = self._since = 0
        self._wait = UP_AFTER
        self._is_tried = True
        self._left: float | None = None
        # For each level: measured ratio of its load to that of the next level; 1 if unknown.
        self._ratios = [1.0] * len(LEVELS)

    def judge(
        self,
        serving: float,
        tracking: float,
        late: int,
        serving_cpu: float = 1.0,
        tracking_cpu: float = 1.0,
        untracked: int = 0,
    ) -> int:
        """Call it once a second. Returns the level for the next second, 0 (all work) to 4.

        serving, tracking: shares of the last second (0..1) in which the serving thread and the
        tracking thread were busy. serving_cpu, tracking_cpu: shares in which they used a CPU; the
        rest of their busy time they waited for other processes, which counts only if something
        was late. late: frames of that second that could not be shown in time. untracked: images
        that the tracker had no time for.
        """
        if not (late and serving_cpu >= LEAST_CPU):
            serving = min(serving, serving_cpu)
        if not untracked:
            tracking = min(tracking, tracking_cpu)
        busy = max(serving, tracking)
        self._since += 1
        if self._left is not None and self._since > 1:  # the first second mixes two levels
            self._ratios[self.level - 1] = self._left / max(busy, 1e-3)
            self._left = None
        if self._since > TRIED and not self._is_tried:
            self._is_tried, self._wait = True, UP_AFTER
        strained = busy > TOO_BUSY or (late > 0 and busy > BUSY_AND_LATE)
        self._strained = self._strained + 1 if strained else 0
        fits = self.level > 0 and not strained and self._above(serving, tracking) < FITS
        self._roomy = self._roomy + 1 if fits else 0
        if self._strained >= DOWN_AFTER and self._would_relieve(serving):
            if not self._is_tried:
                self._wait = min(2 * self._wait, LONGEST_WAIT)
            self._go(self.level + 1, left=busy)
        elif self._roomy >= self._wait:
            self._go(self.level - 1, left=None)
        return self.level

    def _would_relieve(self, serving: float) -> bool:
        """Whether the next level helps: skipping windows does not help a busy tracker."""
        below = LEVELS[self.level + 1 : self.level + 2]
        return any(not level.halves or serving > BUSY_AND_LATE for level in below)

    def _above(self, serving: float, tracking: float) -> float:
        """Expected load of the previous level (more work), from the ratio measured on leaving it.

        That measurement may be of a short peak, or clipped at 1, so the result is kept between one
        and two times what the tracking rates predict. Otherwise a level might never be tried again.
        """
        above, here = LEVELS[self.level - 1], LEVELS[self.level]
        by_rate = max(
            serving * (1 + here.halves - above.halves), tracking * here.every / above.every
        )
        measured = max(serving, tracking) * self._ratios[self.level - 1]
        return min(max(by_rate, measured), 2.0 * by_rate)

    def _go(self, level: int, left: float | None) -> None:
        self._is_tried = level > self.level
        self.level, self._left = level, left
        self._strained = self._roomy = self._since = 0


def said_of(level: int, tracking_hz: float) -> str:
    """A level as text for a log or a status line; tracking_hz: images tracked per second."""
    text = f"tracking {tracking_hz:.3g} times a second"
    if LEVELS[level].width < 1.0:
        text += " in smaller images"
    if LEVELS[level].halves:
        text += ", reacting half of the time"
    return f"overloaded: {text}" if level else text


def too_slow(model: float, tracking: float, profile: str, device: str, threads: int) -> str:
    """Advice for a machine that cannot keep up; '' if it can.

    model: computing time of a window / duration of a window. tracking: computing time of an image
    / time between images at the lowest tracking rate.
    """
    advice = []
    if model > 1.0:
        ways = ["threads=0"] if device == "cpu" and threads else []
        ways += ["a GPU (device=cuda)"] if device == "cpu" else ["a faster GPU"]
        ways += [] if profile == "default" else ["profile default"]
        threaded = f"{threads or 'all'} thread{'' if threads == 1 else 's'}"
        where = f"cpu with {threaded}" if device == "cpu" else device
        advice.append(
            f"profile {profile}: a window of the model takes {model:.1f} times as long as it lasts "
            f"on {where}; try {_either(ways)}"
        )
    if tracking > 1.0:
        advice.append(
            f"the face tracker cannot keep up even at its lowest rate: it takes {tracking:.1f} "
            "times as long as there is; try a smaller perception.max_width_px"
        )
    return "; ".join(advice)


def _either(ways: list[str]) -> str:
    return ways[0] if len(ways) == 1 else f"{', '.join(ways[:-1])}, or {ways[-1]}"
