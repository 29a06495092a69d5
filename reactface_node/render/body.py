"""The parts that never move and are drawn once: background, neck and shoulders."""

from reactface_node.render.brush import Brush
from reactface_node.render.canvas import closed, linear, open_path, radial, stroke
from reactface_node.render.formula import Number


def draw_background(brush: Brush, reach: Number) -> None:
    """Draw the background; ``reach`` is the picture's half diagonal in units."""
    theme = brush.theme
    brush.cover(radial(0, -60, reach, [(theme.background, 1.0), (theme.background_edge, 1.0)]))


def draw_body(brush: Brush) -> None:
    """Draw the neck and the shoulders."""
    theme = brush.theme
    if theme.head == "hair":
        _draw_neck(brush, theme.skin, theme.skin_shade)
    else:
        _draw_neck(brush, theme.hair_shade, theme.hair_shade)
        _draw_rings(brush)
    _draw_shoulders(brush)


def _draw_neck(brush: Brush, light: str, shade: str) -> None:
    neck = closed(
        (-104, 200),
        (-108, 330, -106, 400, -176, 452),
        (-150, 700),
        (150, 700),
        (176, 452),
        (106, 400, 108, 330, 104, 200),
    )
    brush.draw(neck, linear(330, 480, [(shade, 1.0), (light, 1.0)]))
    with brush.clipped(neck):
        brush.glow(0, 330, 190, 96, brush.theme.line, 0.55)
        for side in (-1, 1):
            brush.glow(118 * side, 420, 60, 120, brush.theme.line, 0.28)


def _draw_rings(brush: Brush) -> None:
    """Draw the rings of a robot's neck, along which it bends."""
    dark, light = stroke(brush.theme.line, 7, 0.30), stroke(brush.theme.hair_light, 2.5, 0.45)
    for y in (392, 420, 448):
        wide = 106 + (y - 392) * 0.25
        ring = open_path((-wide, y), (-wide * 0.6, y + 15, wide * 0.6, y + 15, wide, y))
        brush.draw(ring, dark, light)


def _draw_shoulders(brush: Brush) -> None:
    theme, robot = brush.theme, brush.theme.head != "hair"
    rise = 12 if robot else 0
    clothes = closed(
        (-640, 900),
        (-640, 560 - rise, -360, 484 - rise, -158, 446),
        (-96, 512, 96, 512, 158, 446),
        (360, 484 - rise, 640, 560 - rise, 640, 900),
    )
    stops = [(theme.clothes_light, 1.0), (theme.clothes, 1.0)]
    brush.draw(clothes, linear(446, 660, stops))
    with brush.clipped(clothes):
        brush.glow(0, 470, 330, 80, theme.line if robot else theme.hair_shade, 0.35)
    collar = open_path((-160, 446), (-96, 514, 96, 514, 160, 446))
    if robot:
        brush.draw(collar, stroke(theme.hair_shade, 20), stroke(theme.accent, 9))
    else:
        brush.draw(collar, stroke(theme.clothes, 16))
