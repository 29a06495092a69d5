"""Head pose, and a face without pose and scale, from FaceMesh's 478 landmarks.

Axes as in ``schema``: x to the subject's left (right in the image), y up, z out of the face.
"""

import cv2
import numpy as np

# Points of a generic adult head that expressions do not move, in millimetres, origin between the
# eyes: FaceMesh index -> position, for the middle and for pairs (right, left), of which the right
# side's position is given. Whole millimetres, set by hand; the source is not recorded.
_MIDDLE_MM = {
    168: (0, 5, 19),
    6: (0, -4, 23),
    197: (0, -11, 28),
    195: (0, -17, 34),
    5: (0, -24, 39),
    4: (0, -32, 42),
    1: (0, -39, 40),
    2: (0, -44, 25),
    10: (0, 55, 15),
    9: (0, 21, 20),
}
_PAIRS_MM = {
    (33, 263): (-45, 0, -2),
    (133, 362): (-17, 0, 2),
    (129, 358): (-22, -34, 13),
    (98, 327): (-18, -41, 17),
    (127, 356): (-66, 1, -50),
    (234, 454): (-66, -13, -54),
    (162, 389): (-65, 16, -40),
}
RIGHT_EYE, LEFT_EYE = 33, 263  # outer corners
TO_VIEWER = np.diag([1.0, -1.0, -1.0])  # OpenCV's camera axes <-> ours


def _rigid() -> tuple[np.ndarray, np.ndarray]:
    places = dict(_MIDDLE_MM)
    for (right, left), (x, y, z) in _PAIRS_MM.items():
        places |= {right: (x, y, z), left: (-x, y, z)}
    return np.array(list(places)), np.array(list(places.values()), float) / 1000


RIGID, RIGID_M = _rigid()


def to_pixels(landmarks: np.ndarray, width: int, height: int) -> np.ndarray:
    """FaceMesh's normalised landmarks (478, 3), z in image widths -> pixels in our axes."""
    pixels: np.ndarray = landmarks * np.array([width, -height, -width], float)
    return pixels


def roll(points: np.ndarray) -> float:
    """Landmarks (478, 3) in pixels in our axes -> angle of the face in the image, radians.

    0 is upright, positive is clockwise.
    """
    across, up, _ = points[LEFT_EYE] - points[RIGHT_EYE]
    return float(np.arctan2(-up, across))


def quarter_turned(
    points: np.ndarray, size: tuple[int, int], turns: int
) -> tuple[np.ndarray, tuple[int, int]]:
    """Points (n, 3) in pixels in our axes and the size (width, height) of an image, after the
    image is rotated counter-clockwise by ``turns`` quarter turns (``np.rot90``)."""
    (width, height), (x, y, z) = size, points.T
    y = -y
    if turns % 4 == 1:
        x, y, width, height = y, width - x, height, width
    elif turns % 4 == 2:
        x, y = width - x, height - y
    elif turns % 4 == 3:
        x, y, width, height = height - y, x, height, width
    return np.stack([x, -y, z], axis=1), (width, height)


def without_perspective(points: np.ndarray, width: int, height: int) -> np.ndarray:
    """Landmarks (478, 3) in pixels -> the same as seen by a camera far away.

    Perspective moves a point away from the middle of the image by its depth over its distance. With
    a focal length of the image width (see ``head_pose``) that is z in pixels over the width.
    """
    middle = np.array([width / 2, -height / 2])
    nearer = 1.0 - points[:, 2:] / width
    return np.concatenate([middle + (points[:, :2] - middle) * nearer, points[:, 2:]], axis=1)


def face_shape(points: np.ndarray) -> np.ndarray:
    """Landmarks (478, 3) in pixels -> the face without pose, scaled to the generic face, metres.

    Applies the least-squares similarity over the rigid points (Umeyama 1991), so that turning the
    head is not an expression.
    """
    seen, model = points[RIGID], RIGID_M
    seen_mid, model_mid = seen.mean(0), model.mean(0)
    u, sizes, vt = np.linalg.svd((seen - seen_mid).T @ (model - model_mid))
    signs = np.array([1.0, 1.0, np.sign(np.linalg.det(u @ vt))])
    rotation = (u * signs) @ vt
    scale = (sizes * signs).sum() / ((model - model_mid) ** 2).sum()
    shape: np.ndarray = (points - seen_mid) @ rotation / max(scale, 1e-9) + model_mid
    return shape


def head_pose(points: np.ndarray, width: int, height: int) -> tuple[np.ndarray, np.ndarray] | None:
    """Rotation matrix (3, 3) and position (3,) in metres, in our axes, of landmarks in pixels.

    Solves PnP (SQPNP, then Levenberg-Marquardt) on the rigid points. The focal length is assumed to
    be the image width (a field of view of about 53 degrees). None if there is no solution.
    """
    camera = np.array([[width, 0, width / 2], [0, width, height / 2], [0, 0, 1]], float)
    pixels = points[RIGID, :2] * [1.0, -1.0]
    solved, turn, place = cv2.solvePnP(
        RIGID_M, pixels, camera, np.zeros(4), flags=cv2.SOLVEPNP_SQPNP
    )
    if not solved or not np.isfinite(turn).all() or not np.isfinite(place).all():
        return None
    turn, place = cv2.solvePnPRefineLM(RIGID_M, pixels, camera, np.zeros(4), turn, place)
    return TO_VIEWER @ cv2.Rodrigues(turn)[0], (TO_VIEWER @ place)[:, 0]


def euler_angles(rotation: np.ndarray) -> np.ndarray:
    """Rotation matrix (3, 3), R = Rz @ Ry @ Rx -> angles (x, y, z) in radians."""
    x = np.arctan2(rotation[2, 1], rotation[2, 2])
    y = -np.arcsin(np.clip(rotation[2, 0], -1.0, 1.0))
    z = np.arctan2(rotation[1, 0], rotation[0, 0])
    return np.array([x, y, z])


def rotation_matrix(angles: np.ndarray) -> np.ndarray:
    """Angles (x, y, z) in radians -> rotation matrix (3, 3); the inverse of ``euler_angles``."""
    (cx, cy, cz), (sx, sy, sz) = np.cos(angles), np.sin(angles)
    about_x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_z = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    rotation: np.ndarray = about_z @ about_y @ about_x
    return rotation
