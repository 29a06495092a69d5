"""A shell around the head and the cheeks, with round ears."""

import math

from reactface_node.render.brush import HALVES, Brush, Half
from reactface_node.render.canvas import (
    Curve,
    Oval,
    Path,
    blend,
    circle,
    closed,
    fill,
    open_path,
    radial,
    stroke,
    strokes,
)
from reactface_node.render.face import clipped_to_face, draw_skin
from reactface_node.render.formula import larger

EDGE, RIM = 24.0, 92.0  # depths of the shell's silhouette and of its front rim
EAR_X, EAR_Y, EAR_HIGH = 322.0, 6.0, 96.0


def draw_behind(brush: Brush) -> None:
    """Draw the inside of the shell, which is visible when the face turns away."""
    dark = fill(blend(brush.theme.hair_shade, brush.theme.line, 0.25))
    for half in HALVES:
        s = half.sign
        # The face always hides the middle.
        inside = brush.outline(
            lambda y: EDGE,
            (150 * s, -400),
            (300 * s, -370, 330 * s, -220, 326 * s, -60),
            (322 * s, 120, 300 * s, 230, 236 * s, 296),
            (180 * s, 250, 160 * s, 200, 150 * s, 160),
        )
        brush.draw(inside, dark)


def draw_face(brush: Brush) -> None:
    """Draw the skin, and the shadow of the rim on it."""
    draw_skin(brush)
    dx, dy = brush.pose.shift(RIM)
    brush.glow(dx, -312 + dy, 236, 120, brush.theme.line, 0.50)
    with clipped_to_face(brush):
        brush.draw(_rim(brush), *strokes(brush.theme.line, (64, 46, 28), 0.045))


def _rim(brush: Brush) -> Path:
    """The shell's edge on the face, from one cheek over the forehead to the other."""
    curves: list[Curve] = [
        (-224, 276),
        (-268, 206, -286, 76, -276, -34),
        (-268, -244, -170, -312, 0, -312),
        (170, -312, 268, -244, 276, -34),
        (286, 76, 268, 206, 224, 276),
    ]
    return open_path(*(brush.turned(lambda y: RIM, curve) for curve in curves))


def draw_over(brush: Brush) -> None:
    """Draw the shell, which is open at the chin, and its ears."""
    theme = brush.theme
    hood = _hood(brush)
    dx, dy = brush.pose.shift(60.0)
    stops = [(theme.hair_light, 1.0), (theme.hair, 1.0), (theme.hair, 1.0), (theme.hair_shade, 1.0)]
    light = radial(-70 + dx, -290 + dy, 640, stops, (0.0, 0.3, 0.55, 1.0))
    brush.draw(hood, light, stroke(blend(theme.hair_shade, theme.line, 0.2), 5, 0.5))
    _draw_seam(brush)
    _draw_shine(brush)
    _draw_lamp(brush)
    for half in HALVES:
        _draw_ear(brush, half)


def _hood(brush: Brush) -> Path:
    between = (EDGE + RIM) / 2
    half = [
        [(0, -462, EDGE)],
        [(236, -462, EDGE), (336, -310, EDGE), (334, -70, EDGE)],
        [(334, 120, EDGE), (312, 236, EDGE), (238, 306, between)],
        [(222, 320, RIM), (206, 306, RIM), (220, 284, RIM)],
        [(268, 210, RIM), (286, 80, RIM), (276, -40, RIM)],
        [(268, -250, RIM), (170, -318, RIM), (0, -318, RIM)],
    ]
    # The other half is mirrored and in reverse order, from the rim's middle to the top.
    back = [(-x, y, depth) for curve in half for x, y, depth in curve][::-1][1:]
    curves = half + [back[i : i + 3] for i in range(0, len(back), 3)]
    place = brush.pose.outline
    return closed(*(tuple(v for point in curve for v in place(*point)) for curve in curves))


def _draw_seam(brush: Brush) -> None:
    """Draw the seam between the front panel and the shell."""
    depth = (EDGE + RIM) / 2
    curves: list[Curve] = [
        (-300, 150),
        (-312, 40, -308, -20, -304, -76),
        (-292, -300, -200, -402, 0, -402),
        (200, -402, 292, -300, 304, -76),
        (308, -20, 312, 40, 300, 150),
    ]
    seam = open_path(*(brush.turned(lambda y: depth, curve) for curve in curves))
    light, dark = stroke(brush.theme.hair_light, 7, 0.9), stroke(brush.theme.hair_shade, 3, 0.75)
    brush.draw(seam, light, dark)


def _draw_shine(brush: Brush) -> None:
    dx, dy = brush.pose.shift(50.0)
    with brush.kept():
        brush.move(dx, dy)
        brush.rotate(math.radians(-24), -170, -350)
        brush.glow(-170, -350, 120, 34, brush.theme.hair_light, 0.95)


def _draw_lamp(brush: Brush) -> None:
    """Draw a small lamp on the forehead."""
    theme = brush.theme
    x, y = brush.pose.outline(0, -362, RIM)
    brush.glow(x, y, 44, 58, theme.accent, 0.5)
    brush.draw(Oval(x, y, 15, 20), fill(theme.hair_shade))
    brush.draw(Oval(x, y, 11, 15), fill(theme.accent))
    brush.draw(circle(x - 3, y - 5, 4), fill("#ffffff", 0.8))


def _draw_ear(brush: Brush, half: Half) -> None:
    """Draw a round ear; in a turn of the head one becomes wider and the other narrower."""
    theme, s = brush.theme, half.sign
    facing = -s * brush.pose.sin_turn
    wide = larger(34 + 62 * facing, 10.0)
    x, y = brush.pose.outline(EAR_X * s, EAR_Y, -10.0)
    x += s * (6 - 0.2 * wide) - s * larger(0.0, 60 * facing)
    brush.draw(Oval(x + 2 * s, y + 6, wide + 6, EAR_HIGH + 6), fill(theme.line, 0.12))
    body = [(theme.hair_light, 1.0), (theme.hair, 1.0), (theme.hair_shade, 1.0)]
    light = radial(x - 10, y - 44, 190, body, (0.0, 0.45, 1.0))
    brush.draw(Oval(x, y, wide, EAR_HIGH), light, stroke(theme.line, 3, 0.18))
    face = x + s * 5
    brush.draw(Oval(face, y, wide * 0.70, EAR_HIGH * 0.70), fill(theme.accent))
    cup = Oval(face, y, wide * 0.46, EAR_HIGH * 0.46)
    brush.draw(cup, fill(theme.hair), stroke(theme.line, 3, 0.15))
