"""Face crop: cuts the face from an image in a smoothed square box, for encoders of pixels."""

import cv2
import numpy as np

from reactface_node.schema import CROP_PX

PADDING = 1.4
"""Side of the box, in sizes of the face's landmarks; chosen by hand."""
FRESH = 0.2
"""Weight of a new box 40 ms after the last one; the box lags about 0.16 s, the pixels do not."""


class FaceCrop:
    """Cuts faces from consecutive images; the box is smoothed over past images alone."""

    def __init__(self) -> None:
        self._box: np.ndarray | None = None
        self._width = 0

    def cut(self, rgb: np.ndarray, places: np.ndarray, frames: float = 1.0) -> np.ndarray:
        """Image (H, W, 3) uint8 -> the face (224, 224, 3) uint8, black outside the image.

        places: (n, 2) landmarks in pixels, x right, y down. frames: time since the last image, in
        frames of 40 ms. Images may change their size.
        """
        low, high = places.min(0), places.max(0)
        box = np.array([*(low + high) / 2, max(PADDING * (high - low).max(), 1.0)])
        if self._box is not None:
            kept = (1.0 - FRESH) ** frames
            box = (1.0 - kept) * box + kept * self._box * (rgb.shape[1] / self._width)
        self._box, self._width = box, rgb.shape[1]
        across, down, side = box
        zoom = CROP_PX / side
        shift = np.array(
            [[zoom, 0, CROP_PX / 2 - zoom * across], [0, zoom, CROP_PX / 2 - zoom * down]]
        )
        size = (CROP_PX, CROP_PX)
        # warpAffine has no area sampling, which a face larger than the crop needs.
        if zoom < 1.0:
            small = cv2.resize(rgb, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_AREA)
            sizes = np.array([small.shape[1] / rgb.shape[1], small.shape[0] / rgb.shape[0]])
            shift[:, :2] /= sizes
            rgb = small
        return cv2.warpAffine(rgb, shift, size, flags=cv2.INTER_LINEAR)
