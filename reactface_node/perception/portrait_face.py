"""Portrait crop: cuts the face from a picture as the speaker's crops are cut, turned upright."""

import cv2
import numpy as np

from reactface_node.config import PerceptionConfig
from reactface_node.errors import UserError
from reactface_node.files import resources
from reactface_node.media.pictures import shrunk
from reactface_node.media.quiet import quiet_stderr, quiet_warnings
from reactface_node.perception.crop import FaceCrop
from reactface_node.perception.finders import positions
from reactface_node.perception.geometry import roll, to_pixels
from reactface_node.perception.landmarker import LandmarkerFinder
from reactface_node.perception.library import has_facemesh, import_mediapipe, no_face_model

MOST_FACES = 2
"""Most faces to find: two show that a picture has more than one."""
MOST_SIDE_PX = 4096
"""Larger pictures are shrunk first; the crop has 224 pixels."""


def crop_portrait(rgb: np.ndarray, landmarker: str = PerceptionConfig.landmarker) -> np.ndarray:
    """Picture (H, W, 3) uint8 RGB -> the face (224, 224, 3) uint8, centred, with level eyes.

    landmarker: model file where mediapipe has none, as the setting ``perception.landmarker``.

    UserError if it has no face or more than one, or if no landmark model is installed.
    """
    rgb = shrunk(rgb, MOST_SIDE_PX)
    with quiet_stderr(), quiet_warnings():
        faces = _find(np.ascontiguousarray(rgb), landmarker)
    if len(faces) != 1:
        found = "no face" if not faces else "more than one face"
        raise UserError(f"{found} is found; take a picture of one person who faces the camera")
    height, width = rgb.shape[:2]
    places = faces[0][:, :2] * [width, height]
    tilt = np.degrees(roll(to_pixels(faces[0], width, height)))
    middle = (places.min(0) + places.max(0)) / 2
    turn = cv2.getRotationMatrix2D((float(middle[0]), float(middle[1])), float(tilt), 1.0)
    level = cv2.warpAffine(rgb, turn, (width, height), borderMode=cv2.BORDER_REPLICATE)
    return FaceCrop().cut(level, places @ turn[:, :2].T + turn[:, 2])


def _find(rgb: np.ndarray, landmarker: str) -> list[np.ndarray]:
    """Landmarks of every face, (n, 3) each; x and y in widths and heights of the picture."""
    if has_facemesh():
        settings = {"static_image_mode": True, "max_num_faces": MOST_FACES}
        with import_mediapipe().solutions.face_mesh.FaceMesh(**settings) as mesh:
            found = mesh.process(rgb).multi_face_landmarks or []
        return [positions(face.landmark) for face in found]
    model = resources.weights_file(landmarker)
    if model is None:
        raise no_face_model()
    finder = LandmarkerFinder(PerceptionConfig(max_faces=MOST_FACES), model)
    return [face.landmarks for face in finder.find(0.0, rgb)]
