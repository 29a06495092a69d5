"""The mouth: lips, what is behind them, and the chin below."""

from dataclasses import dataclass

import skia

from reactface_node.render.brush import (
    HALVES,
    Brush,
    Half,
    closed,
    fill,
    linear,
    mix,
    open_path,
    stroke,
)
from reactface_node.render.head import JAW_DROP

MOUTH = 135.0
MOUTH_Y = 212.0
HALF_WIDTH = 86.0
UPPER_LIP, LOWER_LIP = 17.0, 22.0


@dataclass(frozen=True)
class Corner:
    """A mouth corner and the lips' edges halfway to it; x and y in the mouth's own units."""

    x: float
    y: float
    upper: float  # height of the upper lip's inner edge on this half
    lower: float  # and of the lower lip's


@dataclass(frozen=True)
class Shape:
    """Everything that the drawing needs: corners, the inner edges' middles and lip thickness."""

    right: Corner
    left: Corner
    middle: float
    upper: float
    lower: float
    upper_lip: float
    lower_lip: float
    lower_shift: float

    def opening(self) -> skia.Path:
        """Between the lips."""
        r, le = self.right, self.left
        return closed(
            (r.x, r.y),
            (r.x * 0.55 + self.middle * 0.45, r.upper, self.middle - 26, self.upper,
             self.middle, self.upper),
            (self.middle + 26, self.upper, le.x * 0.55 + self.middle * 0.45, le.upper, le.x, le.y),
            (le.x * 0.8 + self.lower_shift, le.lower, self.lower_shift + 46, self.lower,
             self.lower_shift, self.lower),
            (self.lower_shift - 46, self.lower, r.x * 0.8 + self.lower_shift, r.lower, r.x, r.y),
        )  # fmt: skip

    def upper_lip_path(self) -> skia.Path:
        """From the cupid's bow to the opening."""
        r, le, t = self.right, self.left, self.upper_lip
        bow, dip = self.upper - t, self.upper - t * 0.72
        m = self.middle
        return closed(
            (r.x - 5, r.y), (r.x * 0.6 + m * 0.4, r.upper - t * 0.75, m - 40, bow - 3, m - 20, bow),
            (m - 8, dip, m + 8, dip, m + 20, bow),
            (m + 40, bow - 3, le.x * 0.6 + m * 0.4, le.upper - t * 0.75, le.x + 5, le.y),
            (le.x * 0.55 + m * 0.45, le.upper + 1, m + 26, self.upper + 1, m, self.upper + 1),
            (m - 26, self.upper + 1, r.x * 0.55 + m * 0.45, r.upper + 1, r.x - 5, r.y),
        )  # fmt: skip

    def lower_lip_path(self) -> skia.Path:
        r, le, t, m = self.right, self.left, self.lower_lip, self.lower_shift
        return closed(
            (r.x - 3, r.y),
            (r.x * 0.8 + m, r.lower - 1, m - 46, self.lower - 1, m, self.lower - 1),
            (m + 46, self.lower - 1, le.x * 0.8 + m, le.lower - 1, le.x + 3, le.y),
            (le.x * 0.78 + m, le.lower + t * 0.85, m + 50, self.lower + t * 1.15,
             m, self.lower + t * 1.15),
            (m - 50, self.lower + t * 1.15, r.x * 0.78 + m, r.lower + t * 0.85, r.x - 3, r.y),
        )  # fmt: skip


def shape_of(brush: Brush) -> Shape:
    """Where everything is for the frame's weights."""
    c, size = brush.controls, brush.theme.lip_size
    shut = c["mouthClose"]
    drop = JAW_DROP * 1.12 * c["jawOpen"]
    gap = drop * (1 - shut) + 16 * c["mouthFunnel"]
    together = 0.5 * drop * shut
    aside = 34 * (c["mouthLeft"] - c["mouthRight"])
    jaw_aside = 26 * (c["jawLeft"] - c["jawRight"])
    raise_all = -12 * c["mouthShrugUpper"] - 7 * c["mouthShrugLower"]
    upper = (
        together + raise_all - 20 * c.both("mouthUpperUp") - 7 * c.both("noseSneer")
        - 7 * c["mouthFunnel"] - 5 * c["mouthShrugUpper"] - 0.06 * gap
    )  # fmt: skip
    lower = together + raise_all + gap + 22 * c.both("mouthLowerDown") - 10 * c["mouthShrugLower"]
    press = c.both("mouthPress")
    thick = 1 + 0.55 * c["mouthPucker"] + 0.45 * c["mouthFunnel"] - 0.45 * press - 0.3 * shut
    right, left = (_corner(brush, half, aside, together, upper, lower) for half in HALVES)
    return Shape(
        right, left, aside, upper, max(lower, upper),
        UPPER_LIP * size * max(thick + 0.3 * c["mouthShrugUpper"] - 0.9 * c["mouthRollUpper"], 0.1),
        LOWER_LIP * size * max(
            thick + 0.35 * c["mouthShrugLower"] + 0.2 * c["jawForward"]
            - 0.9 * c["mouthRollLower"], 0.1),
        aside + jaw_aside,
    )  # fmt: skip


def _corner(
    brush: Brush, half: Half, aside: float, together: float, upper: float, lower: float
) -> Corner:
    c = brush.controls
    shut = c["mouthClose"]
    smile, frown = half.weight(c, "mouthSmile"), half.weight(c, "mouthFrown")
    stretch, dimple = half.weight(c, "mouthStretch"), half.weight(c, "mouthDimple")
    press = half.weight(c, "mouthPress")
    width = (
        HALF_WIDTH + 27 * smile + 28 * stretch + 13 * dimple + 4 * frown + 6 * press
        - 8 * shut - 42 * c["mouthPucker"] - 33 * c["mouthFunnel"] - 10 * c["jawOpen"]
    )  # fmt: skip
    y = (
        together - 9 - 31 * smile + 32 * frown + 8 * stretch - 5 * dimple
        + 0.30 * (lower - together) * (1 - 0.5 * smile)
    )  # fmt: skip
    x = half.sign * max(width, 26.0) + aside
    up = 20 * (half.weight(c, "mouthUpperUp") - c.both("mouthUpperUp"))
    down = 22 * (half.weight(c, "mouthLowerDown") - c.both("mouthLowerDown"))
    # A smile bends both lips down in the middle, a frown up.
    bend = 0.35 * y
    inner_upper = mix(upper, y, 0.35 - 0.25 * c["jawOpen"]) - up - 0.2 * bend
    inner_lower = mix(lower, y, 0.25 - 0.2 * c["jawOpen"]) + down - 0.2 * bend
    return Corner(x, y, inner_upper, max(inner_lower, inner_upper))


def draw_mouth(brush: Brush) -> None:
    with brush.layer(MOUTH):
        brush.canvas.save()
        brush.canvas.translate(0, MOUTH_Y)
        shape = shape_of(brush)
        _draw_chin(brush, shape)
        with brush.clipped(shape.opening()):
            _draw_inside(brush, shape)
        _draw_lips(brush, shape)
        if brush.controls["tongueOut"] > 0.02:
            _draw_tongue_out(brush, shape)
        _draw_corners(brush, shape)
        brush.canvas.restore()


def _draw_inside(brush: Brush, shape: Shape) -> None:
    """Darkness, teeth that hang from the upper jaw and stand on the lower one, the tongue."""
    theme, canvas, c = brush.theme, brush.canvas, brush.controls
    canvas.drawPaint(fill(theme.mouth))
    m, gap = shape.lower_shift, shape.lower - shape.upper
    if gap < 3:
        return
    tongue_y = shape.lower + 26 - 0.32 * gap - 14 * c["tongueOut"]
    canvas.drawOval(skia.Rect.MakeXYWH(m - 48, tongue_y, 96, 80), fill(theme.tongue))
    top = min(shape.upper, -4 - 0.06 * gap)
    upper_teeth = skia.Rect.MakeLTRB(shape.middle - 66, top - 40, shape.middle + 66, top + 25)
    canvas.drawRoundRect(upper_teeth, 16, 16, fill(theme.teeth))
    bare = max(c.both("mouthLowerDown"), c.both("mouthStretch") * 0.7)
    if bare > 0.1 and not brush.theme.glow:
        y = shape.lower - 15 * bare
        lower_teeth = skia.Rect.MakeLTRB(m - 50, y, m + 50, y + 40)
        canvas.drawRoundRect(lower_teeth, 12, 12, fill(theme.teeth, 0.94))
    shadow = linear(shape.upper - 4, shape.upper + 16, [(theme.mouth, 0.55), (theme.mouth, 0)])
    canvas.drawPaint(shadow)


def _draw_lips(brush: Brush, shape: Shape) -> None:
    theme, canvas = brush.theme, brush.canvas
    if theme.glow:
        canvas.drawPath(shape.opening(), stroke(theme.lip, 9))
        canvas.drawPath(shape.lower_lip_path(), fill(theme.lip, 0.30))
        canvas.drawPath(shape.upper_lip_path(), fill(theme.lip, 0.22))
        return
    low, high = shape.lower, shape.upper
    light = [(theme.lip, 1), (theme.lip_light, 1), (theme.lip, 1)]
    canvas.drawPath(shape.lower_lip_path(), linear(low - 4, low + shape.lower_lip * 1.4, light))
    canvas.drawPath(shape.upper_lip_path(), linear(high - shape.upper_lip, high + 6,
                    [(theme.lip_light, 1), (theme.lip, 1)]))  # fmt: skip
    canvas.drawPath(shape.opening(), stroke(theme.mouth, 4.5, 0.75))


def _draw_corners(brush: Brush, shape: Shape) -> None:
    """Small shades where the corners press, dimple or pull."""
    c, theme = brush.controls, brush.theme
    for half, corner in zip(HALVES, (shape.right, shape.left), strict=True):
        s = half.sign
        smile = half.weight(c, "mouthSmile")
        dimple, press = half.weight(c, "mouthDimple"), half.weight(c, "mouthPress")
        strength = max(0.8 * dimple, 0.6 * press, 0.45 * smile, 0.4 * half.weight(c, "mouthFrown"))
        x, y = corner.x + 11 * s, corner.y
        mark = open_path((x - 2 * s, y - 14), (x + 9 * s, y, x - 2 * s, y + 13))
        brush.canvas.drawPath(mark, stroke(theme.line, 5 + 2 * dimple, 0.15 + 0.55 * strength))
        if press > 0.05:
            flat = open_path((0, shape.lower + 2), (corner.x * 0.8, corner.y + 2))
            brush.canvas.drawPath(flat, stroke(theme.mouth, 5, 0.6 * press))


def _draw_tongue_out(brush: Brush, shape: Shape) -> None:
    theme, out = brush.theme, brush.controls["tongueOut"]
    m, top = shape.lower_shift, mix(shape.upper, shape.lower, 0.55)
    length = 26 + 70 * out
    tongue = closed((m - 40, top), (m - 46, top + length, m - 26, top + length + 22, m,
                    top + length + 22), (m + 26, top + length + 22, m + 46, top + length, m + 40,
                    top))  # fmt: skip
    brush.canvas.drawPath(tongue, fill(theme.tongue, min(1.0, 3 * out)))
    groove = open_path((m, top + 8), (m, top + length * 0.8))
    brush.canvas.drawPath(groove, stroke(theme.line, 5, 0.30 * out))


def _draw_chin(brush: Brush, shape: Shape) -> None:
    """Shade under the lip; a shrug or a forward jaw makes the chin a shape of its own."""
    c, theme = brush.controls, brush.theme
    y = shape.lower + shape.lower_lip * 1.15
    m = shape.lower_shift
    if not theme.glow:
        under = skia.Rect.MakeXYWH(m - 46, y + 8, 92, 20)
        brush.canvas.drawOval(under, fill(theme.skin_shade, 0.75, 7))
    boss = max(c["mouthShrugLower"], 0.9 * c["jawForward"])
    if boss > 0.03:
        line = open_path((m - 50, y + 44), (m, y + 16, m + 50, y + 44))
        brush.canvas.drawPath(line, stroke(theme.line, 6, 0.42 * boss))
    if c["jawForward"] > 0.03 and not theme.glow:
        light = skia.Rect.MakeXYWH(m - 48, y + 40, 96, 62)
        brush.canvas.drawOval(light, fill(theme.skin_light, 0.9 * c["jawForward"], 14))
