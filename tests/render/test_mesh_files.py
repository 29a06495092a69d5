"""Unusable meshes: one line with the file and what to do; no code in them is run."""

import io
import os
import pickle

import numpy as np
import pytest
from rigs.mesh_head import (
    faceverse_model,
    head_quads,
    head_vertices,
    shape,
    write_faceverse,
    write_folder,
    write_obj,
)

from reactface_node.config import RenderConfig
from reactface_node.errors import UserError
from reactface_node.render import make_renderer
from reactface_node.render.mesh.obj import read_folder, read_obj
from reactface_node.research.evaluation.strips import mesh_view


def refused(path) -> str:
    """The one line."""
    with pytest.raises(UserError) as error:
        make_renderer(RenderConfig(renderer="mesh", mesh=str(path), width=64, height=64))
    line = str(error.value)
    assert "\n" not in line and len(line) < 400
    return line


def works(path):
    renderer = make_renderer(RenderConfig(renderer="mesh", mesh=str(path), width=64, height=64))
    assert renderer.render(np.zeros(58)).std() > 5


def test_no_mesh_and_a_missing_one(tmp_path):
    assert "render.mesh is empty" in refused("")
    assert "gone.npy is missing" in refused(tmp_path / "gone.npy")
    (tmp_path / "head.fbx").write_bytes(b"x")
    assert "neither an .npy file nor a folder" in refused(tmp_path / "head.fbx")


def test_figures_refuse_a_bad_mesh_before_the_work(tmp_path):
    with pytest.raises(UserError, match="is missing"):
        mesh_view(RenderConfig(mesh=str(tmp_path / "gone")))


def test_an_empty_folder_and_one_without_shapes(tmp_path):
    assert "no neutral face" in refused(tmp_path)
    assert "no blendshape" in refused(write_folder(tmp_path / "neutral", ()))
    two = write_folder(tmp_path / "two", ("jawOpen",))
    write_obj(two / "Neutral.obj", head_vertices(), head_quads())
    assert "2 neutral faces" in refused(two)


@pytest.mark.parametrize("neutral", ["neutral.obj", "Neutral.OBJ", "generic_neutral_mesh.obj"])
def test_names_of_the_neutral_face(tmp_path, neutral):
    works(write_folder(tmp_path / "mesh", ("jawOpen",), neutral))


def test_names_of_shapes(tmp_path):
    names = ("MOUTHSMILELEFT", "mouthSmile_R", "browInnerUp_L", "browInnerUp_R", "jawLeft")
    folder = write_folder(tmp_path / "mesh", ())
    for name in (*names, "identity000", "tooth_L"):
        write_obj(folder / f"{name}.obj", head_vertices() + shape("jawOpen"), head_quads())
    shapes = read_folder(folder)[2]
    assert set(shapes) == {"mouthSmileLeft", "mouthSmileRight", "browInnerUp", "jawLeft"}
    # Both halves of browInnerUp are driven by the one weight.
    np.testing.assert_allclose(shapes["browInnerUp"], 2 * shapes["jawLeft"], atol=1e-6)


@pytest.mark.parametrize(
    "pair", [("mouthSmileLeft", "mouthSmile_L"), ("browInnerUp", "browInnerUp_L")]
)
def test_two_files_for_one_weight(tmp_path, pair):
    line = refused(write_folder(tmp_path / "mesh", pair))
    assert all(f"{name}.obj" in line for name in pair) and "remove one" in line


def test_a_shape_with_other_vertices_or_faces(tmp_path):
    for number, (vertices, quads) in enumerate(
        [
            (np.vstack([head_vertices(), [[0, 0, 0]]]), head_quads()),
            (head_vertices(), head_quads()[:-1]),
            (head_vertices(), head_quads()[::-1]),
            (head_vertices(), head_quads()[:, [1, 2, 3, 0]]),
        ]
    ):
        folder = write_folder(tmp_path / str(number), ("jawOpen", "mouthSmile_L"))
        write_obj(folder / "mouthSmile_L.obj", vertices, quads)
        line = refused(folder)
        assert "mouthSmile_L.obj has another topology than generic_neutral_mesh.obj" in line


@pytest.mark.parametrize(
    "text, complaint",
    [
        ("", "needs vertices and faces"),
        ("v 1 2 3\n", "needs vertices and faces"),
        ("v 1 2 3\nv 1 2\nf 1 2 1\n", "not three numbers"),
        ("v 1 2 x\nf 1 1 1\n", "not three numbers"),
        ("\x00\xff not text", "needs vertices and faces"),
    ],
)
def test_a_file_that_is_no_mesh(tmp_path, text, complaint):
    folder = write_folder(tmp_path / "mesh", ("jawOpen",))
    (folder / "jawOpen.obj").write_text(text, encoding="latin-1")
    line = refused(folder)
    assert "jawOpen.obj" in line and complaint in line


@pytest.mark.parametrize("faces", ["f a b c", "f 1 2 99", "f 0 1 2", "f -1 -2 -3", "f 1 2"])
def test_faces_that_name_no_vertices(tmp_path, faces):
    folder = write_folder(tmp_path / "mesh", ("jawOpen",))
    (folder / "generic_neutral_mesh.obj").write_text(f"v 0 0 0\nv 1 0 0\nv 0 1 0\n{faces}\n")
    assert "generic_neutral_mesh.obj" in refused(folder)


@pytest.mark.parametrize("value", ["nan", "inf", "1e30"])
def test_vertices_that_are_no_place(tmp_path, value):
    folder = write_folder(tmp_path / "mesh", ("jawOpen",))
    text = (folder / "jawOpen.obj").read_text(encoding="utf-8")
    (folder / "jawOpen.obj").write_text(text.replace("v ", f"v {value} 0 0\n#", 1))
    assert "NaN or numbers beyond reason" in refused(folder)


def test_shapes_that_move_nothing_and_flat_meshes(tmp_path):
    still = write_folder(tmp_path / "still", ("tongueOut",))
    assert "none of its shapes moves" in refused(still)
    flat = write_folder(tmp_path / "flat", ("jawOpen",), place=lambda v: v * [1, 0, 1])
    assert "flat" in refused(flat)


def test_vertices_keep_their_order_where_texture_has_seams(tmp_path):
    write_obj(tmp_path / "head.obj", head_vertices(), head_quads())
    vertices, faces = read_obj(tmp_path / "head.obj")
    np.testing.assert_allclose(vertices, head_vertices(), atol=1e-6)
    assert len(faces) == len(head_quads())


def test_a_faceverse_file_as_either_numpy_writes_it(tmp_path):
    works(write_faceverse(tmp_path / "faceverse.npy"))
    # Protocol 3, of numpy 1, ends each name with a new line; later ones give its length.
    head = io.BytesIO()
    shape = {"descr": "|O", "fortran_order": False, "shape": ()}
    np.lib.format.write_array_header_1_0(head, shape)
    stored = head.getvalue() + pickle.dumps(np.array(faceverse_model(), object), protocol=3)
    for old, new in ((b"numpy.core.", b"numpy._core."), (b"numpy._core.", b"numpy.core.")):
        (tmp_path / "other.npy").write_bytes(stored.replace(old, new))
        works(tmp_path / "other.npy")


def test_the_simplified_mesh_is_taken_where_there_is_one(tmp_path):
    # The lower half of the rings: rows of 48 vertices from the 20th on.
    chosen = np.arange(20 * 48, 40 * 48)
    quads = head_quads()[20 * 48 :] - 20 * 48
    simple = {
        "select_id": chosen,
        "tri_select": np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]]),
    }
    renderer = make_renderer(
        RenderConfig(renderer="mesh", mesh=str(write_faceverse(tmp_path / "f.npy", **simple)))
    )
    whole = make_renderer(
        RenderConfig(renderer="mesh", mesh=str(write_faceverse(tmp_path / "whole.npy")))
    )
    assert (renderer.render(np.zeros(58)) != whole.render(np.zeros(58))).any()
    outside = simple | {"select_id": chosen + 1}
    line = refused(write_faceverse(tmp_path / "outside.npy", **outside))
    assert "select_id names vertices that it lacks" in line


class Trap:
    """Pickled as a call that leaves a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch {self.path}",)


def test_code_in_the_file_is_not_run(tmp_path):
    sprung = tmp_path / "sprung"
    path = write_faceverse(tmp_path / "trap.npy", skinmask=Trap(sprung))
    line = refused(path)
    assert "trap.npy is refused: it holds posix.system" in line
    assert not sprung.exists()
    # The trap is a real one.
    np.load(path, allow_pickle=True)
    assert sprung.exists()


@pytest.mark.parametrize("what", [eval, np.load, np.ndarray.tofile, pickle.loads, os.PathLike])
def test_no_other_name_is_looked_up(tmp_path, what):
    assert "is refused: it holds" in refused(write_faceverse(tmp_path / "f.npy", keypoints=what))


@pytest.mark.parametrize(
    "changes, complaint",
    [
        ({"exBase": np.zeros((30, 52))}, "exBase is"),
        ({"exBase": np.zeros((48 * 40 * 3, 51))}, "exBase is"),
        ({"exBase": "words"}, "exBase is no array"),
        ({"exBase": np.array(["a"])}, "exBase is no array"),
        ({"meanshape": np.zeros(7)}, "7 numbers"),
        ({"meanshape": np.full((48 * 40, 3), np.nan)}, "NaN"),
        ({"tri": np.full((5, 3), 10**6)}, "tri names vertices that it lacks"),
        ({"tri": np.full((5, 3), -1)}, "tri names vertices that it lacks"),
        ({"tri": np.zeros((5, 4), int)}, "tri is"),
        ({"exp_name_list": np.array([f"expression {n}" for n in range(52)])}, "ARKit name"),
        ({"exp_name_list": np.array(["jawOpen"])}, "exBase is"),
    ],
)
def test_a_faceverse_file_of_other_shapes(tmp_path, changes, complaint):
    line = refused(write_faceverse(tmp_path / "f.npy", **changes))
    assert "f.npy" in line and complaint in line


def test_a_faceverse_file_that_lacks_something(tmp_path):
    model = faceverse_model()
    del model["exBase"]
    np.save(tmp_path / "f.npy", model, allow_pickle=True)
    assert "lacks exBase" in refused(tmp_path / "f.npy")


def test_npy_files_that_are_no_model(tmp_path):
    path = tmp_path / "f.npy"
    np.save(path, np.zeros((4, 58)))
    assert "f.npy is damaged or no FaceVerse model" in refused(path)
    np.save(path, np.array([1, 2], object), allow_pickle=True)
    assert "f.npy is damaged or no FaceVerse model" in refused(path)
    path.write_bytes(b"version https://git-lfs.github.com/spec/v1\n")
    assert "f.npy is a Git LFS pointer" in refused(path)
    whole = write_faceverse(path).read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert "f.npy is damaged or no FaceVerse model" in refused(path)
    np.save(path, np.array("words", object), allow_pickle=True)
    assert "holds no dictionary" in refused(path)


def test_a_mesh_with_more_vertices_than_can_be_drawn(tmp_path):
    many = np.random.default_rng(0).normal(size=(70000, 3))
    model = {
        "meanshape": many,
        "exBase": np.zeros((210000, 1)),
        "exp_name_list": ["jawOpen"],
        "tri": np.arange(9).reshape(3, 3),
    }
    assert "70000 vertices" in refused(write_faceverse(tmp_path / "f.npy", **model))
