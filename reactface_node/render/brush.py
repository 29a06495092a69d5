"""The tools of every part of the face: weights by name, the head's pose, soft ellipses."""

import math
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

import numpy as np

from reactface_node.render.canvas import Canvas, Curve, Path, Stops, circle, closed, radial
from reactface_node.render.formula import Condition, Formula, Number
from reactface_node.render.pose import Pose
from reactface_node.render.theme import Theme
from reactface_node.schema import ARKIT_NAMES, EXPRESSION, NUM_COEFFICIENTS, ROTATION, TRANSLATION

UNITS_PER_METRE = 3300.0  # the face is about 0.23 m and 760 units high
LARGEST_TURN = math.radians(45)
LARGEST_SHIFT_M = 0.25
NECK = 330.0  # the head turns about this point below its middle
PEAK = 0.94  # of a glow with two stops, which then looks like one with three


def limits() -> tuple[np.ndarray, np.ndarray]:
    """(58,) each: the lowest and the highest value of every coefficient that is drawn."""
    low, high = np.zeros(NUM_COEFFICIENTS), np.ones(NUM_COEFFICIENTS)
    low[ROTATION], high[ROTATION] = -LARGEST_TURN, LARGEST_TURN
    low[TRANSLATION], high[TRANSLATION] = -LARGEST_SHIFT_M, LARGEST_SHIFT_M
    low.flags.writeable = high.flags.writeable = False
    return low, high


LOW, HIGH = limits()


def clean(coefficients: np.ndarray) -> np.ndarray:
    """(58,) -> (58,) float64 within ``limits``; NaN and infinity count as 0."""
    numbers = np.asarray(coefficients, np.float64)
    if numbers.shape != (NUM_COEFFICIENTS,):
        raise ValueError(f"a face has {NUM_COEFFICIENTS} coefficients, not {numbers.shape}")
    return np.where(np.isfinite(numbers), numbers, 0.0).clip(LOW, HIGH)


class Controls:
    """58 clean coefficients: weights by name, angles in radians, shift in metres."""

    def __init__(self, numbers: Sequence[Number]):
        self._weights = dict(zip(ARKIT_NAMES, numbers[EXPRESSION], strict=True))
        self.turn: Sequence[Number] = numbers[ROTATION]
        self.shift: Sequence[Number] = numbers[TRANSLATION]

    def __getitem__(self, name: str) -> Number:
        return self._weights[name]

    def both(self, stem: str) -> Number:
        """Mean of a left and a right weight."""
        return (self._weights[stem + "Left"] + self._weights[stem + "Right"]) / 2


@dataclass(frozen=True)
class Half:
    """One half of the face; the subject's left is on the image's right."""

    name: str
    sign: float

    def weight(self, controls: Controls, stem: str) -> Number:
        """The weight of this half; ``stem`` is a coefficient's name without Left or Right."""
        return controls[stem + self.name]


HALVES = (Half("Right", -1.0), Half("Left", 1.0))


def mix(a: Number, b: Number, share: Number) -> Number:
    """a (1 - share) + b share."""
    return a + (b - a) * share


class _Restored(AbstractContextManager[None]):
    """Ends with the canvas's ``restore``. A generator would take three times as long."""

    def __init__(self, canvas: Canvas) -> None:
        self._canvas = canvas

    def __exit__(self, *_: object) -> None:
        self._canvas.restore()


class Brush:
    """One picture's canvas with theme and controls, in a space of 1000 units, y down."""

    def __init__(self, canvas: Canvas, theme: Theme, controls: Controls):
        self.theme, self.controls = theme, controls
        self.pose = Pose(controls.turn[0], controls.turn[1])
        self._canvas, self._restored = canvas, _Restored(canvas)
        self._paths: dict[Callable[[Brush], Path], Path] = {}
        self.draw, self.cover = canvas.draw, canvas.cover
        self.clip, self.rotate = canvas.clip, canvas.rotate

    def when(self, condition: Condition, draw: Callable[[], None]) -> None:
        """Draw if the condition holds. Use ``if`` for conditions on the theme alone."""
        if isinstance(condition, Formula):
            self._canvas.when(condition, draw)
        elif condition:
            draw()

    def glow(
        self,
        x: Number,
        y: Number,
        wide: Number,
        high: Number,
        text: str,
        alpha: Number,
        at: tuple[float, ...] | None = None,
    ) -> None:
        """A soft ellipse that fades to transparent at its edge: like a blur, but much faster."""
        if not isinstance(wide, Formula) and wide <= 0:
            return
        self._canvas.save()
        self._canvas.transform((1.0, 0.0, 0.0, high / wide, x, y))
        # A gradient with two stops takes two thirds of the time of one with three.
        if at is None:
            stops: Stops = ((text, alpha * PEAK), (text, 0.0))
        else:
            stops = ((text, alpha), (text, alpha * 0.45), (text, 0.0))
        self._canvas.draw(circle(0.0, 0.0, wide), radial(0.0, 0.0, wide, stops, at))
        self._canvas.restore()

    def move(self, x: Number, y: Number) -> None:
        """Move the origin to that point from now on."""
        self._canvas.transform((1.0, 0.0, 0.0, 1.0, x, y))

    def scale(self, x: Number, y: Number) -> None:
        """Scale everything by these factors from now on; -1 mirrors."""
        self._canvas.transform((x, 0.0, 0.0, y, 0.0, 0.0))

    def kept(self) -> AbstractContextManager[None]:
        """A context at whose end the transform and the clip are restored."""
        self._canvas.save()
        return self._restored

    def at(self, x: float, y: float, lift: Number = 0.0) -> AbstractContextManager[None]:
        """A context with the origin at that point of the face, ``lift`` units above its surface."""
        self._canvas.save()
        self._canvas.transform(self.pose.surface(x, y, lift))
        return self._restored

    def head(self) -> AbstractContextManager[None]:
        """A context in which the whole head is tilted about the neck and translated."""
        left, up, near = self.controls.shift
        self._canvas.save()
        self.move(UNITS_PER_METRE * left, -UNITS_PER_METRE * up)
        zoom = 1.0 + 1.5 * near
        self.scale(zoom, zoom)
        self.rotate(-self.controls.turn[2], 0.0, NECK)
        return self._restored

    def clipped(self, path: Path) -> AbstractContextManager[None]:
        """A context in which only the inside of the path is drawn."""
        self._canvas.save()
        self.clip(path)
        return self._restored

    def once(self, make: Callable[["Brush"], Path]) -> Path:
        """A path that several parts of the face need."""
        if make not in self._paths:
            self._paths[make] = make(self)
        return self._paths[make]

    def outline(self, depth: Callable[[Number], Number], *curves: Curve) -> Path:
        """As ``closed``, for a silhouette whose points lie ``depth(y)`` before the axis."""
        return closed(*[self.turned(depth, curve) for curve in curves])

    def turned(self, depth: Callable[[Number], Number], curve: Curve) -> Curve:
        """The points of a curve, moved with the head."""
        place, points = self.pose.outline, zip(curve[::2], curve[1::2], strict=True)
        return [number for x, y in points for number in place(x, y, depth(y))]
