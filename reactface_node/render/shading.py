"""Fills large shapes with radial gradients that are computed once and kept as images."""

import math
from bisect import bisect_right
from typing import Any

import skia

from reactface_node.render.canvas import Paint, channels

STEP = math.log(1.005)  # between the radii of the images, on a logarithmic scale
TILE = 32  # the sides of an image are multiples of so many pixels
SMALLEST, LARGEST = 64 * 64, 1 << 22  # areas, in pixels, for which images are used
KEPT = 8  # images
AROUND = ((-0.5, 0.0), (0.5, 0.0), (0.0, -0.5), (0.0, 0.5))  # a pixel's middle

Reach = tuple[int, int, int, int]
"""Left, top, right and bottom of an image, in pixels from the gradient's centre."""


class Shading:
    """The gradients of one canvas.

    Skia computes a gradient in 5 ns a pixel and copies an image in 0.1 ns. The image is moved by
    whole pixels and its radius is rounded; no colour changes by more than 1 of 255. The pixels at
    the shape's edge, which are covered only in part, have the mean colour of the edge.
    """

    def __init__(self, canvas: skia.Canvas) -> None:
        self._canvas = canvas
        self._images: dict[tuple[Paint, int], tuple[Reach, skia.Image]] = {}

    def fill(self, path: skia.Path, paint: Paint) -> bool:
        """Fill the path; False if nothing was done, as a gradient is as fast for its size."""
        canvas = self._canvas
        matrix = canvas.getTotalMatrix()
        box = matrix.mapRect(path.getBounds())
        if paint.radial is None or not box.intersect(skia.Rect.Make(canvas.getDeviceClipBounds())):
            return False
        if not SMALLEST <= box.width() * box.height() <= LARGEST:
            return False
        x, y, radius = paint.radial
        centre = matrix.mapXY(x, y)
        left, top = round(centre.x()), round(centre.y())
        size = round(math.log(radius * matrix.mapRadius(1.0)) / STEP)
        low = _down(box.left() - left), _down(box.top() - top)
        high = -_down(left - box.right()), -_down(top - box.bottom())
        reach, image = self._image(paint._replace(radial=None), size, (*low, *high))
        canvas.drawPath(path, skia.Paint(AntiAlias=True, Color=_edge_colour(path, paint)))
        canvas.save()
        canvas.clipRegion(_inside(path, matrix, box.roundOut()))
        canvas.resetMatrix()
        canvas.drawImage(image, left + reach[0], top + reach[1])
        canvas.restore()
        return True

    def _image(self, paint: Paint, size: int, need: Reach) -> tuple[Reach, skia.Image]:
        """An image that reaches at least as far as needed."""
        found = self._images.pop((paint, size), None)
        if found is None or not _covers(found[0], need):
            found = need, _draw(paint, math.exp(size * STEP), need)
        self._images[paint, size] = found
        if len(self._images) > KEPT:
            del self._images[next(iter(self._images))]
        return found


def _down(distance: float) -> int:
    return math.floor(distance / TILE) * TILE


def _covers(reach: Reach, need: Reach) -> bool:
    left, top, right, bottom = reach
    return left <= need[0] and top <= need[1] and right >= need[2] and bottom >= need[3]


def _draw(paint: Paint, radius: float, reach: Reach) -> skia.Image:
    left, top, right, bottom = reach
    opaque = skia.kRGBA_8888_ColorType, skia.kOpaque_AlphaType
    surface = skia.Surface.MakeRaster(skia.ImageInfo.Make(right - left, bottom - top, *opaque))
    colours = [_packed(*channels(text)) for text, _ in paint.stops]
    shader = skia.GradientShader.MakeRadial(skia.Point(-left, -top), radius, colours, paint.at)
    surface.getCanvas().drawPaint(skia.Paint(Shader=shader))
    return surface.makeImageSnapshot()


def _inside(path: skia.Path, matrix: skia.Matrix, box: skia.IRect) -> skia.Region:
    """The pixels of the canvas that the path covers completely."""
    bounds, moved, inside = skia.Region(box), skia.Path(), skia.Region(box)
    path.transform(matrix, moved)
    for dx, dy in AROUND:
        there, part = skia.Path(moved), skia.Region()
        there.offset(dx, dy)
        part.setPath(there, bounds)
        inside.op(part, skia.Region.kIntersect_Op)
    return inside


def _edge_colour(path: skia.Path, paint: Paint) -> int:
    """The gradient's colour at the mean distance of the path's points."""
    about: Any = paint.radial
    x, y, radius = about
    points = path.getPoints(path.countPoints())
    far = sum(math.hypot(point.x() - x, point.y() - y) for point in points) / len(points)
    last = len(paint.stops) - 1
    at = paint.at or [place / last for place in range(last + 1)]
    share = min(far / radius, 1.0)
    place = min(bisect_right(at, share), last)
    begin, end = (channels(paint.stops[i][0]) for i in (place - 1, place))
    part = (share - at[place - 1]) / (at[place] - at[place - 1])
    return _packed(*(round(a + (b - a) * part) for a, b in zip(begin, end, strict=True)))


def _packed(red: int, green: int, blue: int) -> int:
    return 0xFF << 24 | red << 16 | green << 8 | blue
