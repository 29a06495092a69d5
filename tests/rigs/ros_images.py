"""Image messages of every kind, for the tests of their conversion."""

import dataclasses

import cv2
import numpy as np

from reactface_node.ros.messages import convert
from reactface_node.ros.messages.types import RosbagsTypes

TYPES = RosbagsTypes()
SMOOTH = np.stack(
    np.broadcast_arrays(
        np.linspace(20, 230, 16)[None, :], np.linspace(240, 30, 12)[:, None], np.float64(90)
    ),
    -1,
).astype(np.uint8)


def image(encoding, data, height, width, step, is_bigendian=0):
    message = convert.image(TYPES, 1.0, "camera", SMOOTH)
    data = np.ascontiguousarray(data).view(np.uint8).reshape(-1)
    return dataclasses.replace(
        message,
        encoding=encoding,
        data=data,
        height=height,
        width=width,
        step=step,
        is_bigendian=is_bigendian,
    )


def of(encoding, pixels, padding=0, is_bigendian=0):
    height, width = pixels.shape[:2]
    rows = np.ascontiguousarray(pixels).view(np.uint8).reshape(height, -1)
    rows = np.pad(rows, ((0, 0), (0, padding)), constant_values=77)
    return image(encoding, rows, height, width, rows.shape[1], is_bigendian)


def compressed(data, format="jpeg"):
    build = TYPES.message_type("sensor_msgs/msg/CompressedImage")
    data = np.frombuffer(bytes(data), np.uint8)
    return build(header=convert.header(TYPES, 1.0, "camera"), format=format, data=data)


def encoded(ending):
    return cv2.imencode(ending, cv2.cvtColor(SMOOTH, cv2.COLOR_RGB2BGR))[1].tobytes()
