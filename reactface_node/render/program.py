"""Records the drawing of one theme as a program that the page runs on a browser's canvas.

The page computes one row of numbers for every picture: the 58 coefficients, the canvas's width and
height, then the program's values, each a constant or computed from numbers before it. Shapes,
paints and steps name a number by its place in the row. ``web/page/avatar/avatar.js`` is the player.
"""

import functools
import json
from collections.abc import Callable
from typing import Any

from reactface_node.render.brush import HIGH, LOW, Brush, Controls
from reactface_node.render.canvas import Box, Matrix, Paint, Path, Shape
from reactface_node.render.formula import Formula, Number, cosine, sine
from reactface_node.render.scene import draw_head, draw_still
from reactface_node.render.theme import Theme
from reactface_node.schema import NUM_COEFFICIENTS

DIGITS = 9
"""Decimal digits of a constant: more than a canvas's float32 holds."""


@functools.lru_cache(maxsize=8)
def record(theme: Theme) -> str:
    """The theme's drawing as JSON:

    low, high: limits of the 58 coefficients.
    values: a number or [operation, place, place] each.
    colours: "#rrggbb" each.
    shapes: ["path", closed, lines of curves], or ["oval" or "box", places].
    paints: stops ([colour, place of its alpha]), linear or radial (places), at (shares), width (a
    place) and rounded, if the paint has them.
    still, head: steps ["save"], ["restore"], ["transform", places], ["clip", shape], ["draw",
    shape, paints], ["cover", paint], ["when", place, n]: if the number is 0, the next n steps are
    skipped.
    """
    numbers = [Formula("input") for _ in range(NUM_COEFFICIENTS + 2)]
    tables = _Tables(numbers)
    still, head = _Recorder(tables), _Recorder(tables)
    *coefficients, width, height = numbers
    draw_still(Brush(still, theme, Controls(coefficients)), width, height)
    draw_head(Brush(head, theme, Controls(coefficients)), width, height)
    program = {
        "low": LOW.tolist(),
        "high": HIGH.tolist(),
        "values": list(tables.values)[len(numbers) :],
        "colours": list(tables.colours),
        "shapes": list(tables.shapes),
        "paints": [json.loads(paint) for paint in tables.paints],
        "still": still.steps,
        "head": head.steps,
    }
    return json.dumps(program, separators=(",", ":"))


class _Tables:
    """Tables of the program's parts; each part is stored once, in order of first use."""

    def __init__(self, inputs: list[Formula]) -> None:
        self.values: dict[Any, int] = {number: place for place, number in enumerate(inputs)}
        self.colours: dict[str, int] = {}
        self.shapes: dict[Any, int] = {}
        self.paints: dict[str, int] = {}
        self._formulas: dict[Formula, int] = dict(self.values)

    def value(self, number: Number) -> int:
        if not isinstance(number, Formula):
            return _place(self.values, float(f"{number:.{DIGITS}g}"))
        if number not in self._formulas:
            places = [self.value(part) for part in number.parts]
            self._formulas[number] = _place(self.values, (number.operation, *places))
        return self._formulas[number]

    def row(self, numbers: Any) -> tuple[int, ...]:
        return tuple(map(self.value, numbers))

    def shape(self, shape: Shape) -> int:
        if isinstance(shape, Path):
            lines = tuple(tuple(map(self.row, line)) for line in shape.lines)
            return _place(self.shapes, ("path", shape.closed, lines))
        kind = "box" if isinstance(shape, Box) else "oval"
        return _place(self.shapes, (kind, *self.row(shape)))

    def paint(self, paint: Paint) -> int:
        stops = [(_place(self.colours, text), self.value(alpha)) for text, alpha in paint.stops]
        about: dict[str, Any] = {"stops": stops}
        if paint.at is not None:
            about["at"] = paint.at
        if paint.linear is not None:
            about["linear"] = self.row(paint.linear)
        if paint.radial is not None:
            about["radial"] = self.row(paint.radial)
        if paint.width is not None:
            about |= {"width": self.value(paint.width), "rounded": paint.rounded}
        return _place(self.paints, json.dumps(about))


def _place(table: dict[Any, int], row: Any) -> int:
    return table.setdefault(row, len(table))


class _Recorder:
    """A ``Canvas`` that records the steps."""

    def __init__(self, tables: _Tables) -> None:
        self.steps: list[tuple[Any, ...]] = []
        self._tables = tables

    def save(self) -> None:
        self.steps.append(("save",))

    def restore(self) -> None:
        self.steps.append(("restore",))

    def transform(self, matrix: Matrix) -> None:
        self.steps.append(("transform", *self._tables.row(matrix)))

    def rotate(self, angle: Number, x: float, y: float) -> None:
        sin, cos = sine(angle), cosine(angle)
        self.transform((cos, sin, -sin, cos, x - cos * x + sin * y, y - sin * x - cos * y))

    def clip(self, path: Path) -> None:
        self.steps.append(("clip", self._tables.shape(path)))

    def draw(self, shape: Shape, *paints: Paint) -> None:
        places = [self._tables.paint(paint) for paint in paints]
        self.steps.append(("draw", self._tables.shape(shape), *places))

    def cover(self, paint: Paint) -> None:
        self.steps.append(("cover", self._tables.paint(paint)))

    def when(self, condition: Formula, draw: Callable[[], None]) -> None:
        at = len(self.steps)
        self.steps.append(())
        draw()
        self.steps[at] = ("when", self._tables.value(condition), len(self.steps) - at - 1)
