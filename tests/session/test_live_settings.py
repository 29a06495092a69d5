"""Changes of settings while a session runs, on the small seeded model of the rigs."""

from dataclasses import replace

import numpy as np
import pytest
from rigs.model_inputs import engine_for, small_config, small_model
from rigs.noting import NotingStepper
from rigs.session import ReadingTracker, make_session, run

from reactface_node.config import Config, PlayoutConfig, RenderConfig
from reactface_node.config.settings import settings
from reactface_node.engine.engine import Engine
from reactface_node.errors import UserError
from reactface_node.render import make_renderer
from reactface_node.schema import index_of
from reactface_node.session.playout import BROWS, EYES, GAZE, MOUTH, Playout, mirrored
from reactface_node.session.session import ReactionSession

LIDS_OF_THE_MODEL = {"playout__blinks_per_min": 0.0}


def faces(reactions):
    return np.concatenate([reaction.face for reaction in reactions])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "region"),
    [
        ("playout.brow_gain", BROWS),
        ("playout.eye_gain", EYES),
        ("playout.mouth_gain", MOUTH),
        ("playout.gaze_gain", GAZE),
    ],
)
def test_a_regions_gain_scales_that_region_alone(name, region):
    plain, scaled = make_session(**LIDS_OF_THE_MODEL), make_session(**LIDS_OF_THE_MODEL)
    scaled.configure({name: 0.0})
    before, after = faces(run(plain)), faces(run(scaled))
    assert before[:, region].any() and not after[:, region].any()
    nose = [index_of("noseSneerLeft"), index_of("noseSneerRight")]
    rest = sorted(set(range(58)) - set(region) - set(nose))
    np.testing.assert_array_equal(before[:, rest], after[:, rest])


def test_a_mirror_swaps_the_sides():
    plain, other = make_session(), make_session()
    other.configure({"playout.mirror": True})
    straight, swapped = faces(run(plain)), faces(run(other))
    np.testing.assert_array_equal(mirrored(straight), swapped)
    assert not np.array_equal(straight, swapped)
    np.testing.assert_array_equal(
        straight[:, index_of("mouthLeft")], swapped[:, index_of("mouthRight")]
    )
    np.testing.assert_array_equal(
        straight[:, index_of("rotationY")], -swapped[:, index_of("rotationY")]
    )
    np.testing.assert_array_equal(mirrored(swapped), straight)


def test_changing_how_it_plays_makes_no_jump():
    config = PlayoutConfig(blinks_per_min=0.0, idle_gain=0.0)
    playout, there = Playout(config, 8), np.ones(8, bool)
    smile = np.zeros((1, 8, 58), np.float32)
    smile[..., index_of("mouthSmileLeft")] = 0.8
    shown = [playout.finish(index, smile, there, config)[1] for index in range(3)]
    other = replace(config, mirror=True)
    shown += [playout.finish(index, smile, there, other)[1] for index in range(3, 5)]
    steps = np.abs(np.diff(np.concatenate(shown)[16:], axis=0)).max(axis=1)
    assert steps.max() < 0.8 / 7
    np.testing.assert_allclose(shown[-1], mirrored(shown[2]), atol=1e-6)


def test_temperature_zero_makes_all_samples_alike_from_then_on():
    alike = {"model__disposition": 0, "model__nods": False, "playout__idle_gain": 0.0}
    session = make_session(**LIDS_OF_THE_MODEL, **alike)
    different = run(session)[-1].samples
    assert np.abs(different[0] - different[1]).max() > 1e-3
    session.configure({"model.temperature": 0.0, "model.momentum": 0.0})
    session.reset()
    same = run(session)[-1].samples
    np.testing.assert_allclose(same[0], same[1], atol=1e-6)


class FixedStepper(NotingStepper):
    """As an exported model: its temperature cannot change."""

    def __init__(self, config):
        super().__init__()
        self.taken = []
        self._fixed = config.model.temperature

    def check(self, config):
        if config.temperature != self._fixed:
            raise UserError("model.temperature is fixed")

    def configure(self, config):
        self.taken.append(config)


@pytest.mark.parametrize(
    "refused",
    [
        {"model.temperature": 0.1},
        {"playout.gain": 2.0, "model.temperature": 0.1},
        {"playout.gain": 2.0, "playout.play": 1},
        {"playout.gain": 2.0, "playout.samples": 2},
        {"playout.gain": 2.0, "playout.blinks_per_min": 99.0},
        {"playout.gain": 2.0, "nothing": 1},
        {"playout.gain": "loud"},
        {"playout.gain": 2.0, "playout.preset": "calm"},
        {"playout.preset": "lively", "playout.nod_gain": 2.5},
        {"playout.preset": "lively", "playout.seed": 3},
    ],
)
def test_what_is_refused_changes_nothing_anywhere_and_what_comes_after_is_taken(refused):
    config = small_config()
    stepper = FixedStepper(config)
    session = ReactionSession(config, Engine(stepper, 8), ReadingTracker())
    with pytest.raises(UserError):
        session.check(refused)
    with pytest.raises(UserError):
        session.configure(refused)
    assert session.config is config and stepper.taken == []
    assert session.check({"playout.gain": 1.5}).playout.gain == 1.5 and session.config is config
    session.configure({"playout.gain": 1.5})
    assert session.config == config.replace(**{"playout.gain": 1.5})
    assert stepper.taken == []
    with pytest.raises(AttributeError):
        session.config = config


def test_momentum_one_keeps_the_first_latent():
    changing, held = make_session(), make_session()
    held.configure({"model.momentum": 1.0})
    first = [run(session, 0.4)[0].samples for session in (changing, held)]
    np.testing.assert_array_equal(first[0], first[1])
    later = [run(session, 2.0, start_s=100.4)[-1].samples for session in (changing, held)]
    assert np.abs(later[0] - later[1]).max() > 1e-4


def test_sessions_that_share_a_model_are_sampled_each_in_its_own_way():
    config = small_config()
    model = small_model(config)
    session = ReactionSession(config, engine_for(config, model), ReadingTracker())
    session.configure({"model.temperature": 0.25})
    assert model.config.temperature == config.model.temperature
    assert session._engine._stepper._model.config.temperature == 0.25
    shared = zip(model.parameters(), session._engine._stepper._model.parameters(), strict=True)
    assert all(ours is theirs for ours, theirs in shared)


def test_the_avatar_changes_its_theme_and_keeps_it_where_the_new_one_is_unknown():
    config = replace(RenderConfig(), width=64, height=64)
    avatar = make_renderer(config)
    neutral = np.zeros(58)
    before = avatar.render(neutral)
    avatar.configure(replace(config, theme="person"))
    person = avatar.render(neutral)
    np.testing.assert_array_equal(
        person, make_renderer(replace(config, theme="person")).render(neutral)
    )
    assert not np.array_equal(before, person)
    with pytest.raises(UserError, match="unknown theme"):
        avatar.configure(replace(config, theme="nobody"))
    np.testing.assert_array_equal(avatar.render(neutral), person)


def test_what_people_tune_can_be_tuned_live():
    live = {item.name for item in settings(Config()) if item.live}
    assert live >= {
        "playout.play",
        "playout.gain",
        "playout.brow_gain",
        "playout.eye_gain",
        "playout.mouth_gain",
        "playout.head_gain",
        "playout.nod_gain",
        "playout.smile_gain",
        "playout.preset",
        "playout.gaze_gain",
        "playout.idle_gain",
        "playout.blinks_per_min",
        "playout.mirror",
        "model.temperature",
        "model.momentum",
        "render.portrait",
        "render.theme",
    }
