"""Learned blendshapes and the head's pose from 478 landmarks, by parts of the Face Landmarker's
model file.

The file holds a face detector, a landmark network, a small network that reads 52 blendshapes from
landmarks, and a face for the pose. FaceMesh's landmarks lie at the same points as the file's own,
so the last two parts run on either.
"""

from pathlib import Path
from zipfile import BadZipFile, ZipFile

import numpy as np

from reactface_node.errors import UserError
from reactface_node.perception.face_geometry import FaceGeometry, Pose
from reactface_node.perception.networks import Network
from reactface_node.schema import ARKIT_NAMES

DETECTOR = "face_detector.tflite"
LANDMARKS = "face_landmarks_detector.tflite"
BLENDSHAPES = "face_blendshapes.tflite"
GEOMETRY = "geometry_pipeline_metadata_landmarks.binarypb"

NUM_LANDMARKS = 478
# The landmarks that the blendshape network is given, in its order.
_GIVEN = np.fromstring(
    """
    0 1 4 5 6 7 8 10 13 14 17 21 33 37 39 40 46 52 53 54 55 58 61 63 65 66 67 70 78 80 81 82 84
    87 88 91 93 95 103 105 107 109 127 132 133 136 144 145 146 148 149 150 152 153 154 155 157
    158 159 160 161 162 163 168 172 173 176 178 181 185 191 195 197 234 246 249 251 263 267 269
    270 276 282 283 284 285 288 291 293 295 296 297 300 308 310 311 312 314 317 318 321 323 324
    332 334 336 338 356 361 362 365 373 374 375 377 378 379 380 381 382 384 385 386 387 388 389
    390 397 398 400 402 405 409 415 454 466 468 469 470 471 472 473 474 475 476 477
    """,
    int,
    sep=" ",
)
# The network's first value is a neutral face's; it has no tongueOut.
_NAMES = ARKIT_NAMES[:51]

DAMAGE = (OSError, BadZipFile, KeyError, EOFError, RuntimeError, ValueError)
"""Errors of a model file that is damaged or another."""


class ShapeReader:
    """Runs the two parts of a model file; it keeps nothing between faces."""

    def __init__(self, model: Path):
        """UserError if the file is not a face landmarker model."""
        try:
            with ZipFile(model) as parts:
                self._network = Network(parts.read(BLENDSHAPES))
                self._geometry = FaceGeometry(parts.read(GEOMETRY))
            if self._network.shape != (1, len(_GIVEN), 2):
                raise ValueError("the blendshape network is another one")
        except DAMAGE as error:
            raise no_model(model, error) from error

    def read(
        self, landmarks: np.ndarray, size: tuple[int, int]
    ) -> tuple[dict[str, float], Pose | None]:
        """Landmarks (478, 3) as in ``Face``, in an image of size (width, height) -> blendshapes by
        name, and pose as in ``Face``."""
        (found,) = self._network.run((landmarks[_GIVEN, :2] * size)[None])
        shapes = dict(zip(_NAMES, found[1:].tolist(), strict=True))
        return shapes, self._geometry.pose(landmarks, size)


def no_model(model: Path, error: Exception) -> UserError:
    """The error for a file that is not a face landmarker model."""
    why = (str(error).splitlines() or [type(error).__name__])[0]
    return UserError(f"{model} is no face landmarker model ({why}): replace or remove it")
