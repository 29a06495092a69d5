"""What holds for any input of the pure parts: timeline, playout and configuration."""

import math

import numpy as np
import pytest
import yaml
from timeline_rig import Rig, W

from reactface_node.config import Config
from reactface_node.errors import UserError
from reactface_node.playout import Playout
from reactface_node.schema import EXPRESSION, NUM_COEFFICIENTS, SAMPLES_PER_FRAME
from reactface_node.settings import merge, parse_overrides
from reactface_node.settings import settings as leaves

hypothesis = pytest.importorskip("hypothesis")
given, strategies = hypothesis.given, hypothesis.strategies
# The same examples each time, however slow the machine is.
examples = hypothesis.settings(derandomize=True, deadline=None, max_examples=200, database=None)

steps_s = strategies.sampled_from([0.0, 0.01, 0.033, 0.04, 0.32, 1.0, 3.0, 30.0, -0.02, -0.5, -4.0])
odd_s = strategies.sampled_from([math.nan, math.inf, -math.inf, 0.0, -1e18, 1e18, 1e11])
events = strategies.lists(
    strategies.tuples(strategies.sampled_from(["image", "audio", "poll", "odd"]), steps_s, odd_s),
    max_size=60,
)


@examples
@given(events, strategies.sampled_from([1, W]))
def test_a_timeline_of_any_stamps(happening, frames):
    """Windows come in order and whole, each slot is perceived once, and every push is counted."""
    rig, now_s, pushed, windows = Rig(frames, eager=frames == 1), 1000.0, 0, []
    for kind, step_s, odd in happening:
        now_s += step_s
        if kind in ("image", "odd"):
            rig.timeline.push_image(odd if kind == "odd" else now_s, now_s)
            pushed += 1
        elif kind == "audio":
            rig.timeline.push_audio(now_s, np.full(640, 0.1, np.float32), 16000)
        windows += rig.timeline.poll(now_s)
    windows += rig.timeline.poll(now_s + 10.0)
    indices = [window.index for window in windows]
    assert indices == sorted(set(indices))
    for window in windows:
        assert len(window.frames) == frames == len(window.audio_valid)
        assert window.audio.shape == (frames * SAMPLES_PER_FRAME,)
        assert np.isfinite(window.audio).all() and np.abs(window.audio).max() <= 1.0
        assert window.end_s - window.start_s == pytest.approx(frames / 25)
    assert rig.perceived == sorted(set(rig.perceived))
    audio = sum(kind == "audio" for kind, *_ in happening)
    stats = rig.stats
    used = stats.images + stats.audio_chunks + stats.stamps_invalid + stats.stamps_ahead
    assert used == pushed + audio


numbers = [i for i in leaves(Config()) if i.name.startswith("playout.") and i.live]
ranges = {i.name: strategies.floats(i.low, i.high) for i in numbers if isinstance(i.value, float)}
values = strategies.sampled_from([0.0, 0.5, 1.0, -1.0, 7.0, 1e6, math.nan])


@examples
@given(
    strategies.fixed_dictionaries({}, optional=ranges),
    strategies.lists(
        strategies.tuples(values, strategies.booleans(), strategies.booleans()),
        min_size=1,
        max_size=8,
    ),
    strategies.booleans(),
)
def test_a_playout_of_any_reactions(changes, windows, mirror):
    """Weights are in [0, 1], all are numbers, and the same seed gives the same face."""
    config = Config().replace(**changes, **{"playout.mirror": mirror}).playout
    shown = []
    for _ in range(2):
        playout, faces = Playout(config, W), []
        for index, (value, present, speaks) in enumerate(windows):
            reaction = None if value == 7.0 else np.full((1, W, NUM_COEFFICIENTS), value)
            samples, face = playout.finish(index, reaction, np.full(W, present), config, speaks)
            assert samples.shape == (1, W, NUM_COEFFICIENTS) and face.shape == samples.shape[1:]
            faces.append(face)
        shown.append(np.concatenate(faces))
    assert np.array_equal(*shown) and np.isfinite(shown[0]).all()
    expression = shown[0][:, EXPRESSION]
    assert expression.min() >= 0.0 and expression.max() <= 1.0


def value_of(leaf):
    """What a setting may be."""
    if leaf.choices:
        return strategies.sampled_from(leaf.choices)
    if isinstance(leaf.value, bool):
        return strategies.booleans()
    if isinstance(leaf.value, str):
        return strategies.text(max_size=12)
    kind = strategies.floats if isinstance(leaf.value, float) else strategies.integers
    return kind(leaf.low, leaf.high)


valid = strategies.fixed_dictionaries(
    {}, optional={leaf.name: value_of(leaf) for leaf in leaves(Config())}
)


@examples
@given(valid)
def test_a_configuration_of_any_valid_values_survives_files(tmp_path_factory, changes):
    """What is taken is the same when it is written and read again."""
    try:
        config = Config().replace(**changes)
    except UserError:
        return  # Two that do not go together.
    assert Config.from_dict(config.to_dict()) == config
    assert Config.from_dict(yaml.safe_load(yaml.safe_dump(config.to_dict()))) == config


@examples
@given(strategies.sampled_from([leaf.name for leaf in leaves(Config())]), strategies.text())
def test_any_text_is_a_value_or_refused_in_a_line(name, text):
    try:
        config = Config.load("default", overrides=parse_overrides([f"{name}={text}"]))
    except UserError as error:
        assert "\n" not in str(error) and len(str(error)) < 1000
    else:
        assert Config.from_dict(config.to_dict()) == config


@examples
@given(
    strategies.dictionaries(
        strategies.text(alphabet="playout.gainself_x", max_size=14),
        strategies.one_of(strategies.none(), strategies.integers(), strategies.floats(),
                          strategies.text(max_size=5), strategies.lists(strategies.integers())),
        max_size=3,
    )
)  # fmt: skip
def test_any_names_and_values_are_settings_or_refused_in_a_line(changes):
    try:
        merge(Config(), changes)
    except UserError as error:
        assert "\n" not in str(error)
