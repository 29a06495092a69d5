"""Fits a picture into another size: as large as possible, in the middle."""

import cv2
import numpy as np


def fitted(
    rgb: np.ndarray,
    width: int,
    height: int,
    background: int = 0,
    enlarge: int = cv2.INTER_LINEAR,
) -> np.ndarray:
    """(H, W, 3) uint8 -> (height, width, 3), the rest of it ``background`` grey.

    enlarge: OpenCV's interpolation for enlarging; shrinking averages areas.
    """
    scale = min(width / rgb.shape[1], height / rgb.shape[0])
    size = max(1, round(rgb.shape[1] * scale)), max(1, round(rgb.shape[0] * scale))
    way = cv2.INTER_AREA if scale < 1 else enlarge
    page = np.full((height, width, 3), background, np.uint8)
    top, left = (height - size[1]) // 2, (width - size[0]) // 2
    page[top : top + size[1], left : left + size[0]] = cv2.resize(rgb, size, interpolation=way)
    return page
