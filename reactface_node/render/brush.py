"""What every part of the face draws with: weights by name, a layer's parallax, paints."""

import functools
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import skia

from reactface_node.render.pose import Pose
from reactface_node.render.theme import Theme
from reactface_node.schema import ARKIT_NAMES, EXPRESSION, NUM_COEFFICIENTS, ROTATION, TRANSLATION

UNITS_PER_METRE = 3300.0  # the face is about 0.23 m and 760 units high
LARGEST_TURN = math.radians(45)
LARGEST_SHIFT_M = 0.25
NECK = 330.0  # the head turns about this point below its middle


class Controls:
    """(58,) coefficients, cleaned: weights by name in 0..1, angles and shift within reason."""

    def __init__(self, coefficients: np.ndarray):
        clean = np.nan_to_num(np.asarray(coefficients, np.float64), posinf=0.0, neginf=0.0)
        if clean.shape != (NUM_COEFFICIENTS,):
            raise ValueError(f"a face has {NUM_COEFFICIENTS} coefficients, not {clean.shape}")
        weights = clean[EXPRESSION].clip(0.0, 1.0).tolist()
        self._weights = dict(zip(ARKIT_NAMES, weights, strict=True))
        self.turn = clean[ROTATION].clip(-LARGEST_TURN, LARGEST_TURN)
        self.shift = clean[TRANSLATION].clip(-LARGEST_SHIFT_M, LARGEST_SHIFT_M)

    def __getitem__(self, name: str) -> float:
        return self._weights[name]

    def both(self, stem: str) -> float:
        """Mean of a left and a right weight."""
        return (self._weights[stem + "Left"] + self._weights[stem + "Right"]) / 2


@dataclass(frozen=True)
class Half:
    """One half of the face; the subject's left is on the image's right."""

    name: str
    sign: float

    def weight(self, controls: Controls, stem: str) -> float:
        return controls[stem + self.name]


HALVES = (Half("Right", -1.0), Half("Left", 1.0))


def mix(a: float, b: float, share: float) -> float:
    return a + (b - a) * share


@functools.lru_cache(maxsize=256)
def _channels(text: str) -> tuple[int, int, int]:
    red, green, blue = (int(text[i : i + 2], 16) for i in (1, 3, 5))
    return red, green, blue


def colour(text: str, alpha: float = 1.0) -> int:
    """ "#rrggbb" -> skia's colour."""
    return skia.Color(*_channels(text), round(255 * min(max(alpha, 0.0), 1.0)))


def blend(text: str, other: str, share: float) -> str:
    """The first colour with a share of the other, as "#rrggbb"."""
    pairs = zip(_channels(text), _channels(other), strict=True)
    return "#" + "".join(f"{round(mix(a, b, share)):02x}" for a, b in pairs)


def fill(text: str, alpha: float = 1.0, blur: float = 0.0) -> skia.Paint:
    """A flat paint; ``blur`` softens its edge."""
    paint = skia.Paint(AntiAlias=True, Color=colour(text, alpha))
    if blur:
        paint.setMaskFilter(skia.MaskFilter.MakeBlur(skia.kNormal_BlurStyle, blur))
    return paint


def stroke(text: str, width: float, alpha: float = 1.0) -> skia.Paint:
    return skia.Paint(
        AntiAlias=True,
        Color=colour(text, alpha),
        Style=skia.Paint.kStroke_Style,
        StrokeWidth=width,
        StrokeCap=skia.Paint.kRound_Cap,
        StrokeJoin=skia.Paint.kRound_Join,
    )


def radial(
    x: float,
    y: float,
    radius: float,
    stops: Sequence[tuple[str, float]],
    at: list[float] | None = None,
) -> skia.Paint:
    """A radial gradient through (colour, alpha) stops."""
    colours = [colour(text, alpha) for text, alpha in stops]
    shader = skia.GradientShader.MakeRadial((x, y), radius, colours, at)
    return skia.Paint(AntiAlias=True, Shader=shader)


def oval(x: float, y: float, wide: float, high: float) -> skia.Rect:
    """The box of an ellipse by its middle and its two radii."""
    return skia.Rect.MakeLTRB(x - wide, y - high, x + wide, y + high)


def glow(
    canvas: skia.Canvas,
    x: float,
    y: float,
    wide: float,
    high: float,
    text: str,
    alpha: float,
    at: list[float] | None = None,
) -> None:
    """A soft ellipse that fades to nothing: what a blur would give, at a fraction of its cost."""
    if wide <= 0:
        return
    canvas.save()
    canvas.translate(x, y)
    canvas.scale(1, high / wide)
    stops = [(text, alpha), (text, alpha * 0.45), (text, 0.0)]
    canvas.drawCircle(0, 0, wide, radial(0, 0, wide, stops, at or [0.0, 0.5, 1.0]))
    canvas.restore()


def linear(top: float, bottom: float, stops: Sequence[tuple[str, float]]) -> skia.Paint:
    """A vertical gradient through (colour, alpha) stops."""
    colours = [colour(text, alpha) for text, alpha in stops]
    shader = skia.GradientShader.MakeLinear([(0, top), (0, bottom)], colours)
    return skia.Paint(AntiAlias=True, Shader=shader)


def across(left: float, right: float, stops: Sequence[tuple[str, float]]) -> skia.Paint:
    """A horizontal gradient through (colour, alpha) stops."""
    colours = [colour(text, alpha) for text, alpha in stops]
    shader = skia.GradientShader.MakeLinear([(left, 0), (right, 0)], colours)
    return skia.Paint(AntiAlias=True, Shader=shader)


class Brush:
    """One frame's canvas with theme and controls, in a space of 1000 units, y down."""

    def __init__(self, canvas: skia.Canvas, theme: Theme, controls: Controls):
        self.canvas, self.theme, self.controls = canvas, theme, controls
        self.pose = Pose(float(controls.turn[0]), float(controls.turn[1]))

    @contextmanager
    def at(self, x: float, y: float, lift: float = 0.0) -> Iterator[None]:
        """(0, 0) is that point of the face, ``lift`` units above its surface."""
        self.canvas.save()
        self.canvas.concat(self.pose.surface(x, y, lift))
        try:
            yield
        finally:
            self.canvas.restore()

    def outline(self, depth: Callable[[float], float], *curves: tuple[float, ...]) -> skia.Path:
        """As ``closed``, for a silhouette whose points lie ``depth(y)`` before the axis."""
        return closed(*(self.turned(depth, curve) for curve in curves))

    def turned(
        self, depth: Callable[[float], float], curve: tuple[float, ...]
    ) -> tuple[float, ...]:
        """The points of a curve, moved with the head."""
        turned: list[float] = []
        for x, y in zip(curve[::2], curve[1::2], strict=True):
            turned += self.pose.outline(x, y, depth(y))
        return tuple(turned)

    @contextmanager
    def head(self) -> Iterator[None]:
        """Tilt about the neck and translation of the whole head."""
        left, up, near = self.controls.shift
        self.canvas.save()
        self.canvas.translate(UNITS_PER_METRE * left, -UNITS_PER_METRE * up)
        zoom = 1.0 + 1.5 * near
        self.canvas.scale(zoom, zoom)
        self.canvas.rotate(-math.degrees(self.controls.turn[2]), 0, NECK)
        try:
            yield
        finally:
            self.canvas.restore()

    @contextmanager
    def clipped(self, path: skia.Path) -> Iterator[None]:
        """Inside the path only."""
        self.canvas.save()
        self.canvas.clipPath(path, doAntiAlias=True)
        try:
            yield
        finally:
            self.canvas.restore()


def closed(*curves: tuple[float, ...]) -> skia.Path:
    """A closed path: a start (x, y), then lines (2), quadratics (4) and cubics (6 numbers)."""
    path = open_path(*curves)
    path.close()
    return path


def open_path(*curves: tuple[float, ...]) -> skia.Path:
    """As ``closed``, left open."""
    path = skia.Path()
    path.moveTo(*curves[0])
    for curve in curves[1:]:
        {2: path.lineTo, 4: path.quadTo, 6: path.cubicTo}[len(curve)](*curve)
    return path
