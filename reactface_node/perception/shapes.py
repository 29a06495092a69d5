"""Learned blendshapes and the head's pose from FaceMesh's landmarks.

The Face Landmarker's model file holds a landmark model, a small model that reads 52 blendshapes
from landmarks, and the face for the pose. The landmark model takes most of its time. FaceMesh's
landmarks lie at the same points and cost half, so the other two parts run on them. MediaPipe has
both as parts of its own graph, which no public class offers alone; they run in the graph below, in
the versions of mediapipe that carry FaceMesh.
"""

from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

import numpy as np

from reactface_node.errors import UserError
from reactface_node.media.quiet import quiet_stderr, quiet_warnings

BLENDSHAPES = "face_blendshapes.tflite"
GEOMETRY = "geometry_pipeline_metadata_landmarks.binarypb"
_TASKS = "mediapipe.tasks.vision"
VERTICAL_VIEW_DEG = 63.0
"""Vertical field of view that the Face Landmarker assumes of a camera."""
NUM_LANDMARKS = 478
NEAR_CM, FAR_CM = 1.0, 10_000.0

_DAMAGE = (OSError, BadZipFile, KeyError, EOFError, RuntimeError, ValueError)

Pose = tuple[np.ndarray, np.ndarray]


class ShapeReader:
    """Runs the two parts of a model file, on one face at a time; it keeps nothing between faces."""

    def __init__(self, model: Path):
        """UserError if the file is not a face landmarker model."""
        from mediapipe.python import packet_creator, packet_getter
        from mediapipe.python._framework_bindings import task_runner

        self._creator, self._getter = packet_creator, packet_getter
        self._image: Any = None
        self._size = (0, 0)
        try:
            with ZipFile(model) as parts:
                graph = _graph(parts.read(BLENDSHAPES), parts.read(GEOMETRY))
            with quiet_stderr(), quiet_warnings():
                self._runner = task_runner.TaskRunner.create(graph)
                # A foreign part shows with the first face.
                self.read(_some_face(), (640, 480))
        except _DAMAGE as error:
            raise no_model(model, error) from error

    def read(self, landmarks: Any, size: tuple[int, int]) -> tuple[dict[str, float], Pose]:
        """FaceMesh's landmarks of a face in an image of size (width, height) -> blendshapes by
        name, and pose as in ``person.Face``."""
        if size != self._size:
            self._size, self._image = size, self._creator.create_image(_blank(size))
        face = self._creator.create_proto(landmarks)
        found = self._runner.process({"image": self._image, "landmarks": face})
        shapes = self._getter.get_proto(found["blendshapes"])
        (geometry,) = self._getter.get_proto_list(found["geometry"])
        packed = np.array(geometry.pose_transform_matrix.packed_data)
        matrix = packed.reshape(4, 4, order="F")
        return {c.label: float(c.score) for c in shapes.classification}, read_pose(matrix)

    def close(self) -> None:
        """Free the models."""
        self._runner.close()


def read_pose(matrix: np.ndarray) -> Pose:
    """The Face Landmarker's transformation (4, 4) -> rotation (3, 3) and position (3,) in metres.

    It maps MediaPipe's canonical face (our axes, centimetres) to a camera that looks along -z with
    y up, so rotation and position are already in our axes.
    """
    u, _, vt = np.linalg.svd(matrix[:3, :3])  # Removes the scale.
    return u @ vt, matrix[:3, 3] / 100


def no_model(model: Path, error: Exception) -> UserError:
    """The error for a file that is not a face landmarker model."""
    why = (str(error).splitlines() or [type(error).__name__])[0]
    return UserError(f"{model} is no face landmarker model ({why}): replace or remove it")


def _some_face() -> Any:
    """Landmarks of a flat disc."""
    from mediapipe.framework.formats.landmark_pb2 import NormalizedLandmark, NormalizedLandmarkList

    angles = np.arange(NUM_LANDMARKS) * 2.4  # The golden angle spreads the points evenly.
    radii = 0.2 * np.sqrt(np.arange(NUM_LANDMARKS) / NUM_LANDMARKS)
    places = zip(0.5 + radii * np.cos(angles), 0.5 + radii * np.sin(angles), strict=True)
    return NormalizedLandmarkList(landmark=[NormalizedLandmark(x=x, y=y) for x, y in places])


def _blank(size: tuple[int, int]) -> Any:
    """An image of which the graph reads the size alone."""
    import mediapipe

    pixels = np.zeros((size[1], size[0]), np.uint8)
    return mediapipe.Image(image_format=mediapipe.ImageFormat.GRAY8, data=pixels)


def _graph(blendshapes: bytes, geometry: bytes) -> Any:
    """MediaPipe's graph: image and landmarks -> blendshapes and geometry."""
    from mediapipe.framework.calculator_pb2 import CalculatorGraphConfig
    from mediapipe.tasks.cc.vision.face_geometry.calculators import env_generator_calculator_pb2
    from mediapipe.tasks.cc.vision.face_geometry.proto import (
        environment_pb2,
        face_geometry_graph_options_pb2,
    )
    from mediapipe.tasks.cc.vision.face_landmarker.proto import face_blendshapes_graph_options_pb2

    graph = CalculatorGraphConfig(
        input_stream=["IMAGE:image", "LANDMARKS:landmarks"],
        output_stream=["BLENDSHAPES:blendshapes", "FACE_GEOMETRY:geometry"],
    )

    def add(calculator: str, options: Any = None, **streams: list[str]) -> None:
        node = graph.node.add(calculator=calculator, **streams)
        if options is not None:
            node.node_options.add().Pack(options)

    shapes = face_blendshapes_graph_options_pb2.FaceBlendshapesGraphOptions()
    shapes.base_options.model_asset.file_content = blendshapes
    shapes.base_options.acceleration.xnnpack.SetInParent()
    lens = env_generator_calculator_pb2.FaceGeometryEnvGeneratorCalculatorOptions()
    lens.environment.origin_point_location = environment_pb2.TOP_LEFT_CORNER
    camera = lens.environment.perspective_camera
    camera.vertical_fov_degrees, camera.near, camera.far = VERTICAL_VIEW_DEG, NEAR_CM, FAR_CM
    pose = face_geometry_graph_options_pb2.FaceGeometryGraphOptions()
    pose.geometry_pipeline_options.metadata_file.file_content = geometry
    add("ImagePropertiesCalculator", input_stream=["IMAGE:image"], output_stream=["SIZE:size"])
    add(
        f"{_TASKS}.face_landmarker.FaceBlendshapesGraph",
        shapes,
        input_stream=["LANDMARKS:landmarks", "IMAGE_SIZE:size"],
        output_stream=["BLENDSHAPES:blendshapes"],
    )
    add(
        "ConcatenateNormalizedLandmarkListVectorCalculator",
        input_stream=["landmarks"],
        output_stream=["faces"],
    )
    add(
        f"{_TASKS}.face_geometry.FaceGeometryEnvGeneratorCalculator",
        lens,
        output_side_packet=["ENVIRONMENT:environment"],
    )
    add(
        f"{_TASKS}.face_geometry.FaceGeometryFromLandmarksGraph",
        pose,
        input_stream=["FACE_LANDMARKS:faces", "IMAGE_SIZE:size"],
        input_side_packet=["ENVIRONMENT:environment"],
        output_stream=["FACE_GEOMETRY:geometry"],
    )
    return graph
