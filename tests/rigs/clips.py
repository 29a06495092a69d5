"""The real clips, which lie beside the repository."""

import av
import cv2
import numpy as np
import pytest

from rigs.paths import SHARED

needs_clips = pytest.mark.skipif(
    not (SHARED / "clips").is_dir(), reason="the clips are not in the repository"
)


def frames_of(name, until_s=np.inf, width_px=640):
    """(stamp in seconds, image) of a clip."""
    with av.open(str(SHARED / "clips" / f"{name}.mp4")) as clip:
        for frame in clip.decode(video=0):
            stamp_s = float(frame.pts * frame.time_base)
            if stamp_s >= until_s:
                return
            image = frame.to_ndarray(format="rgb24")
            if image.shape[1] > width_px:
                size = width_px, round(image.shape[0] * width_px / image.shape[1])
                image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
            yield stamp_s, np.ascontiguousarray(image)
