"""Draws shapes and paints with skia."""

import functools
import math
from collections.abc import Callable
from typing import Any

import skia

from reactface_node.render.canvas import Matrix, Oval, Paint, Path, Shape, channels
from reactface_node.render.formula import Formula
from reactface_node.render.shading import Shading

LINE = skia.Paint.kStroke_Style
ROUND_END, ROUND_CORNER = skia.Paint.kRound_Cap, skia.Paint.kRound_Join

FAINT = 13  # of 255: a line of this alpha needs no smooth edge, which takes most of its time


class SkiaCanvas:
    """A ``Canvas`` whose numbers are all floats."""

    def __init__(self, canvas: skia.Canvas) -> None:
        self._canvas, self._shading = canvas, Shading(canvas)
        self.save, self.restore = canvas.save, canvas.restore

    def transform(self, matrix: Matrix) -> None:
        a, b, c, d, e, f = matrix
        self._canvas.concat(skia.Matrix.MakeAll(a, c, e, b, d, f, 0, 0, 1))

    def rotate(self, angle: Any, x: float, y: float) -> None:
        self._canvas.rotate(math.degrees(angle), x, y)

    def clip(self, path: Path) -> None:
        self._canvas.clipPath(_path(path), doAntiAlias=True)

    def draw(self, shape: Shape, *paints: Paint) -> None:
        draw: Callable[[skia.Paint], None] | None = None
        for paint in paints:
            if self._shaded(shape, paint):
                continue
            ink = _ink(paint, _fades_out(shape, paint))
            if ink is not None:
                draw = draw or self._drawer(shape)
                draw(ink)

    def _shaded(self, shape: Shape, paint: Paint) -> bool:
        """Fill a path with an opaque radial gradient, if that is what is asked for and it pays."""
        if not isinstance(shape, Path) or paint.radial is None or paint.width is not None:
            return False
        opaque = all(alpha == 1 for _, alpha in paint.stops)
        return opaque and self._shading.fill(_path(shape), paint)

    def _drawer(self, shape: Shape) -> Callable[[skia.Paint], None]:
        canvas = self._canvas
        if isinstance(shape, Path):
            return functools.partial(canvas.drawPath, _path(shape))
        x, y, wide, high = shape[:4]
        if wide == high and isinstance(shape, Oval):
            return functools.partial(canvas.drawCircle, x, y, wide)
        box = skia.Rect.MakeLTRB(x - wide, y - high, x + wide, y + high)
        if isinstance(shape, Oval):
            return functools.partial(canvas.drawOval, box)
        return functools.partial(canvas.drawRoundRect, box, shape.radius, shape.radius)

    def cover(self, paint: Paint) -> None:
        ink = _ink(paint)
        if ink is not None:
            self._canvas.drawPaint(ink)

    def when(self, condition: Formula, draw: Callable[[], None]) -> None:
        raise TypeError("a skia canvas draws floats, not formulas")


def colour(text: str, alpha: Any = 1.0) -> int:
    """ "#rrggbb" -> skia's colour."""
    byte: int = round(255 * min(max(alpha, 0.0), 1.0))
    return _opaque(text) | byte << 24


@functools.lru_cache(maxsize=256)
def _opaque(text: str) -> int:
    red, green, blue = channels(text)
    return red << 16 | green << 8 | blue


def _fades_out(shape: Shape, paint: Paint) -> bool:
    """Whether a gradient ends transparent at the edge of its own circle."""
    return paint.radial == shape[:3] and paint.stops[-1][1] == 0


def _path(shape: Path) -> skia.Path:
    path = skia.Path()
    add = {2: path.lineTo, 4: path.quadTo, 6: path.cubicTo}
    for line in shape.lines:
        path.moveTo(*line[0])
        for curve in line[1:]:
            add[len(curve)](*curve)
    if shape.closed:
        path.close()
    return path


# fades_out: the edge is transparent, so that it need not be smooth.
# Cached: most paints are the same in every picture, and some shapes share a gradient.
@functools.lru_cache(maxsize=256)
def _ink(paint: Paint, fades_out: bool = False) -> skia.Paint | None:
    """The paint for skia; None if it is fully transparent."""
    colours = _colours(paint.stops)
    if not colours:
        return None
    ink = skia.Paint()
    faint = max(colours) >> 24 <= FAINT
    ink.setAntiAlias(not faint and not fades_out)
    if len(colours) == 1:
        ink.setColor(colours[0])
    else:
        ink.setShader(_gradient(colours, paint.at, paint.linear, paint.radial))
    if paint.width is not None:
        ink.setStyle(LINE)
        ink.setStrokeWidth(paint.width)
        if paint.rounded:
            ink.setStrokeCap(ROUND_END)
            ink.setStrokeJoin(ROUND_CORNER)
    return ink


def _colours(stops: Any) -> tuple[int, ...]:
    """The colours of the stops; empty if all are transparent."""
    colours = tuple([colour(text, alpha) for text, alpha in stops])
    return colours if max(colours) >> 24 else ()


def _gradient(colours: tuple[int, ...], at: Any, linear: Any, radial: Any) -> skia.Shader:
    # A Point, because skia takes twice as long for a tuple.
    if radial is not None:
        x, y, radius = radial
        return skia.GradientShader.MakeRadial(skia.Point(x, y), radius, colours, at)
    x0, y0, x1, y1 = linear
    ends = [skia.Point(x0, y0), skia.Point(x1, y1)]
    return skia.GradientShader.MakeLinear(ends, colours, at)
