"""``playout.preset``: named gains, and what is given by name beside them."""

import pytest

from reactface_node.config import FRESH_SEED, Config
from reactface_node.config.presets import PRESETS
from reactface_node.config.settings import parse_overrides, settings
from reactface_node.errors import UserError


def value_of(config, name):
    return next(item.value for item in settings(config) if item.name == name)


def test_every_preset_holds_live_gains_in_their_range():
    live = {item.name for item in settings(Config()) if item.live}
    for preset, gains in PRESETS.items():
        assert gains.keys() <= live
        config = Config.load(overrides={"playout.preset": preset})
        assert {name: value_of(config, name) for name in gains} == gains


def test_a_composed_robot_moves_less_and_a_lively_one_more_than_an_attentive_one():
    names = PRESETS["composed"].keys() & PRESETS["lively"].keys()
    assert names >= {"playout.nod_gain", "playout.smile_gain", "playout.head_gain"}
    for name in names:
        gains = [
            value_of(Config.load(overrides={"playout.preset": preset}), name)
            for preset in ("composed", "attentive", "lively")
        ]
        assert gains == sorted(gains) and len(set(gains)) == 3


def test_the_default_preset_leaves_a_profile_as_it_is():
    for profile in ("default", "official", "paper"):
        attentive = {"playout.preset": "attentive"}
        assert Config.load(profile, overrides=attentive) == Config.load(profile)


@pytest.mark.parametrize("dotted", [True, False])
def test_a_setting_given_by_name_wins_over_the_preset_wherever_both_are_given(tmp_path, dotted):
    file = tmp_path / "robot.yaml"
    file.write_text(
        "playout.preset: composed\nplayout.nod_gain: 1\n"
        if dotted
        else "playout: {nod_gain: 1, preset: composed}\n"
    )
    config = Config.load(path=file).playout
    assert (config.nod_gain, config.smile_gain, config.head_gain) == (1.0, 0.6, 0.4)
    # The command line chooses another preset; the file's gain stays.
    config = Config.load(path=file, overrides={"playout.preset": "lively"}).playout
    assert (config.preset, config.nod_gain, config.smile_gain) == ("lively", 1.0, 1.3)
    file.write_text("playout.preset: composed\n")
    config = Config.load(path=file, overrides={"playout.smile_gain": 2.0}).playout
    assert (config.smile_gain, config.nod_gain) == (2.0, 0.5)


def test_another_preset_replaces_the_gains_of_the_one_before():
    config = Config.load(overrides={"playout.preset": "composed", "playout.gain": 0.7})
    lively = config.replace({"playout.preset": "lively"}).playout
    assert (lively.nod_gain, lively.gaze_gain, lively.gain) == (1.3, 1.0, 0.7)
    both = config.replace({"playout.preset": "lively", "playout.nod_gain": 0.0}).playout
    assert (both.nod_gain, both.smile_gain) == (0.0, 1.3)
    back = config.replace({"playout.preset": "attentive"})
    assert back == Config.load(overrides={"playout.gain": 0.7})


def test_the_preset_that_is_chosen_already_changes_nothing():
    config = Config.load(overrides={"playout.preset": "composed", "playout.nod_gain": 1.5})
    assert config.replace({"playout.preset": "composed"}) == config
    assert Config.from_dict(config.to_dict()) == config


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"playout.preset": "calm"}, "must be one of composed, attentive, lively, not 'calm'"),
        ({"playout.preset": ["composed"]}, "must be a text"),
        ({"playout.preset": 1}, "must be a text"),
        ({"playout.nod_gain": 2.1}, "within 0 .. 2, not 2.1"),
        ({"playout.smile_gain": -0.1}, "within 0 .. 2, not -0.1"),
        ({"playout.smile_gain": float("nan")}, "within 0 .. 2, not nan"),
        ({"playout.seed": "frisch"}, "must be a whole number or fresh, not 'frisch'"),
        ({"playout.seed": -2}, "within -1 .. 2147483647, not -2"),
        ({"playout.gain": "fresh"}, "must be a number, not 'fresh'"),
    ],
)
def test_wrong_presets_gains_and_seeds_are_refused(changes, says):
    with pytest.raises(UserError, match=says):
        Config().replace(changes)
    with pytest.raises(UserError, match=says):
        Config.load(overrides=changes)


def test_a_fresh_seed_is_the_default_and_can_be_written_as_a_word(tmp_path):
    file = tmp_path / "robot.yaml"
    assert Config.load().playout.seed == FRESH_SEED
    for text, seed in (("fresh", FRESH_SEED), ("'fresh'", FRESH_SEED), ("-1", -1), ("7", 7)):
        file.write_text(f"playout: {{seed: {text}}}\n")
        assert Config.load(path=file, defaults={"playout.seed": 5}).playout.seed == seed
        given = parse_overrides([f"playout.seed={text}"])
        assert Config.load(overrides=given).playout.seed == seed
    assert Config.load(defaults={"playout.seed": 5}).playout.seed == 5
