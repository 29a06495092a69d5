"""A person's ears and short hair."""

import functools

import numpy as np

from reactface_node.render.brush import HALVES, Brush, Half
from reactface_node.render.canvas import Curve, Oval, Path, fill, linear, open_path, stroke, strokes
from reactface_node.render.face import draw_skin, face_path

# Depths of the hair's silhouette, of the hairline and of the strands.
BACK, FRONT, STRANDS = -10.0, 78.0, 50.0


def draw_behind(brush: Brush) -> None:
    """Draw the ears and the hair on the sides of the skull."""
    for half in HALVES:
        _draw_ear(brush, half)
    back = brush.outline(
        lambda y: BACK,
        (-284, 0),
        (-330, -120, -340, -462, 0, -470),
        (340, -462, 330, -120, 284, 0),
    )
    brush.draw(back, fill(brush.theme.hair_shade))


def _draw_ear(brush: Brush, half: Half) -> None:
    theme, s = brush.theme, half.sign
    x, y = brush.pose.outline(288 * s, 20, -20.0)
    brush.draw(Oval(x, y, 38, 74), fill(theme.skin), stroke(theme.skin_shade, 4, 0.6))
    brush.glow(x - 4 * s, y - 2, 30, 58, theme.skin_shade, 0.9)
    fold = open_path(
        (x + 6 * s, y - 50), (x + 30 * s, y - 40, x + 22 * s, y + 20, x + 4 * s, y + 36)
    )
    brush.draw(fold, stroke(theme.skin_light, 6, 0.5))


def draw_face(brush: Brush) -> None:
    """Draw the skin, and the hair's shadow on the forehead."""
    draw_skin(brush)
    with brush.clipped(brush.once(face_path)):
        brush.draw(brush.once(_fringe), *strokes(brush.theme.line, (56, 30), 0.09))


@functools.cache
def _fringe_depth(y: float) -> float:
    """The depth of the hairline: the sideburns lie on the side of the skull, so a turn moves them
    less."""
    return float(np.interp(y, (-420, -400, -250, -70), (20, FRONT, FRONT, 12)))


def _fringe(brush: Brush) -> Path:
    """The hairline: hair combed from a parting on the subject's left, with two sideburns."""
    return brush.outline(
        _fringe_depth,
        (110, -462),
        (-20, -512, -200, -470, -276, -350),
        (-320, -270, -320, -130, -296, 8),
        (-287, -6, -286, -70, -274, -136),
        (-268, -190, -240, -230, -196, -262),
        (-90, -250, 20, -284, 104, -352),
        (140, -300, 190, -268, 236, -232),
        (268, -190, 286, -80, 296, 8),
        (320, -130, 320, -290, 268, -372),
        (230, -436, 180, -464, 110, -462),
    )


def draw_over(brush: Brush) -> None:
    """Draw the hair with its strands."""
    theme = brush.theme
    comb = linear(-480, -120, [(theme.hair, 1.0), (theme.hair_shade, 1.0)])
    brush.draw(brush.once(_fringe), comb)
    dx, dy = brush.pose.shift(60.0)
    brush.glow(-100 + dx, -390 + dy, 160, 56, theme.hair_light, 0.75)
    brush.glow(196 + dx, -370 + dy, 70, 56, theme.hair_light, 0.5)
    for colour, first in ((theme.hair_light, 0), (theme.hair_shade, 1)):
        brush.draw(_strands(brush, first), stroke(colour, 5, 0.30))


def _strands(brush: Brush, first: int) -> Path:
    """Every second strand in one path: separate calls would take longer than drawing the pixels."""
    lines: list[list[Curve]] = []
    for strand in range(first, 9, 2):
        t = strand / 8
        near, far = (-20 - 10 * t, -476 + 130 * t), (-190 + 20 * t, -450 + 140 * t)
        lines.append([(112 - 20 * t, -452 + 96 * t), (*near, *far, -300 + 74 * t, -190 - 40 * t)])
    for strand in range(first, 4, 2):
        t = strand / 3
        near, far = (190, -440 + 60 * t), (262 - 30 * t, -360 + 50 * t)
        lines.append([(124, -450 + 70 * t), (*near, *far, 300 - 40 * t, -170 - 40 * t)])
    return Path([[brush.turned(lambda y: STRANDS, curve) for curve in line] for line in lines])
