"""Sessions of several robots that share one model: each gives the numbers of one of its own."""

import numpy as np
import pytest
from rigs.batch import push
from rigs.session import ReadingTracker, joined

from reactface_node.config import Config
from reactface_node.engine.engine import load_engine
from reactface_node.engine.shared import load_engines
from reactface_node.errors import UserError
from reactface_node.session import shared
from reactface_node.session.pending import empty_frames
from reactface_node.session.session import ReactionSession
from reactface_node.session.shared import SharedModel

EXACT = {"window": 1e-5, "frame": 0.0}
SECONDS = 2.0


def events(who):
    """(stamp, image, samples) every 40 ms; each robot's begin at another time."""
    rng = np.random.default_rng(who)
    for index in range(round(SECONDS * 25)):
        image = rng.integers(1, 255, (6, 8, 3), np.uint8)
        sound = (0.1 * rng.standard_normal(640)).astype(np.float32)
        yield 100.0 + 0.13 * who + index / 25, image, sound


@pytest.mark.slow
@pytest.mark.parametrize("mode", EXACT)
def test_a_robot_of_several_reacts_as_alone(mode):
    config = Config.load(overrides={"mode": mode, "playout.seed": 5, "playout.samples": 2})
    silence = empty_frames(config.model, config.model.window)
    engine_of = load_engines(config, 3, silence)
    sessions = [
        ReactionSession(config, engine_of(slot, config), ReadingTracker()) for slot in range(3)
    ]
    reactions = [[] for _ in sessions]
    given = sorted(((one, who) for who in range(3) for one in events(who)), key=lambda g: g[0][0])
    for event, who in given:
        push(sessions[who], event)
        for shown, session in zip(reactions, sessions, strict=True):
            shown += session.poll(event[0])
    for who, shown in enumerate(reactions):
        alone, expected = ReactionSession(config, load_engine(config), ReadingTracker()), []
        for event, whose in given:
            if whose == who:
                push(alone, event)
            expected += alone.poll(event[0])
        found, expected = joined(shown, "samples"), joined(expected, "samples")
        assert found.shape == expected.shape and found.shape[1] > 30
        np.testing.assert_allclose(found, expected, rtol=0, atol=EXACT[mode])


class FakeSession:
    def __init__(self, slot):
        self.slot, self.is_closed = slot, False

    def close(self):
        self.is_closed = True


@pytest.fixture
def models(monkeypatch):
    loaded = []

    def load(config, count, silence):
        loaded.append((config, count))
        return lambda slot, own: slot

    monkeypatch.setattr(shared, "load_engines", load)
    monkeypatch.setattr(ReactionSession, "load", lambda config, engine=None: FakeSession(engine))
    made = SharedModel(3)
    made.loaded = loaded
    return made


def test_places_are_given_and_given_again_and_the_model_goes_with_the_last_session(models):
    config = Config()
    a, b = models.load(config), models.load(config)
    assert (a.slot, b.slot, len(models.loaded)) == (0, 1, 1)
    models.free(a)
    assert a.is_closed and not b.is_closed
    assert models.load(config).slot == 0
    assert models.load(config).slot == 2
    for session in list(models._used.values()):
        models.free(session)
    other = config.replace(weights="other.safetensors")
    models.load(other)
    assert [one for one, _ in models.loaded] == [config, other]


@pytest.mark.parametrize(
    "change, said",
    [
        ({"weights": "b.safetensors"}, "share weights: one has default.safetensors"),
        ({"mode": "frame"}, "share mode"),
        ({"playout.samples": 3}, "share playout.samples: one has 1, another 3"),
        ({"model.momentum": 0.5}, "share the settings of the model"),
    ],
)
def test_a_robot_with_another_model_is_refused(models, change, said):
    models.load(Config())
    with pytest.raises(UserError, match=said):
        models.load(Config().replace(**change))
    # Its own settings are free.
    models.load(Config().replace({"playout.gain": 0.5, "render.theme": "person"}))


def test_one_robot_alone_has_the_engine_of_its_own(models):
    assert SharedModel(1).load(Config()).slot is None and not models.loaded
