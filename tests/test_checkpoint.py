"""A checkpoint is one file that says what it is; anything else is refused in one line."""

import pytest
import torch
from model_inputs import small_config, small_model
from safetensors.torch import save_file

from reactface_node.config import Config
from reactface_node.errors import UserError
from reactface_node.model.checkpoint import (
    load_checkpoint,
    read_checkpoint,
    resolve_device,
    save_checkpoint,
)


@pytest.fixture
def saved(tmp_path):
    config = small_config()
    model = small_model(config)
    path = tmp_path / "small.safetensors"
    save_checkpoint(path, model, config, {"smile_response": 0.2}, "abc")
    return config, model, path


def test_round_trip_keeps_weights_config_metrics_and_hash(saved):
    config, model, path = saved
    loaded = load_checkpoint(path, config.model, "cpu")
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, loaded.model.state_dict()[name])
    kept = Config().replace(profile=config.profile).to_dict()
    kept |= {name: config.to_dict()[name] for name in ("model", "training")}
    assert loaded.config == kept
    assert (loaded.metrics, loaded.data_hash) == ({"smile_response": 0.2}, "abc")
    assert not loaded.model.training
    assert not any(p.requires_grad for p in loaded.model.parameters())
    assert [p.name for p in path.parent.iterdir()] == ["small.safetensors"]


def test_run_time_settings_may_differ_but_the_architecture_may_not(saved):
    config, _, path = saved
    calmer = config.replace(**{"model.momentum": 0.99}).model
    assert load_checkpoint(path, calmer, "cpu").model.config.momentum == 0.99
    with pytest.raises(UserError, match=r"trained with model\.width = 32, the config says 64"):
        load_checkpoint(path, config.replace(**{"model.width": 64}).model, "cpu")


@pytest.mark.parametrize("share", [0.0, 0.001, 0.5, 0.99])
def test_truncated_files_are_refused(saved, share):
    config, _, path = saved
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(UserError, match="damaged"):
        load_checkpoint(path, config.model, "cpu")


def test_files_of_others_are_refused(saved, tmp_path):
    config, model, _ = saved
    other = tmp_path / "other.safetensors"
    save_file({"a": torch.zeros(1)}, other)
    with pytest.raises(UserError, match="no checkpoint of reactface_node"):
        load_checkpoint(other, config.model, "cpu")
    pickled = tmp_path / "model.pth"
    torch.save(model.state_dict(), pickled)
    with pytest.raises(UserError, match="damaged or no safetensors"):
        load_checkpoint(pickled, config.model, "cpu")


def rewritten(path, config, tensors, **metadata):
    import json

    whole = {
        "format": "reactface",
        "version": "1",
        "config": json.dumps(config.to_dict()),
        "metrics": "{}",
        "data_hash": "",
    }
    save_file(tensors, path, {**whole, **metadata})
    return path


def test_newer_versions_and_wrong_tensors_are_named(saved):
    config, model, path = saved
    tensors = model.state_dict()
    with pytest.raises(UserError, match="newer reactface_node"):
        load_checkpoint(rewritten(path, config, tensors, version="2"), config.model, "cpu")
    lacking = {name: value for name, value in tensors.items() if name != "head.1.weight"}
    with pytest.raises(UserError, match=r"lacks the tensor head\.1\.weight"):
        load_checkpoint(rewritten(path, config, lacking), config.model, "cpu")
    more = {**tensors, "extra": torch.zeros(1)}
    with pytest.raises(UserError, match="the model lacks: extra"):
        load_checkpoint(rewritten(path, config, more), config.model, "cpu")
    wrong = {**tensors, "head.1.bias": torch.zeros(3)}
    with pytest.raises(UserError, match=r"head\.1\.bias is \(3,\), the model needs \(58,\)"):
        load_checkpoint(rewritten(path, config, wrong), config.model, "cpu")


def test_a_device_that_is_not_there():
    with pytest.raises(UserError, match="there is no device 'nonsense'"):
        resolve_device("nonsense")


def test_a_device_that_is_not_there_is_not_the_files_fault(saved):
    with pytest.raises(UserError, match="there is no device 'nonsense'"):
        read_checkpoint(saved[2], "nonsense")
