"""What never moves and is drawn once: background, neck and shoulders."""

import skia

from reactface_node.render.brush import closed, glow, linear, open_path, radial, stroke
from reactface_node.render.theme import Theme


def draw_background(canvas: skia.Canvas, theme: Theme, reach: float) -> None:
    """Behind everything; ``reach`` is the picture's half diagonal in units."""
    stops = [(theme.background, 1.0), (theme.background_edge, 1.0)]
    canvas.drawPaint(radial(0, -60, reach, stops))


def draw_body(canvas: skia.Canvas, theme: Theme) -> None:
    """Neck and shoulders."""
    if theme.head == "hair":
        _draw_neck(canvas, theme, theme.skin, theme.skin_shade)
    else:
        _draw_neck(canvas, theme, theme.hair_shade, theme.hair_shade)
        _draw_rings(canvas, theme)
    _draw_shoulders(canvas, theme)


def _draw_neck(canvas: skia.Canvas, theme: Theme, light: str, shade: str) -> None:
    neck = closed(
        (-104, 200),
        (-108, 330, -106, 400, -176, 452),
        (-150, 700),
        (150, 700),
        (176, 452),
        (106, 400, 108, 330, 104, 200),
    )
    canvas.drawPath(neck, linear(330, 480, [(shade, 1.0), (light, 1.0)]))
    canvas.save()
    canvas.clipPath(neck, doAntiAlias=True)
    glow(canvas, 0, 330, 190, 96, theme.line, 0.55)
    for side in (-1, 1):
        glow(canvas, 118 * side, 420, 60, 120, theme.line, 0.28)
    canvas.restore()


def _draw_rings(canvas: skia.Canvas, theme: Theme) -> None:
    """A robot's neck bends."""
    for y in (392, 420, 448):
        wide = 106 + (y - 392) * 0.25
        ring = open_path((-wide, y), (-wide * 0.6, y + 15, wide * 0.6, y + 15, wide, y))
        canvas.drawPath(ring, stroke(theme.line, 7, 0.30))
        canvas.drawPath(ring, stroke(theme.hair_light, 2.5, 0.45))


def _draw_shoulders(canvas: skia.Canvas, theme: Theme) -> None:
    robot = theme.head != "hair"
    rise = 12 if robot else 0
    clothes = closed(
        (-640, 900),
        (-640, 560 - rise, -360, 484 - rise, -158, 446),
        (-96, 512, 96, 512, 158, 446),
        (360, 484 - rise, 640, 560 - rise, 640, 900),
    )
    stops = [(theme.clothes_light, 1.0), (theme.clothes, 1.0)]
    canvas.drawPath(clothes, linear(446, 660, stops))
    canvas.save()
    canvas.clipPath(clothes, doAntiAlias=True)
    glow(canvas, 0, 470, 330, 80, theme.line if robot else theme.hair_shade, 0.35)
    canvas.restore()
    collar = open_path((-160, 446), (-96, 514, 96, 514, 160, 446))
    if not robot:
        canvas.drawPath(collar, stroke(theme.clothes, 16))
        return
    canvas.drawPath(collar, stroke(theme.hair_shade, 20))
    canvas.drawPath(collar, stroke(theme.accent, 9))
