"""The mouth: lips, teeth, tongue, and the chin below."""

import functools

from reactface_node.render.brush import HALVES, Brush, mix
from reactface_node.render.canvas import Oval, closed, fill, linear, open_path, stroke, strokes
from reactface_node.render.formula import Number, larger, largest, smaller
from reactface_node.render.lips import Lips, lips_of

MOUTH_Y = 206.0
LIFT = 12.0
DARK = 3.0  # the mouth's inside is not drawn if the gap is narrower


def draw_mouth(brush: Brush) -> None:
    """Draw the mouth; the origin is the middle of the closed neutral mouth."""
    with brush.at(0, MOUTH_Y, LIFT):
        brush.scale(brush.theme.mouth_size, brush.theme.mouth_size)
        lips = lips_of(brush)
        _draw_chin(brush, lips)
        with brush.clipped(lips.opening()):
            brush.cover(fill(brush.theme.mouth))
            gap = lips.lower - lips.upper
            brush.when(gap >= DARK, lambda: _draw_inside(brush, lips, gap))
        _draw_lips(brush, lips)
        out = brush.controls["tongueOut"]
        brush.when(out > 0.02, lambda: _draw_tongue_out(brush, lips, out))
        _draw_corners(brush, lips)


def _draw_inside(brush: Brush, lips: Lips, gap: Number) -> None:
    """Draw the upper and the lower teeth and the tongue."""
    theme, c, m = brush.theme, brush.controls, lips.lower_x
    tongue_y = lips.lower + 34 - 0.36 * gap - 14 * c["tongueOut"]
    brush.draw(Oval(m, tongue_y + 10, 60, 44), fill(theme.tongue))
    if not theme.glows:
        brush.glow(m, tongue_y - 8, 34, 18, "#ffffff", 0.22)
    bare = larger(c.both("mouthLowerDown"), 0.8 * c.both("mouthStretch"))
    brush.when(bare > 0.1, lambda: _draw_lower_teeth(brush, lips, bare))
    _draw_upper_teeth(brush, lips, gap)
    if not theme.glows:
        edge = [(theme.mouth, 0.65), (theme.mouth, 0.0)]
        brush.cover(linear(lips.upper - 6, lips.upper + 14, edge))


def _draw_lower_teeth(brush: Brush, lips: Lips, bare: Number) -> None:
    y, m = lips.lower - 16 * bare, lips.lower_x
    teeth = closed(
        (m - 60, y - 6),
        (m - 40, y + 2, m + 40, y + 2, m + 60, y - 6),
        (m + 60, y + 50),
        (m - 60, y + 50),
    )
    brush.draw(teeth, fill(brush.theme.teeth, 0.93))


def _draw_upper_teeth(brush: Brush, lips: Lips, gap: Number) -> None:
    """Draw the upper teeth. They do not move with the lip, which uncovers them."""
    x, top = 0.5 * lips.upper_x, smaller(lips.upper, 2.0)
    low = smaller(top + 25, lips.lower - 0.16 * gap) - 3 * brush.controls["mouthFunnel"]
    reach = 0.80 * (lips.left.x - lips.right.x) / 2
    side = mix(low, lips.left.y + lips.right.y, 0.25)
    teeth = closed(
        (x - reach, top - 60),
        (x + reach, top - 60),
        (x + reach, side - 6),
        (x + reach * 0.86, low, x + reach * 0.5, low + 3, x, low + 3),
        (x - reach * 0.5, low + 3, x - reach * 0.86, low, x - reach, side - 6),
    )
    brush.draw(teeth, fill(brush.theme.teeth))


def _draw_lips(brush: Brush, lips: Lips) -> None:
    theme = brush.theme
    if theme.glows:
        brush.draw(lips.lower_lip_path(), fill(theme.lip, 0.14))
        brush.draw(lips.upper_lip_path(), fill(theme.lip, 0.14))
        light = strokes(theme.lip, (30, 22, 15), 0.09)
        brush.draw(lips.opening(), *light, stroke(theme.lip, 9))
        return
    low, high = lips.lower, lips.upper
    full = [(theme.lip, 1.0), (theme.lip_light, 1.0), (theme.lip, 1.0)]
    brush.draw(lips.lower_lip_path(), linear(low - 5, low + lips.lower_lip * 1.15, full))
    top = [(theme.lip_light, 1.0), (theme.lip, 1.0)]
    brush.draw(lips.upper_lip_path(), linear(high - lips.upper_lip * 1.6, high + 4, top))
    shine = Oval(lips.lower_x, low + lips.lower_lip * 0.42, 30, lips.lower_lip * 0.16)
    brush.when(lips.lower_lip > 8, lambda: brush.draw(shine, fill("#ffffff", 0.22)))
    brush.draw(lips.opening(), stroke(theme.mouth, 4, 0.8))


def _draw_corners(brush: Brush, lips: Lips) -> None:
    """Draw small shades at the corners when they press, dimple or pull."""
    c, theme = brush.controls, brush.theme
    for half, corner in zip(HALVES, (lips.right, lips.left), strict=True):
        s = half.sign
        smile, dimple = half.weight(c, "mouthSmile"), half.weight(c, "mouthDimple")
        press, frown = half.weight(c, "mouthPress"), half.weight(c, "mouthFrown")
        strength = largest(0.85 * dimple, 0.7 * press, 0.32 * smile, 0.45 * frown)
        x, y = corner.x + (9 + 7 * dimple) * s, corner.y
        high = 12 + 8 * dimple + 3 * press
        mark = open_path((x - 3 * s, y - high), (x + 9 * s, y, x - 2 * s, y + high))
        brush.draw(mark, stroke(theme.line, 5 + 2 * dimple, 0.60 * strength))
        flat = open_path((lips.upper_x, lips.lower + 1), (corner.x * 0.85, corner.y + 1))
        line = stroke(theme.mouth, 5.5, 0.7 * press)
        brush.when(press > 0.05, functools.partial(brush.draw, flat, line))


def _draw_tongue_out(brush: Brush, lips: Lips, out: Number) -> None:
    theme = brush.theme
    m, top = lips.lower_x, mix(lips.upper, lips.lower, 0.55)
    low = larger(top + 30 + 72 * out, lips.lower + 50 * out)
    tongue = closed(
        (m - 40, top),
        (m - 50, low - 20, m - 34, low, m, low),
        (m + 34, low, m + 50, low - 20, m + 40, top),
    )
    shown = smaller(1.0, 3 * out)
    brush.draw(tongue, fill(theme.tongue, shown))
    if not theme.glows:
        with brush.clipped(tongue):
            shade = ((theme.mouth, 0.5 * shown), (theme.mouth, 0.0))
            brush.cover(linear(top, top + 34, shade))
        brush.glow(m - 14, low - 28, 22, 20, "#ffffff", 0.35 * out)
    groove = open_path((m, top + 14), (m, mix(top, low, 0.72)))
    brush.draw(groove, stroke(theme.line, 5, 0.35 * out))


def _draw_chin(brush: Brush, lips: Lips) -> None:
    """Draw the shade under the lip, and the chin when it is shrugged or the jaw is forward."""
    c, theme = brush.controls, brush.theme
    y, m = lips.lower + lips.lower_lip, lips.lower_x
    if not theme.glows:
        brush.glow(m, y + 13, 74, 24, theme.skin_shade, 0.75)
        # The groove between nose and lip.
        brush.glow(0, -52, 12, 26, theme.skin_shade, 0.35 + 0.35 * theme.relief)
    forward, shrug = c["jawForward"], c["mouthShrugLower"]
    brush.when(forward > 0.03, lambda: _draw_forward_chin(brush, forward, m, y))
    boss = larger(shrug, 0.9 * forward)
    brush.when(boss > 0.03, lambda: _draw_boss(brush, boss, m, y))


def _draw_forward_chin(brush: Brush, forward: Number, m: Number, y: Number) -> None:
    theme = brush.theme
    if theme.glows:
        brush.draw(Oval(m, y + 52, 60, 26), stroke(theme.line, 5, 0.5 * forward))
    else:
        brush.glow(m, y + 56, 110, 70, theme.skin_light, 0.8 * forward, (0.0, 0.6, 1.0))


def _draw_boss(brush: Brush, boss: Number, m: Number, y: Number) -> None:
    """Draw the line above a chin that is pushed up, and its dimples."""
    line, shrug = brush.theme.line, brush.controls["mouthShrugLower"]
    edge = open_path((m - 46, y + 34), (m - 22, y + 14, m + 22, y + 14, m + 46, y + 34))
    brush.draw(edge, stroke(line, 6, 0.42 * boss))
    for x in (-22, 0, 22):
        pit = open_path((m + x, y + 42), (m + x + 1, y + 48))
        brush.draw(pit, stroke(line, 6, 0.22 * shrug))
