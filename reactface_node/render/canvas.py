"""Shapes and paints as plain data, and the protocol of a canvas that draws them."""

import functools
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, Protocol

from reactface_node.render.formula import Formula, Number

Curve = Sequence[Number]
"""The numbers of one curve: (x, y) for a start or a line, 4 numbers for a quadratic curve and 6 for
a cubic one."""
Stops = Sequence[tuple[str, Number]]
"""(colour as "#rrggbb", alpha in 0..1), from a gradient's start to its end."""


class Path(NamedTuple):
    """Lines that consist of curves; each line begins with its start."""

    lines: Sequence[Sequence[Curve]]
    closed: bool = False


class Oval(NamedTuple):
    """An ellipse with its centre and its two radii."""

    x: Number
    y: Number
    wide: Number
    high: Number


class Box(NamedTuple):
    """A rectangle with round corners: its centre, half its sides and the corners' radius."""

    x: Number
    y: Number
    wide: Number
    high: Number
    radius: Number


Shape = Path | Oval | Box


class Paint(NamedTuple):
    """One colour or a gradient that fills a shape or draws a line along its edge.

    at: positions of the stops, 0..1; None for equal distances.
    linear: (x0, y0, x1, y1) of a linear gradient. radial: (x, y, radius) of a radial one.
    width: of the line; None = fill. rounded: the line has round ends and corners.
    """

    stops: Stops
    at: tuple[float, ...] | None = None
    linear: tuple[Number, Number, Number, Number] | None = None
    radial: tuple[Number, Number, Number] | None = None
    width: Number | None = None
    rounded: bool = False


Matrix = tuple[Number, Number, Number, Number, Number, Number]
"""(a, b, c, d, e, f): maps (x, y) to (a x + c y + e, b x + d y + f)."""


class Canvas(Protocol):
    """Skia in Python (``skia_canvas``), or a recorder for the page (``program``)."""

    def save(self) -> None:
        """Save the transform and the clip for ``restore``."""

    def restore(self) -> None:
        """Restore the transform and the clip of the last ``save``."""

    def transform(self, matrix: Matrix) -> None:
        """Apply this matrix to everything that is drawn next."""

    def rotate(self, angle: Number, x: float, y: float) -> None:
        """Rotate everything that is drawn next clockwise about (x, y); the angle is in radians."""

    def clip(self, path: Path) -> None:
        """Draw only inside the path from now on."""

    def draw(self, shape: Shape, *paints: Paint) -> None:
        """Draw a shape with each paint in turn. Alpha 0 draws nothing."""

    def cover(self, paint: Paint) -> None:
        """Fill everything inside the clip."""

    def when(self, condition: Formula, draw: Callable[[], None]) -> None:
        """Draw if the condition holds."""


def closed(*curves: Curve) -> Path:
    """A closed path: a start (x, y), then lines (2), quadratics (4) and cubics (6 numbers)."""
    return Path((curves,), True)


def open_path(*curves: Curve) -> Path:
    """As ``closed``, but an open path."""
    return Path((curves,))


def circle(x: Number, y: Number, radius: Number) -> Oval:
    """A circle with this centre and radius."""
    return Oval(x, y, radius, radius)


def fill(text: str, alpha: Number = 1.0) -> Paint:
    """A paint that fills the whole shape with one colour."""
    return Paint(((text, alpha),))


def stroke(text: str, width: Number, alpha: Number = 1.0) -> Paint:
    """A paint that draws a line along the shape's edge, with round ends and corners."""
    return Paint(((text, alpha),), None, None, None, width, True)


def strokes(text: str, widths: Iterable[float], alpha: float) -> list[Paint]:
    """Several lines on top of each other, which together look like one with a soft edge."""
    return [stroke(text, width, alpha) for width in widths]


def radial(
    x: Number, y: Number, radius: Number, stops: Stops, at: tuple[float, ...] | None = None
) -> Paint:
    """A radial gradient from a centre outwards."""
    return Paint(tuple(stops), at, None, (x, y, radius))


def linear(top: Number, bottom: Number, stops: Stops) -> Paint:
    """A gradient from top to bottom."""
    return Paint(tuple(stops), None, (0.0, top, 0.0, bottom))


def across(left: Number, right: Number, stops: Stops) -> Paint:
    """A gradient from left to right."""
    return Paint(tuple(stops), None, (left, 0.0, right, 0.0))


def channels(text: str) -> tuple[int, int, int]:
    """ "#rrggbb" -> red, green, blue in 0..255."""
    return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)


@functools.lru_cache(maxsize=256)
def blend(text: str, other: str, share: float) -> str:
    """A mix of two colours as "#rrggbb"; share: of the second."""
    pairs = zip(channels(text), channels(other), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)
