"""A folder of Wavefront OBJ files: a neutral face and one file a blendshape, as ICT-FaceKit has
them. No mesh library is used: they split or reorder vertices at seams of texture coordinates, and
blendshapes need the same order in all files."""

from itertools import pairwise
from pathlib import Path

import numpy as np

from reactface_node.errors import UserError
from reactface_node.files.progress import ProgressBar
from reactface_node.schema import ARKIT_NAMES

NEUTRALS = ("neutral", "generic_neutral_mesh")
SIDES = {"_l": "Left", "_r": "Right"}


def read_folder(folder: Path) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """Neutral vertices (N, 3), triangles (F, 3), and the offsets (N, 3) of weight 1 by ARKit name.

    Files with other names, such as ICT-FaceKit's identities, are ignored. UserError if the neutral
    face or every shape is missing, or if a shape has other vertices or faces.
    """
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() == ".obj")
    neutrals = [path for path in files if path.stem.lower() in NEUTRALS]
    if len(neutrals) != 1:
        raise UserError(
            f"{folder} has {len(neutrals) or 'no'} neutral faces; one neutral.obj or "
            "generic_neutral_mesh.obj is needed (in ICT-FaceKit the folder is FaceXModel)"
        )
    named = _by_name(files)
    if not named:
        raise UserError(
            f"{folder} has no blendshape: files such as jawOpen.obj and mouthSmile_L.obj are needed"
        )
    vertices, faces = read_obj(neutrals[0])
    triangles = _triangles(neutrals[0], faces, len(vertices))
    shapes: dict[str, np.ndarray] = {}
    paths = [(name, path) for name, paths in named.items() for path in paths]
    for name, path in ProgressBar(paths, "mesh", unit="file", leave=False):
        moved, theirs = read_obj(path)
        # The text is mostly the same in all files; to compare it saves seconds per folder.
        same = theirs == faces or np.array_equal(_triangles(path, theirs, len(moved)), triangles)
        if moved.shape != vertices.shape or not same:
            raise UserError(
                f"{path} has another topology than {neutrals[0].name}: {len(moved)} vertices and "
                f"{len(theirs)} faces, not {len(vertices)} and {len(faces)} in the same order"
            )
        shapes[name] = shapes.get(name, 0.0) + moved - vertices
    return vertices, triangles, shapes


def _by_name(files: list[Path]) -> dict[str, list[Path]]:
    """The files of every ARKit weight; two if a weight has one file per side, as browInnerUp."""
    known = {name.lower(): name for name in ARKIT_NAMES}
    found: dict[str, dict[str, Path]] = {}
    for path in files:
        stem, side = path.stem.lower(), ""
        if stem[-2:] in SIDES:
            stem, side = stem[:-2], SIDES[stem[-2:]]
        both = known.get(stem)
        name, part = (both, side) if both else (known.get(stem + side.lower()), "")
        if name is None:
            continue
        parts = found.setdefault(name, {})
        if part in parts or (parts and "" in {part, *parts}):
            other = next(iter(parts.values()))
            raise UserError(f"{other} and {path.name} are both {name}; remove one")
        parts[part] = path
    return {name: list(parts.values()) for name, parts in found.items()}


def read_obj(path: Path) -> tuple[np.ndarray, list[str]]:
    """Vertices (N, 3) float64 in the file's order, and the lines of its faces. UserError, with the
    file's name, if it has none."""
    points: list[list[str]] = []
    faces: list[str] = []
    try:
        with path.open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                if line.startswith("v "):
                    points.append(line.split()[1:4])
                elif line.startswith("f "):
                    faces.append(line)
        vertices = np.array(points, np.float64)
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        raise UserError(f"{path} is no OBJ file: a vertex is not three numbers") from error
    if not faces or vertices.ndim != 2 or vertices.shape[1] != 3:
        raise UserError(f"{path} is no OBJ file of a mesh: it needs vertices and faces")
    return vertices, faces


def _triangles(path: Path, faces: list[str], vertices: int) -> np.ndarray:
    """``f 1/2/3 4//6 7 ...`` -> (F, 3) vertex indices from 0; polygons are split into fans of
    triangles."""
    triangles: list[tuple[int, int, int]] = []
    try:
        for face in faces:
            first, *rest = (int(corner.split("/", 1)[0]) - 1 for corner in face.split()[1:])
            triangles += [(first, b, c) for b, c in pairwise(rest)]
        found = np.array(triangles, np.int64).reshape(-1, 3)
    except (ValueError, OverflowError) as error:
        raise UserError(f"{path} has faces that cannot be read: {face.strip()[:60]}") from error
    if not len(found) or found.min() < 0 or found.max() >= vertices:
        raise UserError(
            f"{path}: its faces are to name its {vertices} vertices by their number from 1 on"
        )
    return found
