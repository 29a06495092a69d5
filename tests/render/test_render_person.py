"""The ``person`` theme, which replaces a real person in tests: the tracker must find its face."""

import dataclasses

import numpy as np
import pytest

from reactface_node.config import PerceptionConfig, RenderConfig
from reactface_node.perception import make_tracker
from reactface_node.render import make_renderer
from reactface_node.render.sheet import EMOTIONS, face
from reactface_node.schema import ROTATION, index_of, indices_of

pytest.importorskip("mediapipe", reason="the tracker is not installed")
FRAMES_PER_POSE = 5
TURN = np.radians(15)


@pytest.fixture
def watch():
    """Draws coefficients, shows them to a tracker at 25 Hz, and gives what it saw."""
    config = dataclasses.replace(RenderConfig(), theme="person", width=640, height=480)
    renderer, tracker = make_renderer(config), make_tracker(PerceptionConfig(), False)
    stamps = iter(np.arange(1000) / 25)

    def look(coefficients, frames=FRAMES_PER_POSE):
        return [tracker.track(next(stamps), renderer.render(coefficients)) for _ in range(frames)]

    return look


def test_the_tracker_finds_the_face_whatever_it_expresses(watch):
    seen = []
    for index, weights in enumerate(EMOTIONS.values()):
        for axis in range(3):
            coefficients = face(weights)
            coefficients[ROTATION][axis] = TURN * (-1) ** index
            seen += watch(coefficients, frames=2)
    assert np.mean([observation.face_found for observation in seen]) >= 0.99


@pytest.mark.parametrize("stem", ["jawOpen", "mouthSmile", "eyeBlink", "browInnerUp"])
def test_the_tracker_sees_what_the_face_does(watch, stem):
    # A second at rest, after which the neutral face is known.
    rest = watch(face({}), frames=30)[-1]
    moved = watch(face({stem: 1.0}))[-1]
    places = [index_of(stem)] if stem in ("jawOpen", "browInnerUp") else indices_of(stem)
    assert np.all(moved.coefficients[places] > rest.coefficients[places] + 0.2)


def test_the_tracker_sees_which_way_the_head_turns(watch):
    rest = watch(face({}), frames=8)[-1]
    for name in ("rotationY", "rotationZ"):
        turned = watch(face({name: 0.25}), frames=8)[-1]
        back = watch(face({name: -0.25}), frames=8)[-1]
        k = index_of(name)
        assert turned.coefficients[k] > rest.coefficients[k] + 0.08
        assert back.coefficients[k] < rest.coefficients[k] - 0.08
