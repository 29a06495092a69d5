"""Brows, and the folds of the forehead that they make."""

from reactface_node.render.brush import HALVES, Brush, Half, mix
from reactface_node.render.canvas import closed, fill, open_path, stroke, strokes
from reactface_node.render.formula import larger

BROW_X, BROW_Y = 130.0, -148.0
INNER_X, OUTER_X = -74.0, 80.0  # of a brow's ends, from its middle outwards
LIFT = 10.0


def draw_brows(brush: Brush) -> None:
    """Draw both brows, and the lines on the forehead of raised or knitted ones."""
    for half in HALVES:
        with brush.at(BROW_X * half.sign, BROW_Y, LIFT):
            brush.scale(half.sign, 1.0)
            _draw_brow(brush, half)
    with brush.at(0, BROW_Y, LIFT):
        _draw_forehead(brush)


def _draw_brow(brush: Brush, half: Half) -> None:
    """Draw a brow as a tapered arc whose two ends and middle move separately. browDown pulls the
    inner end most; together with browInnerUp it makes a worried, knitted brow."""
    c, theme = brush.controls, brush.theme
    down, inner_up = half.weight(c, "browDown"), c["browInnerUp"]
    outer_up = half.weight(c, "browOuterUp")
    # Natural brows rise less than drawn ones; a face tracker fails on brows that rise further.
    natural = min(theme.relief, 1.0)
    raised = mix(46.0, 35.0, natural)
    squeeze = 16 * down + 6 * inner_up * down
    ix, ox = INNER_X - squeeze, OUTER_X
    iy = (
        mix(-4.0, 2.0, natural)
        - raised * inner_up
        + 42 * down * (1 - 0.6 * inner_up)
        - 6 * outer_up
    )
    oy = 6 - raised * outer_up + 14 * down + 9 * inner_up
    my = 0.42 * iy + 0.58 * oy - 28 - 13 * outer_up + 13 * down + 4 * inner_up
    thick = 12 * theme.brow_size
    path = closed(
        (ix, iy - thick * 0.55),
        (ix + 40, my - thick * 1.5, 26, my - thick * 1.2, ox, oy),
        (26, my + thick * 0.8, ix + 46, my + thick * 1.1, ix + 4, iy + thick * 1.05),
        (ix - 5, iy + thick * 0.9, ix - 6, iy - thick * 0.4, ix, iy - thick * 0.55),
    )
    if theme.glows:
        brush.draw(path, *strokes(theme.brow, (30, 20, 12), 0.09))
    brush.draw(path, fill(theme.brow, 0.94), stroke(theme.brow, 5, 0.94))


def _draw_forehead(brush: Brush) -> None:
    c, theme = brush.controls, brush.theme
    depth = 0.24 + 0.1 * theme.relief
    for half in HALVES:
        s, frown = half.sign, half.weight(c, "browDown")
        raised = larger(c["browInnerUp"], 0.85 * half.weight(c, "browOuterUp"))
        for row in range(2):
            y = -78 - 26 * row - 14 * raised
            end = (112 - 16 * row) * s
            line = open_path((2 * s, y - 6), (50 * s, y - 7, 84 * s, y - 2, end, y + 8))
            brush.draw(line, stroke(theme.line, 5, depth * larger(raised - 0.15, 0.0)))
        knit = open_path((16 * s, -14), (22 * s, 8, 13 * s, 38))
        brush.draw(knit, stroke(theme.line, 6, 0.5 * frown))
