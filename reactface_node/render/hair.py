"""A person's ears and short hair."""

import numpy as np
import skia

from reactface_node.render.brush import (
    HALVES,
    Brush,
    Half,
    fill,
    glow,
    linear,
    open_path,
    oval,
    stroke,
)
from reactface_node.render.face import draw_skin, face_path

BACK, FRONT = -10.0, 78.0  # depths of the hair's silhouette and of the hairline


def draw_behind(brush: Brush) -> None:
    """Ears, and the hair on the sides of the skull."""
    theme = brush.theme
    for half in HALVES:
        _draw_ear(brush, half)
    back = brush.outline(
        lambda y: BACK,
        (-284, 0),
        (-330, -120, -340, -462, 0, -470),
        (340, -462, 330, -120, 284, 0),
    )
    brush.canvas.drawPath(back, fill(theme.hair_shade))


def _draw_ear(brush: Brush, half: Half) -> None:
    theme, canvas, s = brush.theme, brush.canvas, half.sign
    x, y = brush.pose.outline(288 * s, 20, -20.0)
    canvas.drawOval(oval(x, y, 38, 74), fill(theme.skin))
    canvas.drawOval(oval(x, y, 38, 74), stroke(theme.skin_shade, 4, 0.6))
    glow(canvas, x - 4 * s, y - 2, 30, 58, theme.skin_shade, 0.9)
    fold = open_path(
        (x + 6 * s, y - 50), (x + 30 * s, y - 40, x + 22 * s, y + 20, x + 4 * s, y + 36)
    )
    canvas.drawPath(fold, stroke(theme.skin_light, 6, 0.5))


def draw_face(brush: Brush) -> None:
    """The skin, and the hair's shadow on the forehead."""
    draw_skin(brush)
    with brush.clipped(face_path(brush)):
        path = _fringe(brush)
        for width in (56, 30):
            brush.canvas.drawPath(path, stroke(brush.theme.line, width, 0.09))


def _fringe(brush: Brush) -> skia.Path:
    """Swept from a parting on the subject's left, with a sideburn on either side."""

    def depth(y: float) -> float:
        # The sideburns lie on the side of the skull, which a turn moves less.
        return float(np.interp(y, (-420, -400, -250, -70), (20, FRONT, FRONT, 12)))

    return brush.outline(
        depth,
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
    """Hair with strands that follow the comb."""
    theme, canvas = brush.theme, brush.canvas
    path = _fringe(brush)
    canvas.drawPath(path, linear(-480, -120, [(theme.hair, 1.0), (theme.hair_shade, 1.0)]))
    dx, dy = brush.pose.shift(60.0)
    glow(canvas, -100 + dx, -390 + dy, 160, 56, theme.hair_light, 0.75)
    glow(canvas, 196 + dx, -370 + dy, 70, 56, theme.hair_light, 0.5)
    for colour, first in ((theme.hair_light, 0), (theme.hair_shade, 1)):
        canvas.drawPath(_strands(brush, first), stroke(colour, 5, 0.30))


def _strands(brush: Brush, first: int) -> skia.Path:
    """Every second strand as one path: a call for each would take longer than its pixels."""
    path = skia.Path()
    for strand in range(first, 9, 2):
        t = strand / 8
        start = (112 - 20 * t, -452 + 96 * t)
        bend = (
            -20 - 10 * t,
            -476 + 130 * t,
            -190 + 20 * t,
            -450 + 140 * t,
            -300 + 74 * t,
            -190 - 40 * t,
        )
        path.moveTo(*brush.turned(_strand_depth, start))
        path.cubicTo(*brush.turned(_strand_depth, bend))
    for strand in range(first, 4, 2):
        t = strand / 3
        bend = (190, -440 + 60 * t, 262 - 30 * t, -360 + 50 * t, 300 - 40 * t, -170 - 40 * t)
        path.moveTo(*brush.turned(_strand_depth, (124, -450 + 70 * t)))
        path.cubicTo(*brush.turned(_strand_depth, bend))
    return path


def _strand_depth(y: float) -> float:
    del y
    return 50.0
