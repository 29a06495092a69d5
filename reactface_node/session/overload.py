"""What is left out, and when, where the machine cannot keep up: pure logic, without a clock."""

from dataclasses import dataclass

TOO_BUSY, FITS = 0.9, 0.75
"""Of a thread's time: beyond the first there is too much to do, below the second there is room."""
LEAST_CPU = 0.2
"""Of a CPU: a serving thread that does less has nothing to leave out, whatever is late."""
BUSY_AND_LATE = 0.5
"""With late frames there is too much to do beyond this; what is late while there is little to do
would be late however little."""
DOWN_AFTER = 2
"""Seconds in a row with too much to do."""
UP_AFTER, LONGEST_WAIT = 5, 60
"""Seconds in a row with room for more; twice as many after each climb that failed."""
TRIED = 10
"""Seconds after which a climb has not failed."""


@dataclass(frozen=True)
class Level:
    """every: of so many frames one is tracked. width: share of the images' width that the tracker
    looks at. halves: every second window is left out."""

    every: int = 1
    width: float = 1.0
    halves: bool = False


LEVELS = (Level(), Level(2), Level(3), Level(3, 0.5), Level(3, 0.5, True))


class OverloadController:
    """Goes down one level where there is too much to do, and up again where there is room."""

    def __init__(self) -> None:
        self.level = 0
        self._strained = self._roomy = self._since = 0
        self._wait = UP_AFTER
        self._is_tried = True
        self._left: float | None = None
        # Of each level: how much more it takes than the one below it, as far as that is known.
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
        """To be called once a second -> the level for the next one, 0 (all is done) to 4.

        serving, tracking: shares of the last second, 0..1, that the thread that serves and the
        one that tracks were busy; serving_cpu, tracking_cpu: shares of it that a CPU really worked
        for them. The rest they waited for other processes, which counts only where something came
        too late of it. late: frames that could not be shown in time in it. untracked: images that
        the tracker had no time for.
        """
        if not (late and serving_cpu >= LEAST_CPU):
            serving = min(serving, serving_cpu)
        if not untracked:
            tracking = min(tracking, tracking_cpu)
        busy = max(serving, tracking)
        self._since += 1
        if self._left is not None and self._since > 1:  # the first second was of both levels
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
        """Whether there is a level below that helps: a tracker is not helped by an idle model."""
        below = LEVELS[self.level + 1 : self.level + 2]
        return any(not level.halves or serving > BUSY_AND_LATE for level in below)

    def _above(self, serving: float, tracking: float) -> float:
        """The load of the level above, from what it was when it was left.

        That may have been a moment's, or cut off at 1: it counts between one and two times what
        the tracking rates say, so that no level is left for ever.
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
    """What a level means, for people."""
    text = f"tracking {tracking_hz:.3g} times a second"
    if LEVELS[level].width < 1.0:
        text += " in smaller images"
    if LEVELS[level].halves:
        text += ", reacting half of the time"
    return f"overloaded: {text}" if level else text


def too_slow(model: float, tracking: float, profile: str, device: str, threads: int) -> str:
    """What to do about a machine that cannot keep up; '' where it can.

    model: how long a window of it takes, tracking: how long an image takes at the lowest rate that
    is tracked; both in units of the time that there is for them.
    """
    said = []
    if model > 1.0:
        ways = ["threads=0"] if device == "cpu" and threads else []
        ways += ["a GPU (device=cuda)"] if device == "cpu" else ["a faster GPU"]
        ways += [] if profile == "default" else ["profile default"]
        threaded = f"{threads or 'all'} thread{'' if threads == 1 else 's'}"
        where = f"cpu with {threaded}" if device == "cpu" else device
        said.append(
            f"profile {profile}: a window of the model takes {model:.1f} times as long as it lasts "
            f"on {where}; try {_either(ways)}"
        )
    if tracking > 1.0:
        said.append(
            f"the face tracker cannot keep up even at its lowest rate: it takes {tracking:.1f} "
            "times as long as there is; try a smaller perception.max_width_px"
        )
    return "; ".join(said)


def _either(ways: list[str]) -> str:
    return ways[0] if len(ways) == 1 else f"{', '.join(ways[:-1])}, or {ways[-1]}"
