"""The embedded default renderer: a stylised face drawn with skia."""

import numpy as np
import skia

from reactface_node.render.brush import Brush, Controls
from reactface_node.render.eyes import draw_brows, draw_eyes
from reactface_node.render.head import (
    SKIN,
    draw_back_hair,
    draw_background,
    draw_cheeks,
    draw_ears,
    draw_fringe,
    draw_nose,
    draw_shoulders,
    draw_skin,
)
from reactface_node.render.mouth import draw_mouth
from reactface_node.render.theme import Theme

UNITS = 1000.0  # of the picture's shorter side
CENTRE_Y = 20.0  # units that the face sits below the picture's middle


class Avatar:
    """Draws faces of one size and theme; the same coefficients give the same pixels."""

    def __init__(self, theme: Theme, width: int, height: int):
        self.size = (width, height)
        self._theme = theme
        self._pixels = np.zeros((height, width, 4), np.uint8)
        self._surface = skia.Surface(self._pixels, colorType=skia.kRGBA_8888_ColorType)
        self._background = self._paint_background()

    def render(self, coefficients: np.ndarray) -> np.ndarray:
        """(58,) -> (H, W, 3) uint8 RGB, the caller's own; NaN and wild values are cleaned."""
        brush = Brush(self._surface.getCanvas(), self._theme, Controls(coefficients))
        canvas = brush.canvas
        canvas.drawImage(self._background, 0, 0)
        canvas.save()
        self._to_units(canvas)
        with brush.head():
            draw_back_hair(brush)
        draw_shoulders(brush)
        with brush.head():
            draw_ears(brush)
            with brush.layer(SKIN):
                draw_skin(brush)
            draw_cheeks(brush)
            draw_mouth(brush)
            draw_eyes(brush)
            draw_nose(brush)
            draw_brows(brush)
            draw_fringe(brush)
        canvas.restore()
        self._surface.flushAndSubmit()
        return np.ascontiguousarray(self._pixels[:, :, :3])

    def _to_units(self, canvas: skia.Canvas) -> None:
        width, height = self.size
        canvas.translate(width / 2, height / 2)
        scale = min(width, height) / UNITS
        canvas.scale(scale, scale)
        canvas.translate(0, CENTRE_Y)

    def _paint_background(self) -> skia.Image:
        """Drawn once: a gradient over the whole picture costs milliseconds."""
        canvas = self._surface.getCanvas()
        canvas.save()
        self._to_units(canvas)
        width, height = self.size
        reach = UNITS * 0.5 * (width**2 + height**2) ** 0.5 / min(width, height)
        draw_background(canvas, self._theme, reach)
        canvas.restore()
        return skia.Image.fromarray(self._pixels, colorType=skia.kRGBA_8888_ColorType)
