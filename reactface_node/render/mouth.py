"""The mouth: lips, what is behind them, and the chin below."""

from reactface_node.render.brush import (
    HALVES,
    Brush,
    closed,
    fill,
    glow,
    linear,
    mix,
    open_path,
    oval,
    stroke,
)
from reactface_node.render.lips import Lips, lips_of

MOUTH_Y = 206.0
LIFT = 12.0
DARK = 3.0  # a narrower gap shows nothing of the mouth's inside


def draw_mouth(brush: Brush) -> None:
    """All of it, around the closed neutral mouth's middle."""
    with brush.at(0, MOUTH_Y, LIFT):
        brush.canvas.scale(brush.theme.mouth_size, brush.theme.mouth_size)
        lips = lips_of(brush)
        _draw_chin(brush, lips)
        with brush.clipped(lips.opening()):
            _draw_inside(brush, lips)
        _draw_lips(brush, lips)
        if brush.controls["tongueOut"] > 0.02:
            _draw_tongue_out(brush, lips)
        _draw_corners(brush, lips)


def _draw_inside(brush: Brush, lips: Lips) -> None:
    """Darkness, teeth that hang from the upper jaw and stand on the lower one, the tongue."""
    theme, canvas, c = brush.theme, brush.canvas, brush.controls
    canvas.drawPaint(fill(theme.mouth))
    gap = lips.lower - lips.upper
    if gap < DARK:
        return
    m = lips.lower_x
    tongue_y = lips.lower + 34 - 0.36 * gap - 14 * c["tongueOut"]
    canvas.drawOval(oval(m, tongue_y + 10, 60, 44), fill(theme.tongue))
    if not theme.glows:
        glow(canvas, m, tongue_y - 8, 34, 18, "#ffffff", 0.22)
    _draw_teeth(brush, lips, gap)
    if not theme.glows:
        edge = [(theme.mouth, 0.65), (theme.mouth, 0.0)]
        canvas.drawPaint(linear(lips.upper - 6, lips.upper + 14, edge))


def _draw_teeth(brush: Brush, lips: Lips, gap: float) -> None:
    theme, canvas, c = brush.theme, brush.canvas, brush.controls
    bare = max(c.both("mouthLowerDown"), 0.8 * c.both("mouthStretch"))
    if bare > 0.1:
        y, m = lips.lower - 16 * bare, lips.lower_x
        lower = closed(
            (m - 60, y - 6),
            (m - 40, y + 2, m + 40, y + 2, m + 60, y - 6),
            (m + 60, y + 50),
            (m - 60, y + 50),
        )
        canvas.drawPath(lower, fill(theme.teeth, 0.93))
    # They stay with the skull: the lip uncovers them.
    x, top = 0.5 * lips.upper_x, min(lips.upper, 2.0)
    low = min(top + 25, lips.lower - 0.16 * gap) - 3 * c["mouthFunnel"]
    reach = 0.80 * (lips.left.x - lips.right.x) / 2
    side = mix(low, lips.left.y + lips.right.y, 0.25)
    upper = closed(
        (x - reach, top - 60),
        (x + reach, top - 60),
        (x + reach, side - 6),
        (x + reach * 0.86, low, x + reach * 0.5, low + 3, x, low + 3),
        (x - reach * 0.5, low + 3, x - reach * 0.86, low, x - reach, side - 6),
    )
    canvas.drawPath(upper, fill(theme.teeth))


def _draw_lips(brush: Brush, lips: Lips) -> None:
    theme, canvas = brush.theme, brush.canvas
    if theme.glows:
        canvas.drawPath(lips.lower_lip_path(), fill(theme.lip, 0.14))
        canvas.drawPath(lips.upper_lip_path(), fill(theme.lip, 0.14))
        for width in (30, 22, 15):
            canvas.drawPath(lips.opening(), stroke(theme.lip, width, 0.09))
        canvas.drawPath(lips.opening(), stroke(theme.lip, 9))
        return
    low, high = lips.lower, lips.upper
    full = [(theme.lip, 1.0), (theme.lip_light, 1.0), (theme.lip, 1.0)]
    canvas.drawPath(lips.lower_lip_path(), linear(low - 5, low + lips.lower_lip * 1.15, full))
    top = [(theme.lip_light, 1.0), (theme.lip, 1.0)]
    canvas.drawPath(lips.upper_lip_path(), linear(high - lips.upper_lip * 1.6, high + 4, top))
    if lips.lower_lip > 8:
        shine = oval(lips.lower_x, low + lips.lower_lip * 0.42, 30, lips.lower_lip * 0.16)
        canvas.drawOval(shine, fill("#ffffff", 0.22))
    canvas.drawPath(lips.opening(), stroke(theme.mouth, 4, 0.8))


def _draw_corners(brush: Brush, lips: Lips) -> None:
    """Small shades where the corners press, dimple or pull."""
    c, theme = brush.controls, brush.theme
    for half, corner in zip(HALVES, (lips.right, lips.left), strict=True):
        s = half.sign
        smile, dimple = half.weight(c, "mouthSmile"), half.weight(c, "mouthDimple")
        press, frown = half.weight(c, "mouthPress"), half.weight(c, "mouthFrown")
        strength = max(0.85 * dimple, 0.7 * press, 0.32 * smile, 0.45 * frown)
        x, y = corner.x + (9 + 7 * dimple) * s, corner.y
        high = 12 + 8 * dimple + 3 * press
        mark = open_path((x - 3 * s, y - high), (x + 9 * s, y, x - 2 * s, y + high))
        brush.canvas.drawPath(mark, stroke(theme.line, 5 + 2 * dimple, 0.60 * strength))
        if press > 0.05:
            flat = open_path((lips.upper_x, lips.lower + 1), (corner.x * 0.85, corner.y + 1))
            brush.canvas.drawPath(flat, stroke(theme.mouth, 5.5, 0.7 * press))


def _draw_tongue_out(brush: Brush, lips: Lips) -> None:
    theme, out = brush.theme, brush.controls["tongueOut"]
    m, top = lips.lower_x, mix(lips.upper, lips.lower, 0.55)
    low = max(top + 30 + 72 * out, lips.lower + 50 * out)
    tongue = closed(
        (m - 40, top),
        (m - 50, low - 20, m - 34, low, m, low),
        (m + 34, low, m + 50, low - 20, m + 40, top),
    )
    shown = min(1.0, 3 * out)
    brush.canvas.drawPath(tongue, fill(theme.tongue, shown))
    if not theme.glows:
        with brush.clipped(tongue):
            shade: list[tuple[str, float]] = [(theme.mouth, 0.5 * shown), (theme.mouth, 0.0)]
            brush.canvas.drawPaint(linear(top, top + 34, shade))
        glow(brush.canvas, m - 14, low - 28, 22, 20, "#ffffff", 0.35 * out)
    groove = open_path((m, top + 14), (m, mix(top, low, 0.72)))
    brush.canvas.drawPath(groove, stroke(theme.line, 5, 0.35 * out))


def _draw_chin(brush: Brush, lips: Lips) -> None:
    """Shade under the lip; a shrug or a forward jaw makes the chin a shape of its own."""
    c, theme, canvas = brush.controls, brush.theme, brush.canvas
    y, m = lips.lower + lips.lower_lip, lips.lower_x
    if not theme.glows:
        glow(canvas, m, y + 13, 74, 24, theme.skin_shade, 0.75)
        # The groove between nose and lip.
        glow(canvas, 0, -52, 12, 26, theme.skin_shade, 0.35 + 0.35 * theme.relief)
    forward, boss = c["jawForward"], max(c["mouthShrugLower"], 0.9 * c["jawForward"])
    if forward > 0.03:
        if theme.glows:
            canvas.drawOval(oval(m, y + 52, 60, 26), stroke(theme.line, 5, 0.5 * forward))
        else:
            glow(canvas, m, y + 56, 110, 70, theme.skin_light, 0.8 * forward, [0.0, 0.6, 1.0])
    if boss > 0.03:
        line = open_path((m - 46, y + 34), (m - 22, y + 14, m + 22, y + 14, m + 46, y + 34))
        canvas.drawPath(line, stroke(theme.line, 6, 0.42 * boss))
        for x in (-22, 0, 22):
            pit = open_path((m + x, y + 42), (m + x + 1, y + 48))
            canvas.drawPath(pit, stroke(theme.line, 6, 0.22 * c["mouthShrugLower"]))
