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
from reactface_node.perception.library import import_mediapipe

MOST_FACES = 2
"""Most faces to find: two show that a picture has more than one."""
MOST_SIDE_PX = 4096
"""Larger pictures are shrunk first; the crop has 224 pixels."""


def crop_portrait(rgb: np.ndarray) -> np.ndarray:
    """Picture (H, W, 3) uint8 RGB -> the face (224, 224, 3) uint8, centred, with level eyes.

    UserError if it has no face or more than one, or if no landmark model is installed.
    """
    rgb = shrunk(rgb, MOST_SIDE_PX)
    with quiet_stderr(), quiet_warnings():
        faces = _find(np.ascontiguousarray(rgb))
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


def _find(rgb: np.ndarray) -> list[np.ndarray]:
    """Landmarks of every face, (n, 3) each; x and y in widths and heights of the picture."""
    mediapipe = import_mediapipe()
    if hasattr(mediapipe, "solutions"):
        settings = {"static_image_mode": True, "max_num_faces": MOST_FACES}
        with mediapipe.solutions.face_mesh.FaceMesh(**settings) as mesh:
            found = mesh.process(rgb).multi_face_landmarks or []
        return [positions(face.landmark) for face in found]
    model = resources.weights_file(PerceptionConfig().landmarker)
    if model is None:
        raise UserError(
            "this mediapipe carries no face model: reactface weights --download "
            "face_landmarker.task"
        )
    options = mediapipe.tasks.vision.FaceLandmarkerOptions(
        base_options=mediapipe.tasks.BaseOptions(model_asset_path=str(model)),
        num_faces=MOST_FACES,
    )
    with mediapipe.tasks.vision.FaceLandmarker.create_from_options(options) as landmarker:
        image = mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=rgb)
        return [positions(face) for face in landmarker.detect(image).face_landmarks]
