"""A small head of our own, since no 3DMM may be shipped: an egg with a nose and a few shapes, as a
folder of OBJ files and as a FaceVerse file."""

import numpy as np

from reactface_node.schema import ARKIT_NAMES, index_of

ROWS, COLUMNS = 40, 48
HALF = np.array([0.75, 1.1, 0.85])
"""Radii of the egg, in arbitrary units; x to the subject's left, y up, z out of the face."""


def head_vertices() -> np.ndarray:
    """(ROWS * COLUMNS, 3): rings from the crown down."""
    down = np.linspace(0.03, np.pi - 0.03, ROWS)[:, None]
    round_ = np.linspace(0, 2 * np.pi, COLUMNS, endpoint=False)
    ring = np.sin(down)
    egg = np.stack([ring * np.sin(round_), np.cos(down) + 0 * round_, ring * np.cos(round_)], -1)
    vertices = egg.reshape(-1, 3) * HALF
    vertices[:, 2] += 0.22 * bump(vertices, 0.0, -0.05, 0.1, 0.18)
    for side in (-1, 1):
        vertices[:, 2] -= 0.08 * bump(vertices, 0.28 * side, 0.2, 0.13, 0.09)
    vertices[:, 2] += 0.05 * bump(vertices, 0.0, -0.47, 0.25, 0.05)
    return vertices


def head_quads() -> np.ndarray:
    """(F, 4) vertex indices, counter-clockwise from outside."""
    row, column = np.meshgrid(np.arange(ROWS - 1), np.arange(COLUMNS), indexing="ij")
    after = (column + 1) % COLUMNS
    corners = [
        row * COLUMNS + column,
        (row + 1) * COLUMNS + column,
        (row + 1) * COLUMNS + after,
        row * COLUMNS + after,
    ]
    return np.stack(corners, -1).reshape(-1, 4)


def bump(vertices: np.ndarray, x: float, y: float, wide: float, high: float) -> np.ndarray:
    """(N,) 1 at a point of the face, fading to 0 around it."""
    gone = ((vertices[:, 0] - x) / wide) ** 2 + ((vertices[:, 1] - y) / high) ** 2
    return np.exp(-gone) * (vertices[:, 2] > 0)


def shape(name: str) -> np.ndarray:
    """(N, 3) what a blendshape adds: by its ARKit name, or one side alone as browInnerUp_L."""
    stem, side = name.removesuffix("_L").removesuffix("_R"), name[-2:]
    sign = {"_L": 1, "_R": -1}.get(side, 1 if name.endswith("Left") else -1)
    vertices = head_vertices()
    add = np.zeros_like(vertices)
    if stem == "jawOpen":
        add[:, 1] = -0.25 * bump(vertices, 0.0, -0.85, 0.6, 0.4)
    elif stem.startswith("mouthSmile"):
        add += bump(vertices, 0.27 * sign, -0.47, 0.14, 0.14)[:, None] * [0.06 * sign, 0.14, 0.03]
    elif stem.startswith("eyeBlink"):
        add[:, 2] = 0.1 * bump(vertices, 0.28 * sign, 0.2, 0.13, 0.07)
    elif stem == "browInnerUp":
        for half in [sign] if side in ("_L", "_R") else [-1, 1]:
            add += bump(vertices, 0.14 * half, 0.42, 0.1, 0.08)[:, None] * [0.0, 0.08, 0.08]
    return add


def write_obj(path, vertices: np.ndarray, faces: np.ndarray) -> None:
    """With texture coordinates that have a seam, and normals, as modelling programs write them."""
    lines = ["# a head", "mtllib head.mtl", "o head"]
    lines += [f"v {x:.6f} {y:.6f} {z:.6f}" for x, y, z in vertices]
    lines += [f"vt {u / COLUMNS:.4f} 0.5" for u in range(COLUMNS + 1)]
    lines += ["vn 0 0 1", "usemtl skin", "s 1"]
    for at, face in enumerate(faces):
        u = at % COLUMNS + 1
        seam = (u, u, u + 1, u + 1)
        corners = zip(face + 1, seam, strict=False)
        lines.append("f " + " ".join(f"{corner}/{texture}/1" for corner, texture in corners))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


SHAPES = (
    "jawOpen",
    "mouthSmile_L",
    "mouthSmile_R",
    "eyeBlink_L",
    "eyeBlink_R",
    "browInnerUp_L",
    "browInnerUp_R",
)


def write_folder(
    folder, shapes=SHAPES, neutral="generic_neutral_mesh.obj", place=lambda v: v, quads=None
):
    """ICT-FaceKit's layout. place: what is done to all vertices. quads: instead of the head's."""
    folder.mkdir(parents=True, exist_ok=True)
    quads = head_quads() if quads is None else quads
    write_obj(folder / neutral, place(head_vertices()), quads)
    for name in shapes:
        write_obj(folder / f"{name}.obj", place(head_vertices() + shape(name)), quads)
    return folder


def faceverse_model(**changes) -> dict:
    """What FaceVerse's file holds of the same head: y down, z into the head, interleaved rows."""
    turn = np.array([1.0, -1.0, -1.0])
    vertices, quads = head_vertices(), head_quads()
    basis = np.zeros((vertices.size, len(ARKIT_NAMES)))
    for name in (
        "jawOpen",
        "mouthSmileLeft",
        "mouthSmileRight",
        "eyeBlinkLeft",
        "eyeBlinkRight",
        "browInnerUp",
    ):
        basis[:, index_of(name)] = (shape(name) * turn).ravel()
    return {
        "meanshape": (vertices * turn).astype(np.float32),
        "meantex": np.full(vertices.size, 200.0),
        "idBase": np.zeros((vertices.size, 2)),
        "exBase": basis,
        "tri": np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]]),
        "exp_name_list": np.array(ARKIT_NAMES),
    } | changes


def write_faceverse(path, **changes):
    np.save(path, faceverse_model(**changes), allow_pickle=True)
    return path
