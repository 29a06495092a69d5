"""Builds messages from the core's arrays, and reads stamps.

Head pose: the core's face axes are x to the subject's left, y up, z out of the face; REP-103
has x forward, y left, z up. So forward = z, left = x, up = y. This cyclic permutation of the axes
is a rotation, so the quaternion's vector part is permuted in the same way.
"""

from typing import Any

import numpy as np

from reactface_node.outputs.face import quaternion
from reactface_node.ros.messages.audio import (
    Audio,
    AudioFormat,
    audio_to_samples,
    format_from_info,
    time_to_s,
)
from reactface_node.ros.messages.images import encode_jpeg, image_to_rgb
from reactface_node.ros.messages.types import MESSAGE_VERSION, MessageError, MessageTypes
from reactface_node.schema import (
    ARKIT_NAMES,
    EXPRESSION,
    FRAME_RATE_HZ,
    NUM_COEFFICIENTS,
    ROTATION,
    TRANSLATION,
    ListenerEvent,
    Reaction,
)

__all__ = [
    "Audio",
    "AudioFormat",
    "MessageError",
    "audio_to_samples",
    "blendshapes",
    "compressed_image",
    "event_message",
    "face_coefficients",
    "format_from_info",
    "head_quaternion",
    "header",
    "image",
    "image_to_rgb",
    "reaction_message",
    "stamp_of",
    "time_message",
    "time_to_s",
]


def stamp_of(message: Any) -> float | None:
    """Header stamp in seconds; None if there is no header or the stamp is zero."""
    if not hasattr(message, "header"):
        return None
    return time_to_s(message.header.stamp) or None


def time_message(types: MessageTypes, stamp_s: float) -> Any:
    """Seconds -> builtin_interfaces/Time, rounded to nanoseconds; a time out of its range, such as
    a damaged recording's, becomes the nearest one in range."""
    whole = min(max(round(stamp_s * 1e9), -(2**31) * 10**9), 2**31 * 10**9 - 1)
    sec, nanosec = divmod(whole, 1_000_000_000)
    return types.message_type("builtin_interfaces/msg/Time")(sec=int(sec), nanosec=int(nanosec))


def header(types: MessageTypes, stamp_s: float, frame_id: str) -> Any:
    build = types.message_type("std_msgs/msg/Header")
    return build(stamp=time_message(types, stamp_s), frame_id=frame_id)


def head_quaternion(rotation: np.ndarray) -> tuple[float, float, float, float]:
    """(3,) radians, R = Rz @ Ry @ Rx on the core's axes -> (x, y, z, w) on REP-103's axes."""
    x, y, z, w = quaternion(rotation)
    return z, x, y, w


def blendshapes(types: MessageTypes, stamp_s: float, frame_id: str, face: np.ndarray) -> Any:
    """(58,) coefficients of one frame -> reactface_msgs/Blendshapes."""
    x, y, z, w = head_quaternion(face[ROTATION])
    left, up, forward = (float(v) for v in face[TRANSLATION])
    return types.message_type("reactface_msgs/msg/Blendshapes")(
        header=header(types, stamp_s, frame_id),
        version=MESSAGE_VERSION,
        names=list(ARKIT_NAMES),
        weights=types.sequence(_weights(face)),
        head_rotation=types.message_type("geometry_msgs/msg/Quaternion")(x=x, y=y, z=z, w=w),
        head_translation=types.message_type("geometry_msgs/msg/Vector3")(x=forward, y=left, z=up),
    )


def face_coefficients(types: MessageTypes, stamp_s: float, frame_id: str, face: np.ndarray) -> Any:
    """(58,) coefficients of one frame -> reactface_msgs/FaceCoefficients."""
    return types.message_type("reactface_msgs/msg/FaceCoefficients")(
        header=header(types, stamp_s, frame_id),
        version=MESSAGE_VERSION,
        expression=_weights(face),
        rotation=np.array(face[ROTATION], np.float32),
        translation=np.array(face[TRANSLATION], np.float32),
    )


def reaction_message(types: MessageTypes, frame_id: str, reaction: Reaction) -> Any:
    """A whole window with all its samples -> reactface_msgs/Reaction."""
    samples, frames, width = reaction.samples.shape
    if width != NUM_COEFFICIENTS:
        raise ValueError(f"a reaction has {NUM_COEFFICIENTS} coefficients a frame, not {width}")
    return types.message_type("reactface_msgs/msg/Reaction")(
        header=header(types, float(reaction.show_at_s[0]), frame_id),
        version=MESSAGE_VERSION,
        frame_rate_hz=float(FRAME_RATE_HZ),
        window_index=int(reaction.window_index),
        num_samples=samples,
        num_frames=frames,
        samples=types.sequence(reaction.samples.astype(np.float32).reshape(-1)),
        played=int(reaction.played),
    )


def event_message(types: MessageTypes, frame_id: str, event: ListenerEvent) -> Any:
    """-> reactface_msgs/ListenerEvent."""
    return types.message_type("reactface_msgs/msg/ListenerEvent")(
        header=header(types, event.stamp_s, frame_id),
        version=MESSAGE_VERSION,
        who=event.who,
        kind=event.kind,
        phase=event.phase,
        probability=float(event.probability),
        duration_s=float(event.duration_s),
        cycles=int(event.cycles),
        depth_rad=float(event.depth_rad),
        rate_hz=float(event.rate_hz),
    )


def image(types: MessageTypes, stamp_s: float, frame_id: str, rgb: np.ndarray) -> Any:
    """(H, W, 3) uint8 RGB -> sensor_msgs/Image rgb8."""
    height, width, _ = rgb.shape
    return types.message_type("sensor_msgs/msg/Image")(
        header=header(types, stamp_s, frame_id),
        height=height,
        width=width,
        encoding="rgb8",
        is_bigendian=0,
        step=3 * width,
        data=types.sequence(rgb.reshape(-1)),
    )


def compressed_image(
    types: MessageTypes, stamp_s: float, frame_id: str, rgb: np.ndarray, quality: int
) -> Any:
    """(H, W, 3) uint8 RGB -> sensor_msgs/CompressedImage, JPEG of quality 1..100."""
    return types.message_type("sensor_msgs/msg/CompressedImage")(
        header=header(types, stamp_s, frame_id),
        format="rgb8; jpeg compressed bgr8",
        data=types.sequence(encode_jpeg(rgb, quality)),
    )


def _weights(face: np.ndarray) -> np.ndarray:
    return np.clip(face[EXPRESSION], 0.0, 1.0).astype(np.float32)
