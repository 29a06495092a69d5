"""The renderers' contract: any size, any coefficients, reproducible pixels; errors of themes."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from reactface_node.config import RenderConfig
from reactface_node.errors import UserError
from reactface_node.files import resources
from reactface_node.render import make_renderer
from reactface_node.render.avatar import Avatar
from reactface_node.render.sheet import EMOTIONS, face, main
from reactface_node.render.theme import load_theme, parse_theme, theme_names
from reactface_node.schema import ARKIT_NAMES, NUM_COEFFICIENTS, ROTATION, index_of

SIZE = 256


def config(**values) -> RenderConfig:
    return dataclasses.replace(RenderConfig(), **{"width": SIZE, "height": SIZE, **values})


def themed(**changes) -> dict:
    return {**dataclasses.asdict(load_theme("default")), **changes}


@pytest.fixture(scope="module")
def avatar():
    return make_renderer(config())


@pytest.fixture(scope="module")
def neutral(avatar):
    return avatar.render(face({}))


@pytest.mark.parametrize(
    "width, height",
    [(512, 512), (800, 480), (480, 800), (1024, 600), (224, 224), (32, 32), (64, 300)],
)
def test_any_size_holds_the_whole_face(width, height):
    renderer = make_renderer(config(width=width, height=height))
    assert renderer.size == (width, height)
    rest, laugh = renderer.render(face({})), renderer.render(face({"jawOpen": 1.0}))
    for picture in (rest, laugh):
        assert picture.shape == (height, width, 3) and picture.dtype == np.uint8
        assert picture.flags.c_contiguous
    # The mouth opens somewhere inside the picture, not at its edge.
    y, x = np.nonzero(np.abs(rest.astype(int) - laugh.astype(int)).max(axis=2) > 40)
    assert x.min() > 0 and x.max() < width - 1 and y.min() > 0 and y.max() < height - 1
    assert abs((x.min() + x.max()) / 2 - width / 2) < 0.03 * min(width, height) + 1


def test_the_same_coefficients_give_the_same_pixels(avatar):
    coefficients = face({"mouthSmile": 0.7, "jawOpen": 0.3, "rotationY": 0.2})
    first = avatar.render(coefficients)
    avatar.render(face({"tongueOut": 1.0, "rotationZ": 0.3, "translationX": 0.05}))
    assert np.array_equal(avatar.render(coefficients), first)
    assert np.array_equal(make_renderer(config()).render(coefficients), first)


def test_a_picture_is_the_callers_own(avatar):
    coefficients = face({"mouthSmile": 0.5})
    picture = avatar.render(coefficients)
    kept = picture.copy()
    avatar.render(face({"jawOpen": 1.0}))
    assert np.array_equal(picture, kept)
    picture[:] = 0
    assert np.array_equal(avatar.render(coefficients), kept)
    assert np.array_equal(coefficients, face({"mouthSmile": 0.5}))


def test_not_a_number_counts_as_neutral(avatar, neutral):
    assert np.array_equal(avatar.render(np.full(NUM_COEFFICIENTS, np.nan, np.float32)), neutral)
    coefficients = face({"mouthSmile": 0.5})
    rest = avatar.render(coefficients)
    coefficients[index_of("eyeBlinkLeft")] = np.nan
    assert np.array_equal(avatar.render(coefficients), rest)


@pytest.mark.parametrize("value", [np.inf, -np.inf, 1e30, -1e30])
def test_wild_values_are_drawn_all_the_same(avatar, value):
    picture = avatar.render(np.full(NUM_COEFFICIENTS, value, np.float32))
    assert picture.shape == (SIZE, SIZE, 3) and picture.std() > 5


def test_weights_out_of_range_are_clamped(avatar, neutral):
    assert np.array_equal(avatar.render(face(dict.fromkeys(ARKIT_NAMES, -3.0))), neutral)
    assert np.array_equal(
        avatar.render(face({"jawOpen": 9.0})), avatar.render(face({"jawOpen": 1.0}))
    )


def test_random_faces_never_raise(avatar):
    random = np.random.default_rng(0)
    for _ in range(50):
        coefficients = random.uniform(-0.5, 1.5, NUM_COEFFICIENTS).astype(np.float32)
        coefficients[ROTATION] = random.uniform(-1.5, 1.5, 3)
        assert avatar.render(coefficients).std() > 5


def test_another_number_of_coefficients_is_refused(avatar):
    with pytest.raises(ValueError, match="58"):
        avatar.render(np.zeros(52, np.float32))


def test_the_null_renderer_draws_nothing():
    assert make_renderer(config(renderer="none", theme="no such theme")).render(face({})) is None


def test_themes_are_different_characters(neutral):
    assert {"default", "person", "night"} <= set(theme_names())
    pictures = {
        make_renderer(config(theme=name)).render(face({})).tobytes() for name in theme_names()
    }
    assert len(pictures) == len(theme_names())
    night = make_renderer(config(theme="night")).render(face({}))
    assert night.mean() < 0.4 * neutral.mean()


def test_both_halves_of_the_face_are_alike(avatar):
    for name in ("neutral", "joy", "sadness", "anger", "fear", "surprise", "disgust"):
        weights = {k: v for k, v in EMOTIONS[name].items() if k != "rotationX"}
        picture = avatar.render(face(weights)).astype(int)
        difference = np.abs(picture - picture[:, ::-1]).max(axis=2)
        # Light falls from one side: highlights differ, shapes do not.
        assert np.mean(difference > 24) < 0.02, name


def test_an_unknown_theme_names_those_there_are():
    with pytest.raises(UserError, match=r"unknown theme 'nihgt'.*default.*person.*night"):
        make_renderer(config(theme="nihgt"))


@pytest.mark.parametrize(
    "changes, said",
    [
        ({"skin": "red"}, "skin"),
        ({"skin": 7}, "skin"),
        ({"skin": None}, "skin"),
        ({"eye_size": "big"}, "eye_size"),
        ({"eye_size": -1.0}, "eye_size"),
        ({"eye_size": True}, "eye_size"),
        ({"eye_size": float("nan")}, "eye_size"),
        ({"head": "balloon"}, "head"),
        ({"skinn": "#ffffff"}, "skinn"),
    ],
)
def test_a_broken_field_is_the_users_to_mend(changes, said):
    with pytest.raises(UserError, match=f"'mine'.*{said}"):
        parse_theme("mine", themed(**changes))


def test_a_missing_colour_is_named():
    colours = themed()
    del colours["tongue"]
    with pytest.raises(UserError, match=r"'mine'.*tongue"):
        parse_theme("mine", colours)


@pytest.mark.parametrize("text", ["mine: 5", "mine: [skin", "- mine", "mine: {skin: red}"])
def test_a_broken_theme_file_is_the_users_to_mend(monkeypatch, tmp_path, text):
    (tmp_path / "themes.yaml").write_text(text)
    monkeypatch.setattr(resources, "folder", lambda name: tmp_path)
    with pytest.raises(UserError):
        make_renderer(config(theme="mine"))


@pytest.mark.parametrize(
    "name",
    [
        "eye_size",
        "eye_round",
        "iris_size",
        "brow_size",
        "mouth_size",
        "lip_size",
        "nose_size",
        "jaw_width",
        "lashes",
        "relief",
    ],
)
@pytest.mark.parametrize("value", [0, 3.0])
def test_the_ends_of_a_proportions_range_can_be_drawn(name, value):
    extreme = Avatar(parse_theme("extreme", themed(**{name: value})), 64, 64)
    assert extreme.render(face({"jawOpen": 1.0, "eyeSquint": 1.0})).std() > 5


@pytest.mark.parametrize("kind, columns, rows", [("blendshapes", 9, 6), ("emotions", 5, 2)])
def test_a_contact_sheet_is_a_picture_of_all_its_tiles(
    monkeypatch, tmp_path: Path, kind, columns, rows
):
    cv2 = pytest.importorskip("cv2", reason="OpenCV reads the picture back")
    out = tmp_path / "sheet.png"
    monkeypatch.setattr("sys.argv", ["sheet", str(out), "--kind", kind, "--size", "40"])
    main()
    height, width, _ = cv2.imread(str(out)).shape
    assert width == columns * 44 and height // rows > 40 and height % rows == 0
