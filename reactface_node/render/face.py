"""The face below the features: outline, skin, cheeks, nose."""

from contextlib import AbstractContextManager, nullcontext

from reactface_node.render.brush import HALVES, Brush, Half
from reactface_node.render.canvas import Path, open_path, radial, stroke
from reactface_node.render.formula import Number, larger, largest, root
from reactface_node.render.lips import JAW_DROP

NOSE_Y, CHEEK_Y = 62.0, 128.0
BRIDGE_LIFT, TIP_LIFT = 16.0, 46.0
ALL_ON_FACE = 0.22  # radians up to which every feature lies within the outline
TOP, CHIN = -400.0, 340.0


def depth_of_face(y: Number) -> Number:
    """How far the face's outline lies in front of the head's axis; most at the chin."""
    return larger(36.0 + 0.32 * y, 0.0)


def face_path(brush: Brush) -> Path:
    """The face's outline, moved by the jaw and the cheeks."""
    c, wide = brush.controls, brush.theme.jaw_width
    drop = JAW_DROP * 0.86 * c["jawOpen"] - 8 * c["mouthShrugLower"] + 10 * c["jawForward"]
    m = 44 * (c["jawLeft"] - c["jawRight"])
    puff = 34 * c["cheekPuff"]
    right, left = (6 * half.weight(c, "mouthSmile") for half in HALVES)
    chin, low = CHIN + drop, 306 + drop * 0.92
    x, jaw = 262 * wide, 70 * wide + 10 * c["jawForward"]
    return brush.outline(
        depth_of_face,
        (0, TOP),
        (196, TOP, 292, -270, 288, -70),
        (287, 16, x + 20 + puff, 60, x + 6 + puff + left, 132),
        (x - 12 + puff, 232 + drop * 0.4, 160 * wide + m, low, jaw + m, chin - 8),
        (26 + m, chin + 6, -26 + m, chin + 6, -jaw + m, chin - 8),
        (-160 * wide + m, low, -x + 12 - puff, 232 + drop * 0.4, -x - 6 - puff - right, 132),
        (-x - 20 - puff, 60, -287, 16, -288, -70),
        (-292, -270, -196, TOP, 0, TOP),
    )


def _jaw_path(face: Path) -> Path:
    """The part of the outline below the cheeks."""
    curves = face.lines[0]
    return open_path(curves[2][-2:], *curves[3:6])


def _away(brush: Brush) -> Number:
    """How far the head looks away from the front, in radians."""
    return root(brush.pose.turn**2 + brush.pose.nod**2)


def clipped_to_face(brush: Brush) -> AbstractContextManager[None]:
    """Draw only inside the face. Only a turned head is clipped, because clipping is slow."""
    kept = brush.kept()
    brush.when(_away(brush) >= ALL_ON_FACE, lambda: brush.clip(brush.once(face_path)))
    return kept


def draw_skin(brush: Brush) -> None:
    """Draw the face with soft light from above and shade towards the edge."""
    theme = brush.theme
    path = brush.once(face_path)
    # One gradient for light and shade: every gradient covers the whole face, which takes time.
    stops = [(theme.skin_light, 1.0), (theme.skin, 1.0), (theme.skin, 1.0), (theme.skin_shade, 1.0)]
    dx, dy = brush.pose.shift(120.0)
    light = radial(0.6 * dx, -70 + 0.6 * dy, 500, stops, (0.0, 0.46, 0.60, 1.0))
    edge = stroke(theme.skin_shade, 5, 0.35)
    if theme.head == "shell":
        # The shell hides the rest of the edge, unless the head is turned.
        brush.draw(path, light)
        away = _away(brush)
        brush.when(away < ALL_ON_FACE, lambda: brush.draw(_jaw_path(path), edge))
        brush.when(away >= ALL_ON_FACE, lambda: brush.draw(path, edge))
    else:
        brush.draw(path, light, edge)
    if theme.relief:
        with brush.clipped(path):
            for half in HALVES:
                with brush.at(236 * half.sign, 96):
                    brush.glow(0, 0, 100, 210, theme.skin_shade, 0.55 * theme.relief)


def draw_cheeks(brush: Brush) -> None:
    """Draw the cheeks: raised and red in a smile or a squint, round when puffed, with folds beside
    the mouth."""
    with nullcontext() if brush.theme.glows else clipped_to_face(brush):
        for half in HALVES:
            _draw_cheek(brush, half)


def _draw_cheek(brush: Brush, half: Half) -> None:
    theme, c = brush.theme, brush.controls
    lift = larger(half.weight(c, "cheekSquint"), 0.6 * half.weight(c, "mouthSmile"))
    with brush.at(178 * half.sign, CHEEK_Y):
        blush = (0.30 + 0.30 * lift) * (1 - 0.35 * theme.relief)
        brush.glow(0, -24 * lift, 96 + 16 * lift, 80 + 10 * lift, theme.blush, blush)
        if not theme.glows:
            brush.when(lift > 0.02, lambda: _draw_lift(brush, half, lift))
    brush.when(c["cheekPuff"] > 0, lambda: _draw_puff(brush, half))
    _draw_fold(brush, half)


def _draw_lift(brush: Brush, half: Half, lift: Number) -> None:
    light = brush.theme.skin_light
    brush.glow(-6 * half.sign, -40 * lift, 72, 44, light, 0.5 * lift)


def _draw_puff(brush: Brush, half: Half) -> None:
    puff, s = brush.controls["cheekPuff"], half.sign
    with brush.at(196 * s, 180, 20 * puff):
        brush.glow(4 * s, -6, 112, 104, brush.theme.skin_light, 0.8 * puff)
        rim = open_path((-62 * s, -40), (-86 * s, 10, -50 * s, 62))
        brush.draw(rim, stroke(brush.theme.line, 5, 0.22 * puff))


def _draw_fold(brush: Brush, half: Half) -> None:
    """Draw the fold from the nose to beside the mouth."""
    c = brush.controls
    strength = largest(
        0.9 * half.weight(c, "mouthSmile") ** 1.5,
        0.85 * half.weight(c, "noseSneer"),
        0.7 * half.weight(c, "mouthUpperUp"),
        0.5 * half.weight(c, "mouthDimple"),
        0.5 * half.weight(c, "mouthStretch"),
        0.22 * brush.theme.relief,
    )

    def draw() -> None:
        s, smile = half.sign, half.weight(c, "mouthSmile")
        wide, end = (40 + 14 * smile) * s, (38 + 22 * smile) * s
        fold = open_path((-40 * s, -26), (14 * s, -18, wide, 14, end, 62 - 22 * smile))
        depth = 0.24 + 0.12 * brush.theme.relief
        with brush.at(110 * s, 130):
            brush.draw(fold, stroke(brush.theme.line, 6, depth * strength))

    brush.when(strength >= 0.04, draw)


def draw_nose(brush: Brush) -> None:
    """Draw the nose. A sneer raises the wings and folds the bridge."""
    theme, c = brush.theme, brush.controls
    with brush.at(0, -20, BRIDGE_LIFT):
        if not theme.glows:
            brush.glow(0, 10, 26, 92, theme.skin_light, 0.4 + 0.4 * theme.relief)
        for half in HALVES:
            s, sneer = half.sign, half.weight(c, "noseSneer")
            if theme.relief:
                brush.glow(42 * s, -8, 26, 84, theme.skin_shade, 0.35 * theme.relief)
            for row in range(3):
                y = -8 + 20 * row
                wrinkle = open_path((14 * s, y + 6), (30 * s, y + 4, 44 * s, y - 12))
                brush.draw(wrinkle, stroke(theme.line, 5, 0.5 * sneer))
    with brush.at(0, NOSE_Y, TIP_LIFT):
        brush.scale(theme.nose_size, theme.nose_size)
        if not theme.glows:
            brush.glow(0, 40, 84, 30, theme.skin_shade, 0.85)
            brush.glow(0, 12, 66, 46, theme.skin, 0.9, (0.0, 0.7, 1.0))
            brush.glow(-4, -2, 34, 28, theme.skin_light, 1.0)
        for half in HALVES:
            _draw_wing(brush, half)


def _draw_wing(brush: Brush, half: Half) -> None:
    theme, s = brush.theme, half.sign
    up = 18 * half.weight(brush.controls, "noseSneer")
    wide = 1 + 0.12 * half.weight(brush.controls, "noseSneer")
    wing = open_path(
        (50 * s * wide, 2 - up), (68 * s * wide, 12 - up, 62 * s * wide, 40 - up, 38 * s, 36 - up)
    )
    brush.draw(wing, stroke(theme.line, 6, 0.40 + 0.1 * theme.relief))
    nostril = open_path((42 * s, 36 - up), (26 * s, 22 - 0.8 * up, 14 * s, 40 - 0.4 * up))
    brush.draw(nostril, stroke(theme.line, 8, 0.50 + 0.15 * theme.relief))
    tip = open_path((14 * s, 40 - 0.4 * up), (7 * s, 45, 0, 45))
    brush.draw(tip, stroke(theme.line, 5, 0.25))
