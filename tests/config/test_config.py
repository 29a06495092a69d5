"""The Config: YAML files, overrides, and mistakes in them."""

import subprocess
import sys

import pytest

from reactface_node.config import Config
from reactface_node.config.settings import parse_overrides, settings
from reactface_node.errors import UserError
from reactface_node.files.text import meaning


def test_profile_file_and_overrides_in_this_order(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("playout: {gain: 1.5, samples: 3}\n")
    config = Config.load("paper", path, {"playout.gain": 2})
    assert config.model.face_encoder == "pixels"
    assert (config.playout.gain, config.playout.samples) == (2.0, 3)
    assert Config.from_dict(config.to_dict()) == config


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"playout.gian": 1.0}, "did you mean playout.gain"),
        ({"playout.gain": 9.0}, "within 0 .. 3"),
        ({"playout.gain": float("nan")}, "within 0 .. 3"),
        ({"playout.gain": "high"}, "must be a number"),
        ({"playout.samples": 1.5}, "must be a whole number"),
        ({"playout.samples": True}, "must be a whole number"),
        ({"model.lrd": "other"}, "one of latent_memory, latent_query"),
        ({"playout": 1}, "is a section"),
    ],
)
def test_mistakes_are_named(values, says):
    with pytest.raises(UserError, match=says):
        Config.load(overrides=values)


def test_unreadable_and_malformed_files(tmp_path):
    with pytest.raises(UserError, match="cannot read"):
        Config.load(path=tmp_path / "none.yaml")
    bad = tmp_path / "bad.yaml"
    bad.write_text("a: [1, 2\n")
    with pytest.raises(UserError, match="not valid YAML"):
        Config.load(path=bad)
    bad.write_text("- 1\n")
    with pytest.raises(UserError, match="names and values"):
        Config.load(path=bad)
    with pytest.raises(UserError, match="unknown profile 'x'; there are: default, official, paper"):
        Config.load("x")


def test_the_paper_profile_is_literal():
    """Sec. 4.2 and 5 of the paper."""
    config = Config.load("paper")
    model, training = config.model, config.training
    assert (model.window, model.momentum, model.disposition) == (8, 0.999, 0)
    assert not model.nods and not model.continuity
    assert (training.objective, training.loss_form, training.samples) == ("samples", "paper", 3)
    assert (training.learning_rate, training.schedule) == (2e-5, "constant")
    assert (training.beta2, training.batch) == (0.999, 4)
    weights = training.kl_weight, training.smooth_weight, training.diversity_weight
    assert weights == (1e-5, 10.0, 100.0)
    assert training.neighbour_temperature == 0.0  # the minimum of Eq. 20


def test_every_setting_has_a_description_and_a_range_or_choices():
    for item in settings(Config()):
        assert item.help
        if not isinstance(item.value, str | bool):
            assert item.low is not None and item.high is not None
            assert item.low <= item.value <= item.high


def test_overrides_are_parsed_as_yaml():
    given = parse_overrides(["a.b=1.5", "c=on.yaml", "d=", "e='1.5'"])
    found = {name: meaning(value) for name, value in given.items()}
    assert found == {"a.b": 1.5, "c": "on.yaml", "d": None, "e": "1.5"}
    with pytest.raises(UserError, match="NAME=VALUE"):
        parse_overrides(["gain"])


def test_config_imports_no_torch():
    code = "import sys, reactface_node.config, reactface_node.schema; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
