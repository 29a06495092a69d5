"""sensor_msgs/CompressedImage -> RGB pixels."""

from typing import Any

import numpy as np

from reactface_node.media.pictures import read_picture
from reactface_node.ros.messages.types import MessageError


def decode(message: Any, least_width: int = 0) -> np.ndarray:
    """CompressedImage -> (H, W, 3) uint8 RGB, upright where Exif says how it lies.

    JPEG, PNG, WebP, TIFF or BMP by its first bytes, since drivers write many different format
    strings. ``least_width`` as in ``images.image_to_rgb``. MessageError for anything else, and if
    it is truncated, damaged or too large.
    """
    data = np.frombuffer(message.data, np.uint8).tobytes()
    try:
        return read_picture(data, least_width)
    except ValueError as error:
        raise MessageError(
            f"compressed image: {error} (its format: '{message.format[:60]}')"
        ) from error
