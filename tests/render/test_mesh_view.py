"""The mesh view: a mesh's shapes, the direction of its motion, and the 3D row of a figure."""

import dataclasses
import logging

import cv2
import numpy as np
import pytest
from rigs.mesh_head import faceverse_model, head_quads, write_faceverse, write_folder

from reactface_node.config import RenderConfig
from reactface_node.render import make_renderer
from reactface_node.render.sheet import face
from reactface_node.research.evaluation.strips import draw_strip, mesh_view, strip
from reactface_node.schema import NUM_COEFFICIENTS, indices_of

SIZE = 192
MIDDLE = SIZE / 2


def view(path, **values):
    return make_renderer(
        dataclasses.replace(
            RenderConfig(),
            **{"renderer": "mesh", "mesh": str(path), "width": SIZE, "height": SIZE, **values},
        )
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_folder(tmp_path_factory.mktemp("mesh"))


@pytest.fixture(scope="module")
def head(folder):
    return view(folder)


def changed(renderer, weights, pose=None):
    """x and y of the pixels that the weights change, in a pose."""
    pose = pose or {}
    before, after = (renderer.render(face(values)) for values in (pose, pose | weights))
    y, x = np.nonzero(np.abs(after.astype(int) - before).max(axis=2) > 12)
    return x, y


def centre(renderer, weights, pose=None):
    x, y = changed(renderer, weights, pose)
    assert len(x) > 20
    return np.array([x.mean(), y.mean()])


def outline(renderer, **weights):
    """Left, right, top and bottom of the head in the picture."""
    rgb = renderer.render(face(weights)).astype(int)
    y, x = np.nonzero(np.abs(rgb - rgb[0, 0]).max(axis=2) > 4)
    return x.min(), x.max(), y.min(), y.max()


def test_the_head_fills_the_picture_with_a_margin(head):
    left, right, top, bottom = outline(head)
    assert 0.6 * SIZE < bottom - top < 0.95 * SIZE
    assert abs((left + right) / 2 - MIDDLE) < 2 and abs((top + bottom) / 2 - MIDDLE) < 0.06 * SIZE


@pytest.mark.parametrize("width, height", [(64, 160), (160, 64), (33, 47)])
def test_every_size_shows_the_whole_head(folder, width, height):
    renderer = view(folder, width=width, height=height)
    assert renderer.size == (width, height)
    assert renderer.render(face({})).shape == (height, width, 3)
    left, right, top, bottom = outline(renderer)
    assert left > 0 and right < width - 1 and top > 0 and bottom < height - 1


def test_left_and_right_are_the_subjects_own(head):
    for name in ("mouthSmile", "eyeBlink"):
        assert changed(head, {name + "Left": 1.0})[0].min() > MIDDLE - 6
        assert changed(head, {name + "Right": 1.0})[0].max() < MIDDLE + 6


def test_shapes_are_where_the_face_has_them(head):
    brow, eye, mouth = (
        centre(head, {name: 1.0})[1] for name in ("browInnerUp", "eyeBlink", "mouthSmile")
    )
    assert brow + 4 < eye < mouth - 12
    assert outline(head, jawOpen=1.0)[3] > outline(head)[3] + 4


def test_one_weight_drives_the_files_of_both_sides(head):
    x, _ = changed(head, {"browInnerUp": 1.0})
    assert (x < MIDDLE - 3).any() and (x > MIDDLE + 3).any()


def test_a_shape_grows_with_its_weight(head):
    counts = [len(changed(head, {"mouthSmile": weight})[0]) for weight in (0.0, 0.5, 1.0)]
    assert counts[0] == 0 < counts[1] < counts[2]


def test_the_head_turns_as_the_coefficients_say(head):
    mouth = {"mouthSmile": 1.0}
    rest = centre(head, mouth)
    # +y turns to the subject's left, the picture's right; +x nods down.
    assert centre(head, mouth, {"rotationY": 0.3})[0] > rest[0] + 8
    assert centre(head, mouth, {"rotationY": -0.3})[0] < rest[0] - 8
    assert centre(head, mouth, {"rotationX": 0.25})[1] > rest[1] + 4
    assert centre(head, mouth, {"rotationX": -0.25})[1] < rest[1] - 4
    # +z lifts the subject's left.
    for tilt in (0.25, -0.25):
        left, right = (
            centre(head, {"eyeBlink" + side: 1.0}, {"rotationZ": tilt})
            for side in ("Left", "Right")
        )
        assert (right[1] - left[1]) * np.sign(tilt) > 6


def test_rotations_compose_as_rz_ry_rx(head):
    def lift(**pose):
        left, right = (centre(head, {"eyeBlink" + side: 1.0}, pose) for side in ("Left", "Right"))
        return right[1] - left[1]

    # Tilted last, a turned head's eyes are as much nearer in height as they are in width.
    assert lift(rotationZ=0.4, rotationY=0.6) < 0.92 * lift(rotationZ=0.4)
    # Turned after the nod, the head keeps its height in the picture.
    nodded, both = (
        centre(head, {"mouthSmile": 1.0}, {"rotationX": 0.4, "rotationY": turn})[1]
        for turn in (0.0, 0.3)
    )
    assert abs(both - nodded) < 3


def test_translation_moves_the_head_in_metres(head):
    left, right, _, bottom = outline(head)
    moved = outline(head, translationX=0.02, translationY=0.02)
    assert 10 < moved[1] - right < 20 and 10 < bottom - moved[3] < 20
    nearer = outline(head, translationZ=0.1)
    assert (nearer[1] - nearer[0]) / (right - left) == pytest.approx(1.2 / 1.1, abs=0.03)


def test_units_and_winding_of_the_file_do_not_matter(tmp_path, head):
    smile = face({"mouthSmile": 1.0, "rotationX": 0.2})
    scaled = write_folder(tmp_path / "scaled", place=lambda v: v * 12.5 + [3.0, 150.0, -40.0])
    turned = write_folder(tmp_path / "turned", quads=head_quads()[:, [0, 3, 2, 1]])
    for folder in (scaled, turned):
        difference = np.abs(view(folder).render(smile).astype(int) - head.render(smile))
        assert difference.max() <= 3


def test_faceverse_shows_the_same_face(tmp_path, head):
    renderer = view(write_faceverse(tmp_path / "faceverse.npy"))
    for weights in ({}, {"jawOpen": 1.0, "mouthSmileLeft": 0.7, "rotationY": 0.3}):
        pictures = [r.render(face(weights)).astype(int) for r in (head, renderer)]
        assert np.abs(pictures[0] - pictures[1]).max() <= 6


def test_faceverse_names_decide_not_positions(tmp_path):
    plain = view(write_faceverse(tmp_path / "plain.npy"))
    model = faceverse_model()
    order = np.random.default_rng(0).permutation(52)
    shuffled = {"exBase": model["exBase"][:, order], "exp_name_list": model["exp_name_list"][order]}
    other = view(write_faceverse(tmp_path / "other.npy", **shuffled))
    weights = face({"jawOpen": 1.0, "mouthSmileLeft": 0.5})
    np.testing.assert_array_equal(plain.render(weights), other.render(weights))


def test_the_same_coefficients_give_the_same_pixels(folder, head):
    wanted = face({"mouthSmile": 0.4, "rotationY": 0.2})
    first = head.render(wanted)
    kept = first.copy()
    head.render(face({"jawOpen": 1.0}))
    np.testing.assert_array_equal(first, kept)  # the caller's own
    np.testing.assert_array_equal(head.render(wanted), kept)
    np.testing.assert_array_equal(view(folder).render(wanted), kept)


def test_wild_values_are_cleaned(head):
    rest = head.render(face({}))
    np.testing.assert_array_equal(head.render(np.full(NUM_COEFFICIENTS, np.nan)), rest)
    np.testing.assert_array_equal(head.render(np.full(NUM_COEFFICIENTS, np.inf)), rest)
    np.testing.assert_array_equal(
        head.render(face({"jawOpen": 9.0})), head.render(face({"jawOpen": 1.0}))
    )
    np.testing.assert_array_equal(
        head.render(face({"rotationY": 50.0, "translationZ": 9.0})),
        head.render(face({"rotationY": np.radians(45), "translationZ": 0.25})),
    )
    with pytest.raises(ValueError, match="58 coefficients"):
        head.render(np.zeros(52))


@pytest.mark.parametrize("inner_first", [True, False])
def test_what_is_nearer_covers_what_is_behind(tmp_path, inner_first):
    model = faceverse_model()
    within = 0.8 * model["meanshape"]
    parts = [model["tri"] + len(within), model["tri"]]
    hidden = {
        "meanshape": np.concatenate([model["meanshape"], within]),
        "exBase": np.concatenate([model["exBase"], np.zeros_like(model["exBase"])]),
        "tri": np.concatenate(parts if inner_first else parts[::-1]),
    }
    alone = view(write_faceverse(tmp_path / "alone.npy"))
    both = view(write_faceverse(tmp_path / "both.npy", **hidden))
    for pose in ({}, {"rotationY": 0.7, "jawOpen": 0.5}):
        np.testing.assert_array_equal(both.render(face(pose)), alone.render(face(pose)))


def test_it_says_once_which_weights_it_cannot_show(folder, caplog):
    with caplog.at_level(logging.WARNING):
        renderer = view(folder)
        renderer.render(face({"tongueOut": 1.0}))
    (record,) = caplog.records
    assert "tongueOut" in record.getMessage() and "jawOpen" not in record.getMessage()
    assert not len(changed(renderer, {"tongueOut": 1.0})[0])


def smiling(frames=50):
    rows = np.zeros((frames, NUM_COEFFICIENTS), np.float32)
    rows[frames // 2 :, indices_of("mouthSmile")] = 1.0
    return rows


def test_a_strip_has_a_3d_row_over_every_listener(folder, tmp_path):
    rows, config = {"Speaker": smiling(), "GT": smiling()}, RenderConfig(mesh=str(folder))
    on_mesh = mesh_view(config, 64)
    plain, page = (strip(rows, np.array([0, 30]), 64, mesh) for mesh in (None, on_mesh))
    assert plain.shape == (2 * 68 - 4, 2 * 68 - 4, 3) and page.shape == (3 * 68 - 4, 2 * 68 - 4, 3)
    np.testing.assert_array_equal(page[:64], plain[:64])
    np.testing.assert_array_equal(page[136:], plain[68:])
    np.testing.assert_array_equal(page[68:132, 68:], on_mesh.render(rows["GT"][30]))
    sizes = []
    for mesh in (None, on_mesh):
        draw_strip(rows, tmp_path / "strip.png", 1.0, 64, mesh)
        sizes.append(cv2.imread(str(tmp_path / "strip.png")).shape[0])
    assert sizes[1] == sizes[0] + 68
    assert mesh_view(RenderConfig()) is None
