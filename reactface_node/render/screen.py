"""A robot's head with a display as its face: bright features behind dark glass."""

from reactface_node.render.brush import HALVES, Brush
from reactface_node.render.canvas import (
    Box,
    Path,
    closed,
    fill,
    linear,
    open_path,
    radial,
    stroke,
)
from reactface_node.render.lips import JAW_DROP

EDGE, GLASS = 30.0, 130.0  # depths of the housing's silhouette and of the display
WIDE, HIGH, LOW = 326.0, -372.0, 396.0


def _rounded(brush: Brush, x: float, top: float, bottom: float, depth: float) -> Path:
    """A rounded square that is a little wider at its middle."""
    mid, round_x, round_y = (top + bottom) / 2, 0.62 * x, 0.30 * (bottom - top)
    return brush.outline(
        lambda y: depth,
        (0, top),
        (round_x, top, x - 6, top + 6, x, mid - round_y * 0.2),
        (x - 2, bottom - 6, round_x, bottom, 0, bottom),
        (-round_x, bottom, -x + 2, bottom - 6, -x, mid - round_y * 0.2),
        (-x + 6, top + 6, -round_x, top, 0, top),
    )


def draw_behind(brush: Brush) -> None:
    """Draw the antennae and the housing."""
    theme = brush.theme
    for half in HALVES:
        x, y = brush.pose.outline((WIDE + 22) * half.sign, 0, -20.0)
        pod = Box(x, y, 34, 92, 30)
        brush.draw(pod, fill(theme.hair_shade), stroke(theme.hair_light, 4, 0.35))
        brush.glow(x + 16 * half.sign, y, 56, 110, theme.accent, 0.45)
        brush.draw(Box(x + 14 * half.sign, y, 7, 52, 7), fill(theme.accent))
    housing = _rounded(brush, WIDE + 30, HIGH - 50, LOW + 44, EDGE)
    dx, dy = brush.pose.shift(60.0)
    stops = [(theme.hair_light, 1.0), (theme.hair, 1.0), (theme.hair_shade, 1.0)]
    light = radial(-90 + dx, -330 + dy, 800, stops, (0.0, 0.35, 1.0))
    brush.draw(housing, light, stroke(theme.hair_light, 4, 0.30))


def draw_face(brush: Brush) -> None:
    """Draw the glass with a faint light behind it, and a line that moves with the jaw."""
    theme = brush.theme
    glass = _rounded(brush, WIDE - 16, HIGH, LOW, GLASS)
    dx, dy = brush.pose.shift(GLASS)
    stops = [(theme.skin_light, 1.0), (theme.skin, 1.0), (theme.skin_shade, 1.0)]
    light = radial(dx, 20 + dy, 430, stops, (0.0, 0.7, 1.0))
    brush.draw(glass, light, stroke(theme.hair_shade, 12), stroke(theme.accent, 3, 0.35))
    with brush.at(0, 320):
        c = brush.controls
        drop = 0.5 * JAW_DROP * c["jawOpen"] - 8 * c["mouthShrugLower"]
        m = 36 * (c["jawLeft"] - c["jawRight"])
        chin = open_path((m - 62, drop - 8), (m - 34, drop + 8, m + 34, drop + 8, m + 62, drop - 8))
        brush.draw(chin, stroke(theme.line, 6, 0.45))
        for half in HALVES:
            x = 214 * half.sign
            puff = open_path((x, -200), (x + 62 * half.sign, -140, x, -72))
            brush.draw(puff, stroke(theme.line, 7, 0.6 * c["cheekPuff"]))


def draw_over(brush: Brush) -> None:
    """Draw a reflection on the glass, which does not move with the head."""
    with brush.clipped(_rounded(brush, WIDE - 22, HIGH + 6, LOW - 6, GLASS)):
        streak = closed((-340, -160), (-60, -400), (80, -400), (-340, -30))
        brush.draw(streak, linear(-400, 60, [("#ffffff", 0.10), ("#ffffff", 0.02)]))
