"""Coefficients on a mesh: the 3D row of the paper's figures, drawn with skia's triangles."""

import logging

import cv2
import numpy as np
import skia
from scipy.sparse import csr_matrix
from scipy.spatial.transform import Rotation

from reactface_node.config import RenderConfig
from reactface_node.errors import UserError
from reactface_node.files.whole import home_path
from reactface_node.render.brush import clean
from reactface_node.render.mesh.faceverse import read_faceverse
from reactface_node.render.mesh.geometry import FaceMesh, face_mesh
from reactface_node.render.mesh.obj import read_folder
from reactface_node.render.renderer import StillRenderer
from reactface_node.render.skia_canvas import colour
from reactface_node.schema import ARKIT_NAMES, ROTATION, TRANSLATION, index_of

BACKGROUND = "#2e3136"
CLAY = np.array([0.86, 0.83, 0.80])
AMBIENT = 0.16
# Direction and strength of each light: a main light beside the camera, and a weaker one on the
# other side. With lights only at the camera, as in the released code, a smile looks flat.
LIGHTS = (((-0.40, 0.55, 0.75), 0.62), ((0.70, 0.10, 0.60), 0.30))
CAMERA_M, NEAREST_M = 1.2, 0.1
MARGIN = 1.3
FINE = 2
"""Factor of oversampling, because skia draws triangles without anti-aliasing."""


def load_mesh(path: str) -> FaceMesh:
    """FaceVerse's .npy or a folder of ARKit blendshape OBJ files; UserError if it is neither."""
    if not path:
        raise UserError("render.mesh is empty; set it to FaceVerse's .npy or a folder of OBJ files")
    place = home_path(path)
    if place.is_dir():
        return face_mesh(path, *read_folder(place))
    if not place.is_file():
        raise UserError(f"render.mesh: {path} is missing")
    if place.suffix.lower() != ".npy":
        raise UserError(f"render.mesh: {path} is neither an .npy file nor a folder of OBJ files")
    return face_mesh(path, *read_faceverse(place))


class MeshView(StillRenderer):
    """Draws one mesh at one size; the same coefficients give the same pixels."""

    def __init__(self, config: RenderConfig):
        self.size = (config.width, config.height)
        self._mesh = load_mesh(config.mesh)
        missing = [name for name in ARKIT_NAMES if name not in self._mesh.names]
        if missing:
            logging.getLogger(__name__).warning(
                "%s does not show %s", config.mesh, ", ".join(missing)
            )
        self._places = [index_of(name) for name in self._mesh.names]
        self._around = _corners(self._mesh)
        self._pixels = np.zeros((FINE * config.height, FINE * config.width, 4), np.uint8)
        self._surface = skia.Surface(self._pixels, colorType=skia.kRGBA_8888_ColorType)

    def render(self, coefficients: np.ndarray) -> np.ndarray:
        """(58,) -> a new (H, W, 3) uint8 RGB; coefficients are limited as by ``clean``."""
        numbers = clean(coefficients)
        weights = numbers[self._places]
        # Rotation about fixed axes, x first: Rz @ Ry @ Rx.
        turn = Rotation.from_euler("xyz", numbers[ROTATION]).as_matrix().astype(np.float32)
        head = self._mesh.shaped(weights) @ turn.T
        head += numbers[TRANSLATION].astype(np.float32)
        canvas = self._surface.getCanvas()
        canvas.clear(colour(BACKGROUND))
        canvas.drawVertices(self._triangles(head), skia.Paint(Color=skia.ColorWHITE))
        self._surface.flushAndSubmit()
        small = cv2.resize(self._pixels, self.size, interpolation=cv2.INTER_AREA)
        return cv2.cvtColor(small, cv2.COLOR_RGBA2RGB)

    def _triangles(self, head: np.ndarray) -> skia.Vertices:
        """(N, 3) metres -> the visible triangles, in oversampled pixels."""
        x, y = self._projected(head)
        front = self._visible(x, y, head[:, 2])
        # skia accepts only lists, and half of the vertices are on the back and are left out.
        used = np.zeros(len(head), bool)
        used[front] = True
        corners = (np.cumsum(used) - 1)[front]
        return skia.Vertices(
            skia.Vertices.VertexMode.kTriangles_VertexMode,
            list(map(skia.Point, x[used].tolist(), y[used].tolist())),
            None,
            self._shades(head)[used].tolist(),
            corners.ravel().tolist(),
        )

    def _projected(self, head: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(N, 3) metres -> x and y in oversampled pixels, y down, as a pinhole camera sees them."""
        mesh = self._mesh
        height, width = self._pixels.shape[:2]
        seen_m = MARGIN * (mesh.highest - mesh.lowest)
        away = np.maximum(CAMERA_M - head[:, 2], NEAREST_M)
        pixels = min(height, width) / seen_m * CAMERA_M / away
        middle = (mesh.highest + mesh.lowest) / 2
        return width / 2 + pixels * head[:, 0], height / 2 - pixels * (head[:, 1] - middle)

    def _visible(self, x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
        """Triangles that face the camera, the furthest first, so that near ones are drawn last."""
        triangles = self._mesh.triangles
        (ax, bx, cx), (ay, by, cy) = x[triangles].T, y[triangles].T
        front = triangles[(bx - ax) * (cy - ay) < (cx - ax) * (by - ay)]
        found: np.ndarray = front[np.argsort(z[front].sum(axis=1), kind="stable")]
        return found

    def _shades(self, head: np.ndarray) -> np.ndarray:
        """(N,) skia colours of a matt material, interpolated between the vertices."""
        a, b, c = (head[self._mesh.triangles[:, corner]] for corner in range(3))
        normals = self._around @ np.cross(b - a, c - a)
        normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
        light = np.full(len(head), AMBIENT)
        for towards, strength in LIGHTS:
            direction = np.array(towards) / np.linalg.norm(towards)
            light += strength * np.maximum(normals @ direction, 0.0)
        red, green, blue = (255 * np.minimum(light[:, None] * CLAY, 1.0)).astype(np.int64).T
        found: np.ndarray = 0xFF000000 | red << 16 | green << 8 | blue
        return found


def _corners(mesh: FaceMesh) -> csr_matrix:
    """(N, F): 1 where a vertex is a corner of a triangle."""
    count = len(mesh.triangles)
    at = (mesh.triangles.ravel(), np.repeat(np.arange(count), 3))
    return csr_matrix(
        (np.ones(3 * count, np.float32), at), shape=(len(mesh.vertices), count), dtype=np.float32
    )
