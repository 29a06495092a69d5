"""Live settings: each change is refused or applied everywhere, from any source and in any
number."""

import os
from types import SimpleNamespace

import pytest
from rigs.changes import DOUBLE, Noting, parameter
from rigs.model_inputs import engine_for, small_config
from rigs.server import START_S, TYPES, faked_node, reaction, stamps
from rigs.session import ReadingTracker, make_session

from reactface_node.config import Config
from reactface_node.errors import UserError
from reactface_node.render import make_renderer
from reactface_node.render.theme import Themes
from reactface_node.ros.node.parameters import MOST_NAMES, Parameters
from reactface_node.ros.node.topics import BLENDSHAPES
from reactface_node.session.session import ReactionSession


def request(*pairs, kind=None):
    return SimpleNamespace(parameters=[parameter(name, value, kind) for name, value in pairs])


@pytest.fixture
def node():
    made = faked_node()
    made.parameters = Parameters(TYPES, made.server)
    return made


def atomically(node, *pairs):
    """The reason, '' where they were taken over."""
    result = node.parameters.set_all(request(*pairs))["result"]
    TYPES.serialize(result)
    assert result.successful != bool(result.reason)
    return result.reason


@pytest.mark.parametrize(
    "pairs",
    [
        [("playout", 1), ("playout.gain", 1.5)],
        [("playout.gain", 1.5), ("playout", 1)],
        [("playout.gain", 1.0), ("playout.gain.x", 1.5)],
        [("playout.gain.x", 1.5), ("playout.gain", 1.0)],
        [("self", 1)],
        [("self", 1), ("playout.gain", 1.5)],
        [("cls", 1), ("values", "x")],
        [("", 1.0)],
        [(".", 1.0)],
        [("..gain", 1.0)],
        [("playout.", 1.0)],
        [("playout..gain", 1.0)],
        [("__class__", "x")],
        [("playout.__init__", "x")],
        [("playout.gain", 1.5), ("model.width", 64)],
        [("playout.gain", 1.5), ("nothing", 64)],
        [("playout.gain", float("nan"))],
        [("playout.gain", float("inf"))],
        [("playout.gain", -(10.0**300))],
        [("playout.gain", True)],
        [("playout.gain", "1.5")],
        [("playout.gain", None)],
        [("playout.mirror", 1)],
        [("playout.play", 2**63 - 1)],
        [("playout.play", 0.0)],
        [("render.theme", "x" * 5000)],
        [("render.portrait", "me.png")],
        [("x" * 1_000_000, 1.0)],
        [("a." * 100_000 + "gain", 1.0)],
        [("playout.gain\0", 1.0), ("é\n", 1.0)],
        [("use_sim_time", True)],
    ],
)
def test_what_is_wrong_is_refused_with_a_reason_and_changes_nothing(node, pairs):
    reason = atomically(node, *pairs)
    assert reason and "\n" not in reason.replace("é\n", "") and len(reason) <= 500
    results = node.parameters.set(request(*pairs))["results"]
    assert len(results) == len(pairs) and not all(result.successful for result in results)
    node = faked_node()
    node.parameters = Parameters(TYPES, node.server)
    atomically(node, *pairs)
    node.server.tick(START_S)
    assert node.session.configured == [] and node.server.config == Config()
    assert node.server._failures.count == 0


@pytest.mark.parametrize("kind", [5, 6, 7, 8, 9, 77, 255])
def test_arrays_and_unknown_types_are_refused(node, kind):
    (result,) = node.parameters.set(request(("playout.gain", None), kind=kind))["results"]
    assert result.reason == "parameter 'playout.gain' takes one value, no array"


def test_what_is_near_is_named(node):
    assert atomically(node, ("playout.gian", 1.0)) == (
        "unknown parameter 'playout.gian'; did you mean playout.gain?"
    )
    assert atomically(node, ("playuot.gain", 1.0)) == (
        "unknown parameter 'playuot.gain'; did you mean playout?"
    )


def test_a_name_that_comes_twice_is_refused_where_order_means_nothing(node):
    twice = [("playout.gain", 1.0), ("playout.head_gain", 0.5), ("playout.gain", 2.0)]
    assert atomically(node, *twice) == "parameter 'playout.gain' is given twice"
    assert node.server.config == Config()
    results = node.parameters.set(request(*twice))["results"]  # one after the other
    assert all(result.successful for result in results) and node.server.config.playout.gain == 2.0


def names_request(count):
    return SimpleNamespace(names=["playout.gain"] * count, prefixes=["playout"] * count, depth=0)


def test_requests_of_unknown_names_and_of_too_many(node):
    parameters = node.parameters
    several = SimpleNamespace(names=["nothing", "playout", "self", "playout.gain", "\0" * 9])
    values = parameters.get(several)["values"]
    assert [value.type for value in values] == [0, 0, 0, DOUBLE, 0]
    assert list(parameters.types(several)["types"]) == [0, 0, 0, DOUBLE, 0]
    assert [d.name for d in parameters.describe(several)["descriptors"]] == ["playout.gain"]
    nothing = SimpleNamespace(prefixes=["nothing", ""], depth=0)
    assert parameters.list(nothing)["result"].names == []
    for name, (_, answer, refuse) in parameters.answers().items():
        wanted = names_request(MOST_NAMES + 1)
        wanted.parameters = request(*[("playout.gain", 1.0)] * (MOST_NAMES + 1)).parameters
        with pytest.raises(UserError, match="1001 at once are too many"):
            answer(wanted)
        kind = TYPES.message_type(f"rcl_interfaces/srv/{camel(name)}_Response")
        TYPES.serialize(kind(guid=0, seq=0, **refuse("too many")))
    assert node.session.configured == []


def camel(name):
    return "".join(part.capitalize() for part in name.split("_"))


def test_a_thousand_settings_between_two_ticks_are_one_change(node):
    node.session.reactions = [reaction(START_S)]
    node.server.tick(START_S)
    checked, check = [], node.session.check
    node.session.check = lambda changes: checked.append(len(changes)) or check(changes)
    for index in range(1000):
        (result,) = node.parameters.set(request(("playout.gain", index / 500)))["results"]
        assert result.successful
        (value,) = node.parameters.get(SimpleNamespace(names=["playout.gain"]))["values"]
        assert value.double_value == index / 500  # what was set is what is told
    assert not atomically(node, ("playout.head_gain", 0.5), ("playout.idle_gain", 0.25))
    assert atomically(node, ("playout.gain", 0.1), ("playout.mirror", True))  # refused: neither
    assert node.session.configured == [] and max(checked) == 4
    for index in range(8):
        node.server.tick(START_S + index / 25)
    assert node.session.configured == [
        {"playout.gain": 999 / 500, "playout.head_gain": 0.5, "playout.idle_gain": 0.25}
    ]
    assert stamps(node.transport.on(BLENDSHAPES)) == [START_S + round(i / 25, 2) for i in range(8)]
    assert node.server.config == node.session.config
    assert "frames_late" not in node.server.meter.totals


def test_a_renderer_is_asked_only_about_what_is_its_own():
    node = faked_node(renderer=Noting())
    for index in range(100):
        assert node.server.configure({"playout.gain": index / 50}) == ""
    node.server.tick(START_S)
    assert node.renderer.checked == node.renderer.configured == []
    for _ in range(100):
        assert node.server.configure({"render.theme": "person"}) == ""
    node.server.tick(START_S)
    assert node.renderer.checked == node.renderer.configured == ["person"]


def test_what_the_renderer_refuses_the_session_does_not_take_over():
    node = faked_node(renderer=Noting())
    node.renderer.refused = ("nobody",)
    reason = node.server.configure({"playout.gain": 2.0, "render.theme": "nobody"})
    node.server.tick(START_S)
    assert reason == "unknown theme 'nobody'" and node.session.configured == []
    assert node.server.config == Config() and node.renderer.configured == []


@pytest.mark.parametrize("error", [UserError("it is gone"), OSError("it is gone")])
def test_what_fails_as_it_is_taken_over_is_taken_back_everywhere(caplog, error):
    node = faked_node(renderer=Noting())
    node.renderer.broken = {"person": error}
    assert node.server.configure({"playout.gain": 2.0, "render.theme": "person"}) == ""
    node.server.tick(START_S)
    assert node.session.config == Config() == node.server.config
    assert "it is gone" in caplog.text
    assert node.server.configure({"playout.gain": 2.0}) == ""
    node.server.tick(START_S + 1)
    assert node.session.config.playout.gain == 2.0


def test_a_preset_is_taken_back_with_its_gains(caplog):
    node = faked_node(renderer=Noting())
    node.renderer.broken = {"person": UserError("it is gone")}
    assert node.server.configure({"playout.nod_gain": 0.25}) == ""
    node.server.tick(START_S)
    before = node.session.config
    assert node.server.configure({"playout.preset": "lively", "render.theme": "person"}) == ""
    node.server.tick(START_S + 1)
    assert node.session.config == before and "it is gone" in caplog.text


def test_a_preset_replaces_what_was_set_before_it_and_not_what_is_set_with_or_after_it():
    node = faked_node()
    assert node.server.configure({"playout.nod_gain": 0.25, "playout.gain": 0.5}) == ""
    both = {"playout.preset": "composed", "playout.smile_gain": 1.5}
    assert node.server.configure(both) == ""
    assert node.server.configure({"playout.head_gain": 0.75}) == ""
    node.server.tick(START_S)
    playout = node.session.config.playout
    assert (playout.nod_gain, playout.smile_gain, playout.head_gain) == (0.5, 1.5, 0.75)
    assert (playout.preset, playout.gain) == ("composed", 0.5)
    refused = node.server.configure({"playout.preset": "calm"})
    assert refused == "parameter 'playout.preset' must be one of composed, attentive, lively, " + (
        "not 'calm'"
    )
    assert "within 0 .. 2, not 2.5" in node.server.configure({"playout.smile_gain": 2.5})
    assert node.server.config.playout == playout


class Counting:
    """A stepper that notes what it is asked; ``refuses``: as an exported model does."""

    def __init__(self, stepper, refuses=False):
        self._stepper, self._refuses = stepper, refuses
        self.configured = []

    def __getattr__(self, name):
        return getattr(self._stepper, name)

    def check(self, config):
        if self._refuses:
            raise UserError("model.temperature is fixed in an exported model: export it again")

    def configure(self, config):
        self.check(config)
        self.configured.append(config.temperature)
        self._stepper.configure(config)


def counting_session(refuses=False):
    config = small_config()
    engine = engine_for(config)
    engine._stepper = Counting(engine._stepper, refuses)
    return ReactionSession(config, engine, ReadingTracker()), engine._stepper


def test_the_engine_takes_over_the_last_of_a_thousand_temperatures():
    session, stepper = counting_session()
    node = faked_node(session=session)
    for index in range(1, 1001):
        assert node.server.configure({"model.temperature": index / 1000}) == ""
        assert node.server.configure({"playout.gain": index / 1000}) == ""
    node.server.tick(START_S)
    node.server.tick(START_S + 0.01)
    assert stepper.configured == [1.0] and session.config.playout.gain == 1.0


def test_settings_that_are_not_the_models_do_not_reach_the_engine():
    session, stepper = counting_session()
    session.configure({"playout.gain": 0.5})
    assert stepper.configured == []


def test_what_the_engine_refuses_the_session_does_not_believe():
    session, stepper = counting_session(refuses=True)
    node = faked_node(session=session)
    before = session.config
    for changes in ({"model.temperature": 0.5}, {"playout.gain": 2.0, "model.momentum": 0.75}):
        assert "export it again" in node.server.configure(changes)
        with pytest.raises(UserError, match="export it again"):
            session.configure(changes)
    node.server.tick(START_S)
    assert session.config == before == node.server.config and stepper.configured == []
    assert node.server.configure({"playout.gain": 2.0}) == ""  # asked alone it is no fault of it


def test_check_changes_nothing():
    session = make_session()
    before = session.config
    assert session.check({"playout.gain": 2.0, "playout.play": 1}).playout.gain == 2.0
    for wrong in ({"playout.play": 2}, {"model.width": 8}, {"playout.gain": 9.0}):
        with pytest.raises(UserError):
            session.check(wrong)
    assert session.config == before


def test_themes_are_read_again_only_where_the_file_changed(tmp_path, monkeypatch):
    known = make_renderer(Config().render)._themes
    theme = known.load("default")
    path = tmp_path / "themes.yaml"
    lines = "\n".join(
        f"  {name}: {value!r}" for name, value in vars(theme).items() if value is not None
    )
    path.write_text(f"mine:\n{lines}\n")
    monkeypatch.setattr("reactface_node.files.resources.folder", lambda name: tmp_path)
    reads, themes = [], Themes()
    monkeypatch.setattr(
        "reactface_node.render.theme.read_yaml",
        lambda path: reads.append(path) or {"mine": vars(theme)},
    )
    for _ in range(100):
        assert themes.load("mine") == theme
        with pytest.raises(UserError, match="unknown theme 'other'; there are: mine"):
            themes.load("other")
    assert reads == [path]
    os.utime(path, ns=(1, 1))
    assert themes.load("mine") == theme and reads == [path, path]
