"""Pictures that can be portraits, and the errors for others."""

import math
from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from rigs.portrait_pictures import config, person

from reactface_node.config import Config
from reactface_node.errors import UserError
from reactface_node.perception.portrait_face import crop_portrait
from reactface_node.render import make_renderer
from reactface_node.render.portrait.generator import FaceGenerator
from reactface_node.render.portrait.picture import read_portrait
from reactface_node.render.portrait.weights import save_generator

pytestmark = pytest.mark.slow

pytest.importorskip("mediapipe", reason="the tracker is not installed")

REFUSED = {
    "none.png": r"none\.png: no face is found",
    "two.png": r"two\.png: more than one face is found",
    "text.png": r"text\.png is no picture that can be read",
    "missing.png": r"no portrait 'missing\.png' in .*; there are: .*one\.png.*two\.png",
    "../secret.png": r"no portrait '\.\./secret\.png'",
    "link.png": r"no portrait 'link\.png'",
    "": r"render\.portrait names no picture",
    "/etc/hostname": r"no portrait '/etc/hostname'",
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_portrait_is_refused_in_one_line(portraits, name):
    with pytest.raises(UserError, match=REFUSED[name]) as refused:
        read_portrait(str(portraits), name)
    assert "\n" not in str(refused.value)


def test_a_missing_folder_and_missing_weights_are_one_line(portraits, tmp_path):
    with pytest.raises(UserError, match=r"no folder .* of portraits: give --portrait FILE"):
        make_renderer(config(tmp_path / "nowhere", tmp_path))
    with pytest.raises(UserError, match=r"no PIRender weights .*then set render\.pirender"):
        make_renderer(config(portraits, tmp_path, pirender="nowhere.pth"))


@pytest.mark.parametrize("angle", [-25, 0, 20])
def test_the_portrait_is_upright_and_its_face_fills_it(angle):
    picture = person(640, 640)
    turn = cv2.getRotationMatrix2D((320, 320), angle, 0.7)
    tilted = cv2.warpAffine(picture, turn, (640, 640), borderMode=cv2.BORDER_REPLICATE)
    crop = crop_portrait(tilted)
    assert crop.shape == (224, 224, 3)
    import mediapipe

    from reactface_node.media.quiet import quiet_warnings

    with quiet_warnings(), mediapipe.solutions.face_mesh.FaceMesh(static_image_mode=True) as mesh:
        (found,) = mesh.process(crop).multi_face_landmarks
    places = np.array([[p.x, p.y] for p in found.landmark])
    right, left = places[33], places[263]
    assert abs(math.degrees(math.atan2(left[1] - right[1], left[0] - right[0]))) < 4
    assert 0.6 < np.ptp(places, axis=0).max() < 0.8
    assert np.abs((places.min(0) + places.max(0)) / 2 - 0.5).max() < 0.05


def test_the_real_net_draws_a_picture(portraits, tmp_path):
    torch.manual_seed(0)
    save_generator(tmp_path / "seeded.safetensors", FaceGenerator(), "ours")
    settings = config(portraits, tmp_path, pirender=str(tmp_path / "seeded.safetensors"))
    picture = make_renderer(settings).render(np.zeros(58, np.float32))
    assert picture.shape == (224, 224, 3) and picture.std() > 1


def test_the_command_line_names_a_portrait(portraits):
    from reactface_node.cli.main import build_parser
    from reactface_node.cli.options import load_config, rendering

    def given(*more):
        options = build_parser().parse_args(["replay", "x", "-o", "y", *more])
        return load_config(options, **rendering(options)).render

    assert given("--portrait", str(portraits / "one.png")) == replace(
        Config().render, renderer="portrait", portraits=str(portraits), portrait="one.png"
    )
    assert given("--render", "none").renderer == "none"
    with pytest.raises(UserError, match="--portrait has no use with --render mesh"):
        given("--render", "mesh", "--portrait", "one.png")
