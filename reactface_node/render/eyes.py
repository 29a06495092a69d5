"""Eyes: lids that close over the eyeball, iris, lashes."""

from dataclasses import dataclass

from reactface_node.render.brush import HALVES, Brush, Half, mix
from reactface_node.render.canvas import (
    Box,
    Curve,
    Oval,
    Path,
    across,
    blend,
    circle,
    closed,
    fill,
    linear,
    open_path,
    radial,
    stroke,
    strokes,
)
from reactface_node.render.formula import Number, larger, smaller
from reactface_node.render.theme import Theme

EYE_X, EYE_Y = 124.0, -44.0
HALF_WIDTH, RISE, FALL = 70.0, 50.0, 40.0
INNER, OUTER = 8.0, -5.0  # heights of the eye's corners
CLOSED_AT = 25.0  # the lids meet below the middle
CREST = 1.30  # a curve passes below the points that pull it
ROUND = 0.66  # share of the half width at which the lids curve most
IRIS = 40.0
LOOK_X, LOOK_Y = 32.0, 25.0
LID_DEPTH = 34.0  # of the shadow of the upper lid on the eyeball


@dataclass(frozen=True)
class Lids:
    """The opening between the lids, relative to the eye's middle: half width, and heights of the
    upper and lower edge's crests (y down, upper never below lower). The outer corner is at +x."""

    width: Number
    upper: Number
    lower: Number
    round: float

    def edge(self, crest: Number, lifted: Number = 0.0) -> Curve:
        """Inner to outer corner over a crest, as one cubic after its start (-width, INNER)."""
        w, pull = self.width, crest * CREST - lifted
        return (-w * self.round, pull + 3, w * (self.round - 0.08), pull - 4, w, OUTER)

    def reversed_edge(self, crest: Number, lifted: Number = 0.0) -> Curve:
        """The same curve from the outer corner back to the inner one."""
        c = self.edge(crest, lifted)
        return (c[2], c[3], c[0], c[1], -self.width, INNER)

    def opening(self) -> Path:
        """The path of the opening between the lids."""
        start = (-self.width, INNER)
        return closed(start, self.edge(self.upper), self.reversed_edge(self.lower))

    def lower_edge(self) -> Path:
        """From the inner to the outer corner."""
        return open_path((-self.width, INNER), self.edge(self.lower))


def rest_of(theme: Theme) -> Lids:
    """The opening of the eye of the neutral face."""
    size = theme.eye_size
    return Lids(HALF_WIDTH * size, -RISE * size, FALL * size, ROUND * theme.eye_round)


def lids_of(brush: Brush, half: Half) -> Lids:
    """The opening of an eye for the weights of blink, squint, wide and gaze."""
    c, size = brush.controls, brush.theme.eye_size
    squint, cheek = half.weight(c, "eyeSquint"), half.weight(c, "cheekSquint")
    wide, blink = half.weight(c, "eyeWide"), half.weight(c, "eyeBlink")
    down, up = half.weight(c, "eyeLookDown"), half.weight(c, "eyeLookUp")
    upper = -RISE * (1 + 0.32 * wide - 0.34 * squint - 0.34 * down + 0.08 * up)
    smile = half.weight(c, "mouthSmile")
    raised = smaller(0.55 * squint + 0.40 * cheek + 0.20 * smile, 0.9)
    lower = FALL * (1 + 0.14 * wide + 0.12 * down - raised)
    meet = mix(CLOSED_AT, lower, 0.4)
    upper, lower = mix(upper, meet, blink), mix(lower, meet, blink)
    width = HALF_WIDTH * size * (1 - 0.04 * squint)
    return Lids(width, smaller(upper, lower) * size, lower * size, ROUND * brush.theme.eye_round)


def draw_eyes(brush: Brush) -> None:
    """Draw both eyes with their lids, lashes and creases."""
    for half in HALVES:
        with brush.at(EYE_X * half.sign, EYE_Y):
            # Drawn as the left eye, whose outer corner is at +x; the right one is its mirror.
            brush.scale(half.sign, 1.0)
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
    """Draw the skin around the eyeball, and the upper lid."""
    theme, size = brush.theme, brush.theme.eye_size
    alpha = 0.30 - 0.10 * theme.relief
    brush.glow(-10, -14 * size, 118 * size, 84 * size, theme.skin_shade, alpha)
    start, over = (-rest.width, INNER), 16 * size
    ball = closed(
        start,
        rest.edge(smaller(rest.upper, lids.upper), over),
        rest.reversed_edge(larger(rest.lower, lids.lower), -2),
    )
    low = larger(lids.upper, rest.upper + 12)
    shade, light = (
        blend(theme.skin, theme.skin_shade, 0.55),
        blend(theme.skin, theme.skin_light, 0.75),
    )
    stops = [(shade, 1.0), (light, 1.0), (shade, 1.0)]
    brush.draw(ball, linear(rest.upper - over, low + 14, stops))


def _draw_eyeball(brush: Brush, half: Half, lids: Lids) -> None:
    theme, c, w = brush.theme, brush.controls, lids.width
    if theme.glows:
        brush.cover(fill(theme.sclera))
    else:
        edge = blend(theme.sclera, theme.skin_shade, 0.5)
        round_off = [(theme.sclera, 1.0), (theme.sclera, 1.0), (edge, 1.0)]
        brush.cover(radial(0, 4, w * 1.2, round_off, (0.0, 0.6, 1.0)))
    x = LOOK_X * (half.weight(c, "eyeLookOut") - half.weight(c, "eyeLookIn"))
    y = LOOK_Y * (half.weight(c, "eyeLookDown") - half.weight(c, "eyeLookUp")) - 4
    # The light comes from the same side for both eyes, so the mirroring is undone.
    _draw_iris(brush, x, y, -half.sign)
    if not theme.glows:
        shadow = [(theme.lash, 0.50), (theme.lash, 0.0)]
        # No more than the shadow's part of the opening, which can rise a little above the crest.
        deep = (LID_DEPTH + 40) / 2
        part = Box(0.0, lids.upper - 40 + deep, w + 10, deep, 0.0)
        brush.draw(part, linear(lids.upper - 4, lids.upper + LID_DEPTH, shadow))


def _draw_iris(brush: Brush, x: Number, y: Number, light: float) -> None:
    theme = brush.theme
    size = IRIS * theme.iris_size * theme.eye_size
    brush.draw(circle(x, y, size), fill(theme.iris_edge))
    stops = [
        (theme.iris, 1.0),
        (blend(theme.iris_edge, theme.iris, 0.85), 1.0),
        (theme.iris_edge, 1.0),
    ]
    inner = radial(x, y + size * 0.38, size * 1.05, stops, (0.0, 0.45, 1.0))
    brush.draw(circle(x, y, size * 0.95), inner)
    brush.draw(circle(x, y, size * 0.47), fill(theme.pupil))
    shine = Oval(x + light * size * 0.36, y - size * 0.38, size * 0.26, size * 0.23)
    brush.draw(shine, fill("#ffffff", 0.96))
    small = circle(x - light * size * 0.38, y + size * 0.40, size * 0.12)
    brush.draw(small, fill("#ffffff", 0.7))


def _draw_lashes(brush: Brush, lids: Lids) -> None:
    """Draw the upper lid's dark edge, thickest towards the outer corner, and a thin lower one."""
    theme, w = brush.theme, lids.width
    if theme.glows:
        light = strokes(theme.lash, (28, 20, 13), 0.09)
        brush.draw(lids.opening(), *light, stroke(theme.lash, 6))
        return
    brush.draw(lids.lower_edge(), stroke(theme.line, 3.5, 0.5))
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
    brush.draw(lash, ink, ink._replace(width=2.0))


def _draw_creases(brush: Brush, half: Half, lids: Lids, rest: Lids) -> None:
    """Draw the fold above the lid, and the bag that a squint or a raised cheek makes below it."""
    theme, c, w = brush.theme, brush.controls, rest.width
    if not theme.glows:
        blink = half.weight(c, "eyeBlink")
        top = smaller(lids.upper, rest.upper) - 9 * (1 - 0.4 * blink)
        fold = open_path(
            (-w * 0.86, INNER - 16),
            (-w * 0.6, top * 1.28, w * 0.55, top * 1.28, w * 1.06, OUTER - 14),
        )
        brush.draw(fold, stroke(theme.line, 4, 0.36 - 0.16 * blink))
    cheek, squint = half.weight(c, "cheekSquint"), half.weight(c, "eyeSquint")
    bag = larger(cheek, 0.75 * squint)
    brush.when(bag >= 0.03, lambda: _draw_bag(brush, bag, cheek, rest))


def _draw_bag(brush: Brush, bag: Number, cheek: Number, rest: Lids) -> None:
    """Draw the skin that is pushed up under the eye, and lines beside its outer corner."""
    theme, w = brush.theme, rest.width
    y = rest.lower + 13 - 6 * bag
    under = open_path(
        (-w * 0.74, y * 0.80), (-w * 0.3, y * 1.22, w * 0.4, y * 1.20, w * 0.94, y * 0.52)
    )
    brush.draw(under, stroke(theme.line, 5, (0.28 + 0.14 * theme.relief) * bag))
    for row in range(2):
        corner = open_path((w + 20, 2 + 15 * row), (w + 32, 3 + 21 * row, w + 42, 1 + 28 * row))
        brush.draw(corner, stroke(theme.line, 4, (0.24 + 0.12 * theme.relief) * cheek))
