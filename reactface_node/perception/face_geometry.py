"""Head pose from landmarks as MediaPipe's face geometry module finds it.

The Face Landmarker's model file holds a face in centimetres and the weights of the points by which
it is fitted to landmarks. The landmarks' depth has no scale of its own: the fit is repeated with
the depth that the fit before gave.
"""

import struct
from collections.abc import Iterator

import numpy as np

VERTICAL_VIEW_DEG = 63.0
"""Vertical field of view that the Face Landmarker assumes of a camera."""
NEAR_CM = 1.0
LEAST_SCALE = 1e-6
"""A face that is smaller on the plane ``NEAR_CM`` before the camera has no pose."""
NUM_POINTS = 468
"""Landmarks without those of the irises."""
# Numbers of the fields in the file, a protocol buffer.
_MESH, _BASIS, _VERTICES, _POINT, _WEIGHT = 1, 2, 3, 1, 2
_VERTEX_VALUES = 5  # x, y, z and a place in a texture.

Pose = tuple[np.ndarray, np.ndarray]


class FaceGeometry:
    """Fits the face of a model file to landmarks."""

    def __init__(self, content: bytes):
        """content: ``geometry_pipeline_metadata_landmarks.binarypb``. ValueError if it is none."""
        self._points, face, weights = _read(content)
        self._shares = weights / weights.sum()
        self._middle = self._shares @ face
        self._face = face - self._middle
        self._spread = float((self._shares @ self._face**2).sum())

    def pose(self, landmarks: np.ndarray, size: tuple[int, int]) -> Pose | None:
        """Landmarks (478, 3), in widths, heights and widths of an image of size (width, height) ->
        rotation (3, 3) and position (3,) in metres in our axes; None if they lie on one point."""
        high = 2.0 * NEAR_CM * np.tan(np.radians(VERTICAL_VIEW_DEG / 2))
        wide = high * size[0] / size[1]
        # On the plane that is nearest to the camera.
        near = (landmarks[:NUM_POINTS] - [0.5, 0.5, 0.0]) * [wide, -high, wide]
        behind = near[:, 2].mean()
        near = near[self._points]
        scale = self._fit(near * [1.0, 1.0, -1.0])[2]
        for _ in range(2):
            if scale < LEAST_SCALE:
                return None
            depths = (near[:, 2:] - behind + NEAR_CM) / scale
            metric = np.concatenate([near[:, :2] * depths / NEAR_CM, -depths], axis=1)
            rotation, place, again = self._fit(metric)
            scale *= again
        return rotation, place / 100

    def _fit(self, seen: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
        """Points (n, 3) -> rotation, position and scale of the face, by weighted least squares
        (Umeyama 1991)."""
        seen_middle = self._shares @ seen
        weighted = (seen - seen_middle) * self._shares[:, None]
        u, sizes, vt = np.linalg.svd(weighted.T @ self._face)
        signs = np.array([1.0, 1.0, np.sign(np.linalg.det(u @ vt))])
        rotation = (u * signs) @ vt
        scale = float((sizes * signs).sum()) / self._spread
        return rotation, seen_middle - scale * rotation @ self._middle, scale


def _read(content: bytes) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The points' numbers (n,), their places on the face (n, 3) in centimetres, and weights."""
    vertices = np.zeros((0, _VERTEX_VALUES))
    points, weights = [], []
    try:
        for field, value in _fields(content):
            if field == _MESH:
                packed = b"".join(v for number, v in _fields(value) if number == _VERTICES)
                vertices = np.frombuffer(packed, "<f4").reshape(-1, _VERTEX_VALUES)
            elif field == _BASIS:
                one = dict(_fields(value))
                points.append(int.from_bytes(one.get(_POINT, b"\0"), "little"))
                weights.append(struct.unpack("<f", one[_WEIGHT])[0])
    except (IndexError, KeyError, struct.error) as error:
        raise ValueError("the face for the pose is damaged") from error
    numbers = np.array(points, int)
    if len(vertices) != NUM_POINTS or len(points) < 3 or numbers.max() >= NUM_POINTS:
        raise ValueError("the face for the pose is another one")
    return numbers, vertices[numbers, :3].astype(float), np.array(weights)


def _fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """Number and bytes of each field of a protocol buffer's message; a whole number's bytes are
    little-endian. ValueError if it is damaged."""
    at = 0
    while at < len(message):
        key, at = _whole_number(message, at)
        kind = key & 7
        if kind == 0:
            number, at = _whole_number(message, at)
            yield key >> 3, number.to_bytes(8, "little")
            continue
        if kind == 2:
            length, at = _whole_number(message, at)
        elif kind in (1, 5):
            length = 8 if kind == 1 else 4
        else:
            raise ValueError(f"a field of kind {kind}")
        if at + length > len(message):
            raise ValueError("a field is longer than its message")
        yield key >> 3, message[at : at + length]
        at += length


def _whole_number(message: bytes, at: int) -> tuple[int, int]:
    """A number of a protocol buffer, seven bits a byte, and where it ends."""
    number = 0
    for shift in range(0, 64, 7):
        byte = message[at]
        at += 1
        number |= (byte & 127) << shift
        if byte < 128:
            return number & (1 << 64) - 1, at
    raise ValueError("a number of more than 64 bits")
