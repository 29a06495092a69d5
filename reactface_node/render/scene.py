"""The whole picture: its still parts, and the moving head over them.

This and the modules that it calls describe the face once. They draw on any ``Canvas`` and compute
with any ``Number``: ``avatar`` draws a picture with skia, ``program`` records a program that the
page plays in a browser.
"""

from types import ModuleType

from reactface_node.render import hair, screen, shell
from reactface_node.render.body import draw_background, draw_body
from reactface_node.render.brows import draw_brows
from reactface_node.render.brush import Brush
from reactface_node.render.eyes import draw_eyes
from reactface_node.render.face import draw_cheeks, draw_nose
from reactface_node.render.formula import Number, root, smaller
from reactface_node.render.mouth import draw_mouth

UNITS = 1000.0  # of the picture's shorter side
CENTRE_Y = 26.0  # units by which the face is below the picture's middle
# The modules that draw the head around the features, by the theme's ``head``.
HEADS: dict[str, ModuleType] = {"shell": shell, "hair": hair, "screen": screen}


def draw_still(brush: Brush, width: Number, height: Number) -> None:
    """Draw the parts that are the same in every picture of this size; they cover it completely."""
    with brush.kept():
        _to_units(brush, width, height)
        reach = UNITS * 0.5 * root(width * width + height * height) / smaller(width, height)
        draw_background(brush, reach)
        draw_body(brush)


def draw_head(brush: Brush, width: Number, height: Number) -> None:
    """Draw the head as the coefficients move it, after ``draw_still``."""
    around = HEADS[brush.theme.head]
    with brush.kept():
        _to_units(brush, width, height)
        with brush.head():
            around.draw_behind(brush)
            around.draw_face(brush)
            draw_cheeks(brush)
            draw_mouth(brush)
            draw_eyes(brush)
            draw_nose(brush)
            draw_brows(brush)
            around.draw_over(brush)


def _to_units(brush: Brush, width: Number, height: Number) -> None:
    brush.move(width / 2, height / 2)
    scale = smaller(width, height) / UNITS
    brush.scale(scale, scale)
    brush.move(0.0, CENTRE_Y)
