"""Eyes: lids that really close over the eyeball, iris, lashes."""

from dataclasses import dataclass

import skia

from reactface_node.render.brush import (
    HALVES,
    Brush,
    Half,
    across,
    closed,
    fill,
    glow,
    linear,
    mix,
    open_path,
    oval,
    radial,
    stroke,
)
from reactface_node.render.theme import Theme

EYE_X, EYE_Y = 124.0, -44.0
HALF_WIDTH, RISE, FALL = 70.0, 50.0, 40.0
INNER, OUTER = 8.0, -5.0  # heights of the eye's corners
CLOSED_AT = 25.0  # the lids meet below the middle
CREST = 1.30  # a curve passes below the points that pull it
ROUND = 0.66  # where along the half width the lids curve most
IRIS = 40.0
LOOK_X, LOOK_Y = 32.0, 25.0
LID_DEPTH = 34.0  # of the shadow that the upper lid throws on the eyeball


@dataclass(frozen=True)
class Lids:
    """The opening between the lids, relative to the eye's middle: half width, and heights of the
    upper and lower edge's crests (y down, upper never below lower). The outer corner is at +x."""

    width: float
    upper: float
    lower: float
    round: float

    def edge(self, crest: float, lifted: float = 0.0) -> tuple[float, ...]:
        """Inner to outer corner over a crest, as one cubic after its start (-width, INNER)."""
        w, pull = self.width, crest * CREST - lifted
        return (-w * self.round, pull + 3, w * (self.round - 0.08), pull - 4, w, OUTER)

    def reversed_edge(self, crest: float, lifted: float = 0.0) -> tuple[float, ...]:
        """The same curve from the outer corner back to the inner one."""
        c = self.edge(crest, lifted)
        return (c[2], c[3], c[0], c[1], -self.width, INNER)

    def opening(self) -> skia.Path:
        start = (-self.width, INNER)
        return closed(start, self.edge(self.upper), self.reversed_edge(self.lower))

    def upper_edge(self) -> skia.Path:
        return open_path((-self.width, INNER), self.edge(self.upper))

    def lower_edge(self) -> skia.Path:
        return open_path((-self.width, INNER), self.edge(self.lower))


def rest_of(theme: Theme) -> Lids:
    """The open eye of the neutral face."""
    size = theme.eye_size
    return Lids(HALF_WIDTH * size, -RISE * size, FALL * size, ROUND * theme.eye_round)


def lids_of(brush: Brush, half: Half) -> Lids:
    """Blink closes, squint narrows, wide opens; the upper lid follows the gaze."""
    c, size = brush.controls, brush.theme.eye_size
    squint, cheek = half.weight(c, "eyeSquint"), half.weight(c, "cheekSquint")
    wide, blink = half.weight(c, "eyeWide"), half.weight(c, "eyeBlink")
    down, up = half.weight(c, "eyeLookDown"), half.weight(c, "eyeLookUp")
    upper = -RISE * (1 + 0.32 * wide - 0.34 * squint - 0.34 * down + 0.08 * up)
    smile = half.weight(c, "mouthSmile")
    raised = min(0.55 * squint + 0.40 * cheek + 0.20 * smile, 0.9)
    lower = FALL * (1 + 0.14 * wide + 0.12 * down - raised)
    meet = mix(CLOSED_AT, lower, 0.4)
    upper, lower = mix(upper, meet, blink), mix(lower, meet, blink)
    width = HALF_WIDTH * size * (1 - 0.04 * squint)
    return Lids(width, min(upper, lower) * size, lower * size, ROUND * brush.theme.eye_round)


def draw_eyes(brush: Brush) -> None:
    for half in HALVES:
        with brush.at(EYE_X * half.sign, EYE_Y):
            # Drawn as the left eye, whose outer corner is at +x; the right one is its mirror.
            brush.canvas.scale(half.sign, 1)
            _draw_eye(brush, half)


def _draw_eye(brush: Brush, half: Half) -> None:
    lids, rest = lids_of(brush, half), rest_of(brush.theme)
    if not brush.theme.glows:
        _draw_socket(brush, half, lids, rest)
    with brush.clipped(lids.opening()):
        _draw_eyeball(brush, half, lids)
    _draw_lashes(brush, lids)
    _draw_creases(brush, half, lids, rest)


def _draw_socket(brush: Brush, half: Half, lids: Lids, rest: Lids) -> None:
    """The skin around the eyeball and the lid that a blink draws over it."""
    theme, canvas, size = brush.theme, brush.canvas, brush.theme.eye_size
    alpha = 0.30 - 0.10 * theme.relief
    glow(canvas, -10, -14 * size, 118 * size, 84 * size, theme.skin_shade, alpha)
    start, over = (-rest.width, INNER), 16 * size
    ball = closed(
        start,
        rest.edge(min(rest.upper, lids.upper), over),
        rest.reversed_edge(max(rest.lower, lids.lower), -2),
    )
    low = max(lids.upper, rest.upper + 12)
    stops = [(theme.skin_shade, 0.55), (theme.skin_light, 0.75), (theme.skin_shade, 0.55)]
    with brush.clipped(ball):
        canvas.drawPaint(fill(theme.skin))
        canvas.drawPaint(linear(rest.upper - over, low + 14, stops))


def _draw_eyeball(brush: Brush, half: Half, lids: Lids) -> None:
    theme, canvas, c = brush.theme, brush.canvas, brush.controls
    w = lids.width
    canvas.drawPaint(fill(theme.sclera))
    if not theme.glows:
        round_off = [(theme.skin_shade, 0.0), (theme.skin_shade, 0.0), (theme.skin_shade, 0.5)]
        canvas.drawPaint(radial(0, 4, w * 1.2, round_off, [0.0, 0.6, 1.0]))
    x = LOOK_X * (half.weight(c, "eyeLookOut") - half.weight(c, "eyeLookIn"))
    y = LOOK_Y * (half.weight(c, "eyeLookDown") - half.weight(c, "eyeLookUp")) - 4
    # The light stays where it is whichever half it is: undo the mirror.
    _draw_iris(brush, x, y, -half.sign)
    if not theme.glows:
        shadow = [(theme.lash, 0.50), (theme.lash, 0.0)]
        canvas.drawPaint(linear(lids.upper - 4, lids.upper + LID_DEPTH, shadow))


def _draw_iris(brush: Brush, x: float, y: float, light: float) -> None:
    theme, canvas = brush.theme, brush.canvas
    size = IRIS * theme.iris_size * theme.eye_size
    canvas.drawCircle(x, y, size, fill(theme.iris_edge))
    inner = [(theme.iris, 1.0), (theme.iris, 0.85), (theme.iris, 0.0)]
    canvas.drawCircle(
        x, y, size * 0.95, radial(x, y + size * 0.38, size * 1.05, inner, [0.0, 0.45, 1.0])
    )
    canvas.drawCircle(x, y, size * 0.47, fill(theme.pupil))
    shine = "#ffffff"
    canvas.drawOval(
        oval(x + light * size * 0.36, y - size * 0.38, size * 0.26, size * 0.23), fill(shine, 0.96)
    )
    canvas.drawCircle(x - light * size * 0.38, y + size * 0.40, size * 0.12, fill(shine, 0.7))


def _draw_lashes(brush: Brush, lids: Lids) -> None:
    """The upper lid's dark edge, thickest towards the outer corner, and a thin lower one."""
    theme, canvas, w = brush.theme, brush.canvas, lids.width
    if theme.glows:
        for width in (28, 20, 13):
            canvas.drawPath(lids.opening(), stroke(theme.lash, width, 0.09))
        canvas.drawPath(lids.opening(), stroke(theme.lash, 6))
        return
    canvas.drawPath(lids.lower_edge(), stroke(theme.line, 3.5, 0.5))
    thick = 7 + 6 * theme.lashes
    c = lids.edge(lids.upper)
    tip_y = OUTER - 10 * theme.lashes + 0.10 * lids.upper
    lash = closed(
        (-w - 2, INNER + 2),
        (c[0], c[1] - thick * 0.5, c[2], c[3] - thick * 1.25, w + 3 + 12 * theme.lashes, tip_y),
        (w + 4, OUTER - 1, w + 2, OUTER + 1, w, OUTER + 3),
        (c[2], c[3] + 2.5, c[0], c[1] + 2.5, -w - 2, INNER + 2),
    )
    # Lighter towards the nose, where lashes are short.
    ink = across(-w, w * 0.1, [(theme.lash, 0.35), (theme.lash, 1.0)])
    canvas.drawPath(lash, ink)
    ink.setStyle(skia.Paint.kStroke_Style)
    ink.setStrokeWidth(2.0)
    canvas.drawPath(lash, ink)


def _draw_creases(brush: Brush, half: Half, lids: Lids, rest: Lids) -> None:
    """The fold above the lid, and what a squint or a cheek pushes up below it."""
    theme, canvas, c, w = brush.theme, brush.canvas, brush.controls, rest.width
    if not theme.glows:
        blink = half.weight(c, "eyeBlink")
        top = min(lids.upper, rest.upper) - 9 * (1 - 0.4 * blink)
        fold = open_path(
            (-w * 0.86, INNER - 16),
            (-w * 0.6, top * 1.28, w * 0.55, top * 1.28, w * 1.06, OUTER - 14),
        )
        canvas.drawPath(fold, stroke(theme.line, 4, 0.36 - 0.16 * blink))
    cheek, squint = half.weight(c, "cheekSquint"), half.weight(c, "eyeSquint")
    bag = max(cheek, 0.75 * squint)
    if bag < 0.03:
        return
    y = rest.lower + 13 - 6 * bag
    under = open_path(
        (-w * 0.74, y * 0.80), (-w * 0.3, y * 1.22, w * 0.4, y * 1.20, w * 0.94, y * 0.52)
    )
    canvas.drawPath(under, stroke(theme.line, 5, (0.28 + 0.14 * theme.relief) * bag))
    for row in range(2):
        corner = open_path((w + 20, 2 + 15 * row), (w + 32, 3 + 21 * row, w + 42, 1 + 28 * row))
        canvas.drawPath(corner, stroke(theme.line, 4, (0.24 + 0.12 * theme.relief) * cheek))
