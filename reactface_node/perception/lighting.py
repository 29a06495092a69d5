"""Brightens dark images before a face is looked for, and blurs their noise away.

FaceMesh reads a face as 192 x 192 points, picked from the image without averaging: of a large face
it takes single pixels, with all their noise. So the image is blurred by about the distance of those
points first. Measured against the undegraded clip, jawOpen (r, at brightness x 0.12 with noise of
sigma 6 of 255; with the learned shapes, and measured):

==============================  ====  ====
as it is                        0.69  0.35
brightened to 48                0.88  0.78
the same by a gamma             0.63  0.30
contrast by tiles (CLAHE)       no face
blurred and brightened to 48    0.93  0.93
the same to 90 or 120           0.93  0.93
blurred and CLAHE               0.90  0.92
half the size, brightened       0.92  0.92
mean of images, newest 0.5      0.86  0.84
the same only where it is still 0.94  0.93
==============================  ====  ====

The mean over images that moves nothing costs 5 ms more for 0.01, so there is none.
"""

from collections.abc import Sequence

import cv2
import numpy as np

DARK = 48.0
"""Brightness of a face, of 255, below which the image is brightened to it: on seven real clips it
is 62 to 142."""
BLACK = 4.0
"""An image darker than this is brightened as if it had this brightness."""
BLUR = 1 / 150
"""Standard deviation of the blur in sizes of the face; 1/260 to 1/90 differ by up to 0.05 in r."""
BLUR_UNKNOWN = 1 / 256
"""The same in widths of the image while no face is known."""
LEAST_BLUR_PX = 0.3
LIT_SHARE = 0.95
"""Quantile of the image that stands for a face while none is known: a face before a dark wall is
not dark."""
STEP = 4
"""Only every so many rows and columns are looked at."""


class Lighting:
    """Brightens dark images. It keeps nothing but the boxes of the faces in the last image."""

    def __init__(self) -> None:
        self._boxes: list[np.ndarray] = []

    def brightened(self, image: np.ndarray) -> np.ndarray:
        """Image (H, W, 3) uint8 -> the same object in normal light, otherwise a brighter copy."""
        level, blur_px = self._level(image)
        if level >= DARK:
            return image
        gain = DARK / max(level, BLACK)
        # It begins with nothing at DARK, so that nothing jumps there.
        blur_px *= min(1.0, gain - 1.0)
        if blur_px >= LEAST_BLUR_PX:
            image = cv2.GaussianBlur(image, (0, 0), blur_px)
        return cv2.convertScaleAbs(image, alpha=gain)

    def note(self, boxes: Sequence[np.ndarray]) -> None:
        """Note the faces found in the image: left, top, right, bottom in pixels, (4,) each."""
        self._boxes = list(boxes)

    def _level(self, image: np.ndarray) -> tuple[float, float]:
        """Brightness of the brightest face, and the blur in pixels that suits it."""
        levels = [
            (brightness, BLUR * float((box[2:] - box[:2]).max()))
            for box in self._boxes
            if (brightness := face_brightness(image, box)) is not None
        ]
        if levels:
            return max(levels)
        lit = float(np.quantile(image[::STEP, ::STEP, 1], LIT_SHARE))
        return lit, BLUR_UNKNOWN * image.shape[1]


def face_brightness(image: np.ndarray, box: np.ndarray) -> float | None:
    """Median of green, 0 to 255, of the part (4,) of an image; None if the part is outside."""
    left, top, right, bottom = np.maximum(box, 0.0).astype(int).tolist()
    part = image[top : bottom + 1 : STEP, left : right + 1 : STEP, 1]
    return float(np.median(part)) if part.size else None
