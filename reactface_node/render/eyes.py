"""Eyes and brows."""

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
    radial,
    stroke,
)

EYES, BROWS = 100.0, 120.0
EYE_X, EYE_Y = 122.0, -48.0
HALF_WIDTH, RISE, FALL = 70.0, 51.0, 40.0
CLOSED_AT = 24.0  # the lids meet below the middle
IRIS = 40.0
LOOK_X, LOOK_Y = 27.0, 20.0


@dataclass(frozen=True)
class Lids:
    """The opening between the lids, relative to the eye's middle: half width, and heights of the
    upper and lower edge's crests (y down, upper never below lower)."""

    width: float
    upper: float
    lower: float

    def path(self) -> skia.Path:
        w = self.width
        bend, up, down = w * 0.62, self.upper * 1.28, self.lower * 1.28
        return closed((-w, 4), (-bend, up, bend, up, w, 0), (bend, down, -bend, down, -w, 4))

    def upper_edge(self) -> skia.Path:
        w = self.width
        return open_path((-w, 4), (-w * 0.62, self.upper * 1.28, w * 0.62, self.upper * 1.28, w, 0))

    def lower_edge(self) -> skia.Path:
        w = self.width
        return open_path((-w, 4), (-w * 0.62, self.lower * 1.28, w * 0.62, self.lower * 1.28, w, 0))


def lids_of(brush: Brush, half: Half) -> Lids:
    """Blink closes, squint narrows, wide opens; the upper lid follows the gaze."""
    c, size = brush.controls, brush.theme.eye_size
    squint, cheek = half.weight(c, "eyeSquint"), half.weight(c, "cheekSquint")
    wide, blink = half.weight(c, "eyeWide"), half.weight(c, "eyeBlink")
    down, up = half.weight(c, "eyeLookDown"), half.weight(c, "eyeLookUp")
    upper = -RISE * (1 + 0.32 * wide - 0.30 * squint - 0.30 * down + 0.06 * up)
    smile = half.weight(c, "mouthSmile")
    raised = min(0.52 * squint + 0.36 * cheek + 0.16 * smile, 0.9)
    lower = FALL * (1 + 0.12 * wide + 0.10 * down - raised)
    meet = mix(CLOSED_AT, lower, 0.4)
    upper, lower = mix(upper, meet, blink), mix(lower, meet, blink)
    return Lids(HALF_WIDTH * size * (1 - 0.05 * squint), min(upper, lower) * size, lower * size)


def draw_eyes(brush: Brush) -> None:
    with brush.layer(EYES):
        for half in HALVES:
            brush.canvas.save()
            brush.canvas.translate(EYE_X * half.sign, EYE_Y)
            # Drawn as the left eye, whose outer corner is at +x; the right one is its mirror.
            brush.canvas.scale(half.sign, 1)
            _draw_eye(brush, half)
            brush.canvas.restore()


def _draw_eye(brush: Brush, half: Half) -> None:
    theme, canvas = brush.theme, brush.canvas
    lids = lids_of(brush, half)
    rest = Lids(HALF_WIDTH * theme.eye_size, -RISE * theme.eye_size, FALL * theme.eye_size)
    if not theme.glow:
        # The socket: what a closing lid shows is this skin.
        canvas.drawPath(rest.path(), fill(theme.skin_shade, 0.35, 9))
        canvas.drawPath(rest.path(), lid_paint(brush, rest))
    opening = lids.path()
    with brush.clipped(opening):
        _draw_eyeball(brush, half, lids)
    _draw_lid_lines(brush, half, lids)


def lid_paint(brush: Brush, rest: Lids) -> skia.Paint:
    """Skin that is lit on the bulge of the lid and darker at the crease."""
    theme = brush.theme
    stops = [(theme.skin_shade, 0.8), (theme.skin_light, 0.9), (theme.skin, 0.9)]
    return linear(rest.upper, rest.lower, stops)


def _draw_eyeball(brush: Brush, half: Half, lids: Lids) -> None:
    theme, canvas, c = brush.theme, brush.canvas, brush.controls
    canvas.drawPaint(fill(theme.sclera))
    x = LOOK_X * (half.weight(c, "eyeLookOut") - half.weight(c, "eyeLookIn"))
    y = LOOK_Y * (half.weight(c, "eyeLookDown") - half.weight(c, "eyeLookUp")) - 4
    size = IRIS * theme.iris_size * theme.eye_size
    ring = [(theme.iris, 1.0), (theme.iris, 1.0), (theme.iris_edge, 1.0)]
    canvas.drawCircle(x, y, size, radial(x, y + size * 0.35, size * 1.15, ring, [0, 0.35, 1]))
    canvas.drawCircle(x, y, size, stroke(theme.iris_edge, 3, 0.9))
    canvas.drawCircle(x, y, size * 0.47, fill(theme.pupil))
    # The light stays where it is whichever half it is: undo the mirror.
    light = -half.sign
    canvas.drawCircle(x + light * size * 0.34, y - size * 0.38, size * 0.24, fill("#ffffff", 0.95))
    canvas.drawCircle(x - light * size * 0.34, y + size * 0.40, size * 0.12, fill("#ffffff", 0.6))
    if not theme.glow:
        shadow = linear(lids.upper, lids.upper + 34, [(theme.line, 0.42), (theme.line, 0)])
        canvas.drawPaint(shadow)


def _draw_lid_lines(brush: Brush, half: Half, lids: Lids) -> None:
    theme, canvas, c = brush.theme, brush.canvas, brush.controls
    lash = stroke(theme.brow, 9 if not theme.glow else 8)
    canvas.drawPath(lids.upper_edge(), lash)
    w = lids.width
    flick = open_path((w - 8, lids.upper * 0.30 - 2), (w + 6, lids.upper * 0.2 - 4,
                      w + 15, -12 + lids.upper * 0.2))  # fmt: skip
    canvas.drawPath(flick, stroke(theme.brow, 7))
    canvas.drawPath(lids.lower_edge(), stroke(theme.line, 3.5, 0.45))
    blink = half.weight(c, "eyeBlink")
    crease = open_path((-w * 0.8, -RISE * 0.70), (-w * 0.4, -RISE * 1.42, w * 0.5, -RISE * 1.42,
                       w * 0.98, -RISE * 0.42))  # fmt: skip
    canvas.drawPath(crease, stroke(theme.line, 4, 0.34 * (1 - 0.6 * blink)))
    bag = max(half.weight(c, "cheekSquint"), 0.7 * half.weight(c, "eyeSquint"))
    if bag > 0.03:
        y = FALL * theme.eye_size
        under = open_path((-w * 0.72, y * 0.95), (0, y * 1.75 - 8 * bag, w * 0.92, y * 0.55))
        canvas.drawPath(under, stroke(theme.line, 5, 0.45 * bag))
        for row in range(2):
            corner = open_path((w + 16, 4 + 14 * row), (w + 28, 4 + 20 * row, w + 38, 2 + 26 * row))
            canvas.drawPath(corner, stroke(theme.line, 4, 0.35 * half.weight(c, "cheekSquint")))


def draw_brows(brush: Brush) -> None:
    """A tapered arc whose two ends and middle move on their own; lines that they fold."""
    with brush.layer(BROWS):
        for half in HALVES:
            _draw_brow(brush, half)
        _draw_forehead(brush)


def _draw_brow(brush: Brush, half: Half) -> None:
    c, s, theme = brush.controls, half.sign, brush.theme
    down = half.weight(c, "browDown")
    inner_up, outer_up = c["browInnerUp"], half.weight(c, "browOuterUp")
    squeeze = 14 * down + 6 * inner_up * down
    ix, ox = (60 - squeeze) * s, 204 * s
    iy = -146 - 42 * inner_up + 36 * down * (1 - 0.6 * inner_up) - 6 * outer_up
    oy = -146 - 40 * outer_up + 12 * down + 8 * inner_up
    my = 0.42 * iy + 0.58 * oy - 27 - 10 * outer_up + 12 * down + 4 * inner_up
    thick = 11 * theme.brow_size
    path = closed(
        (ix, iy - thick * 0.7), (108 * s, my - thick * 1.5, 150 * s, my - thick * 1.1, ox, oy),
        (150 * s, my + thick * 0.9, 108 * s, my + thick * 1.1, ix + 3 * s, iy + thick),
    )  # fmt: skip
    brush.canvas.drawPath(path, fill(theme.brow))
    brush.canvas.drawPath(path, stroke(theme.brow, 7))


def _draw_forehead(brush: Brush) -> None:
    c, theme, canvas = brush.controls, brush.theme, brush.canvas
    raised = max(c["browInnerUp"], 0.8 * c.both("browOuterUp"))
    for row in range(2):
        y = -232 - 30 * row - 12 * raised
        line = open_path((-100 + 14 * row, y + 8), (0, y - 10, 100 - 14 * row, y + 8))
        canvas.drawPath(line, stroke(theme.line, 5, 0.30 * max(raised - 0.25, 0)))
    for half in HALVES:
        frown = half.weight(c, "browDown")
        line = open_path((17 * half.sign, -158), (22 * half.sign, -138, 15 * half.sign, -112))
        canvas.drawPath(line, stroke(theme.line, 6, 0.5 * frown))
