"""The head itself: background, shoulders, ears, skin, cheeks, nose and hair."""

import skia

from reactface_node.render.brush import (
    HALVES,
    Brush,
    Half,
    closed,
    fill,
    linear,
    open_path,
    radial,
    stroke,
)
from reactface_node.render.theme import Theme

SKIN, CHEEK, NOSE, EARS, BACK_HAIR, FRINGE = 45.0, 105.0, 190.0, -45.0, -20.0, 52.0
JAW_DROP = 78.0


def draw_background(canvas: skia.Canvas, theme: Theme, reach: float) -> None:
    """Behind everything; ``reach`` is the picture's half diagonal in units."""
    stops = [(theme.background, 1.0), (theme.background_edge, 1.0)]
    canvas.drawPaint(radial(0, -60, reach, stops))


def draw_shoulders(brush: Brush) -> None:
    """Neck and clothes follow the head a little."""
    theme = brush.theme
    if theme.glow:
        return
    neck = closed((-92, 200), (-96, 330, -92, 400, -170, 455), (-150, 700), (150, 700),
                  (170, 455), (92, 400, 96, 330, 92, 200))  # fmt: skip
    brush.canvas.drawPath(neck, linear(300, 460, [(theme.skin_shade, 1), (theme.skin, 1)]))
    brush.canvas.drawOval(skia.Rect.MakeLTRB(-110, 300, 110, 385), fill(theme.line, 0.28, 18))
    clothes = closed((-620, 800), (-600, 520, -330, 470, -150, 440), (-90, 500, 90, 500, 150, 440),
                     (330, 470, 600, 520, 620, 800))  # fmt: skip
    brush.canvas.drawPath(clothes, linear(430, 640, [(theme.clothes_light, 1), (theme.clothes, 1)]))
    collar = open_path((-158, 440), (-95, 512, 95, 512, 158, 440))
    brush.canvas.drawPath(collar, stroke(theme.clothes, 14))


def head_path(brush: Brush) -> skia.Path:
    """The face's outline, moved by the jaw and the cheeks."""
    c, wide = brush.controls, brush.theme.jaw_width
    drop = JAW_DROP * c["jawOpen"] - 8 * c["mouthShrugLower"] + 10 * c["jawForward"]
    aside = 34 * (c["jawLeft"] - c["jawRight"])
    puff = 30 * c["cheekPuff"]
    chin = 366 + drop
    jaw = 62 + 8 * c["jawForward"]
    x = 252 * wide
    return closed(
        (0, -400),
        (190, -400, 292, -270, 288, -70),
        (286, 20, x + 22 + puff, 60, x + 8 + puff, 140),
        (x - 10 + puff, 240 + drop * 0.4, 150 + aside, 330 + drop * 0.9, jaw + aside, chin - 10),
        (24 + aside, chin + 6, -24 + aside, chin + 6, -jaw + aside, chin - 10),
        (-150 + aside, 330 + drop * 0.9, -x + 10 - puff, 240 + drop * 0.4, -x - 8 - puff, 140),
        (-x - 22 - puff, 60, -286, 20, -288, -70),
        (-292, -270, -190, -400, 0, -400),
    )


def draw_ears(brush: Brush) -> None:
    theme = brush.theme
    if theme.glow:
        return
    with brush.layer(EARS):
        for half in HALVES:
            x = 292 * half.sign
            brush.canvas.drawOval(skia.Rect.MakeXYWH(x - 42, -62, 84, 148), fill(theme.skin))
            brush.canvas.drawOval(
                skia.Rect.MakeXYWH(x + 6 * half.sign - 22, -34, 44, 92), fill(theme.skin_shade, 0.7)
            )


def draw_skin(brush: Brush) -> None:
    """The face with its soft light from above, shade at the edge and under the lip."""
    theme, canvas = brush.theme, brush.canvas
    path = head_path(brush)
    if theme.glow:
        canvas.drawPath(path, fill(theme.skin, 0.9))
        canvas.drawPath(path, stroke(theme.line, 5, 0.35))
        return
    canvas.drawPath(path, fill(theme.skin))
    with brush.clipped(path):
        stops = [(theme.skin_light, 0.95), (theme.skin_light, 0.0)]
        canvas.drawCircle(0, -120, 330, radial(0, -120, 330, stops))
        shade = [(theme.skin_shade, 0.0), (theme.skin_shade, 0.0), (theme.skin_shade, 0.9)]
        canvas.drawPaint(radial(0, -10, 470, shade, [0.0, 0.62, 1.0]))


def draw_cheeks(brush: Brush) -> None:
    """Blush and lift with a smile or a squint, roundness when puffed, folds beside the mouth."""
    theme, c = brush.theme, brush.controls
    with brush.layer(CHEEK):
        for half in HALVES:
            lift = max(half.weight(c, "cheekSquint"), 0.55 * half.weight(c, "mouthSmile"))
            x, y = 172 * half.sign, 118 - 26 * lift
            size = 84 + 22 * lift
            strong = 0.26 + 0.30 * lift
            brush.canvas.drawCircle(
                x, y, size, radial(x, y, size, [(theme.blush, strong), (theme.blush, 0)])
            )
            if c["cheekPuff"] > 0:
                px, py = 196 * half.sign, 188
                light = [(theme.skin_light, 0.95 * c["cheekPuff"]), (theme.skin_light, 0)]
                brush.canvas.drawCircle(px, py, 95, radial(px, py, 95, light))
            _draw_fold(brush, half)


def _draw_fold(brush: Brush, half: Half) -> None:
    c, s = brush.controls, half.sign
    smile = half.weight(c, "mouthSmile")
    strength = max(
        smile, 0.8 * half.weight(c, "noseSneer"), 0.7 * half.weight(c, "mouthUpperUp"),
        0.6 * half.weight(c, "mouthDimple"), 0.5 * half.weight(c, "mouthStretch"),
    )  # fmt: skip
    if strength < 0.04:
        return
    fold = open_path((62 * s, 98), (118 * s, 118, (136 + 14 * smile) * s, 190 - 16 * smile))
    brush.canvas.drawPath(fold, stroke(brush.theme.line, 6, 0.30 * strength))


def draw_nose(brush: Brush) -> None:
    """A soft nose: bridge light, wings that a sneer lifts, wrinkles beside the bridge."""
    theme, c = brush.theme, brush.controls
    size = brush.theme.nose_size
    with brush.layer(NOSE):
        canvas = brush.canvas
        if not theme.glow:
            bridge = [(theme.skin_light, 0.55), (theme.skin_light, 0)]
            canvas.drawOval(skia.Rect.MakeXYWH(-22, -90, 44, 190), radial(0, 10, 100, bridge))
            under = skia.Rect.MakeXYWH(-58 * size, 72, 116 * size, 44)
            canvas.drawOval(under, fill(theme.skin_shade, 0.75, 11))
        for half in HALVES:
            s, sneer = half.sign, half.weight(c, "noseSneer")
            up = 16 * sneer
            x = 44 * size * s
            wing = open_path(
                (x + 8 * s, 62 - up),
                (x + 24 * s, 74 - up, x + 16 * s, 100 - up, x - 6 * s, 98 - up),
            )
            canvas.drawPath(wing, stroke(theme.line, 6, 0.55))
            nostril = open_path((x - 8 * s, 98 - up), (x - 22 * s, 88 - up, 14 * s, 98 - up * 0.5))
            canvas.drawPath(nostril, stroke(theme.line, 7, 0.5))
            for row in range(2):
                y = -30 + 22 * row
                wrinkle = open_path((24 * s, y + 12), (40 * s, y + 4, 52 * s, y - 12))
                canvas.drawPath(wrinkle, stroke(theme.line, 5, 0.5 * sneer))
        if not theme.glow:
            tip = [(theme.skin_light, 0.9), (theme.skin_light, 0)]
            canvas.drawCircle(0, 68, 34 * size, radial(0, 66, 34 * size, tip))


def draw_back_hair(brush: Brush) -> None:
    theme = brush.theme
    if theme.hair_style == "none":
        return
    with brush.layer(BACK_HAIR):
        low = 420 if theme.hair_style == "long" else -20
        wide = 372 if theme.hair_style == "long" else 338
        path = closed((-wide + 30, low), (-wide - 40, -130, -330, -470, 0, -476),
                      (330, -470, wide + 40, -130, wide - 30, low))  # fmt: skip
        brush.canvas.drawPath(path, linear(-470, low, [(theme.hair_light, 1), (theme.hair, 1)]))


def draw_fringe(brush: Brush) -> None:
    """Hair over the forehead, parted on the subject's left."""
    theme, canvas = brush.theme, brush.canvas
    if theme.hair_style == "none":
        return
    with brush.layer(FRINGE):
        down = 120 if theme.hair_style == "long" else -60
        main = closed(
            (96, -448), (-60, -500, -322, -450, -326, -150), (-328, -90, -316, -40, -304, down),
            (-296, -60, -290, -150, -252, -214), (-130, -196, 20, -250, 100, -360),
            (130, -300, 210, -240, 262, -216), (288, -150, 292, -60, 304, down),
            (318, -40, 328, -90, 326, -160), (318, -380, 220, -470, 96, -448),
        )  # fmt: skip
        canvas.drawPath(main, linear(-480, -60, [(theme.hair_light, 1), (theme.hair, 1)]))
        for start, bend, end in [
            ((70, -430), (-120, -420), (-262, -240)), ((96, -400), (-40, -330), (-200, -216)),
            ((124, -420), (210, -380), (286, -240)),
        ]:  # fmt: skip
            canvas.drawPath(open_path(start, (*bend, *end)), stroke(theme.hair_light, 7, 0.5))
