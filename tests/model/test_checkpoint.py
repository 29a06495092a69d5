"""Checkpoints: one file with its metadata; any other file is refused in one line."""

import json

import numpy as np
import pytest
import torch
from rigs.model_inputs import small_config, small_model
from safetensors import safe_open
from safetensors.torch import save_file

from reactface_node.config import Config
from reactface_node.errors import UserError
from reactface_node.files.arrays import read_mean_face
from reactface_node.files.released import read_tensors
from reactface_node.files.resources import weights_file
from reactface_node.model.checkpoint import (
    load_checkpoint,
    read_checkpoint,
    resolve_device,
    save_checkpoint,
)
from reactface_node.render.mesh.faceverse import read_faceverse


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


def rewritten(path, config, tensors, /, **metadata):
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


def damaged_weights():
    yield "NaN", lambda t: t.index_fill_(0, torch.tensor([0]), float("nan")), "NaN or infinite"
    yield "infinite", lambda t: t.index_fill_(0, torch.tensor([1]), -torch.inf), "NaN or infinite"
    yield "zeros", torch.zero_, "are alike"
    yield "constant", lambda t: t.fill_(0.01), "are alike"


@pytest.mark.parametrize(("change", "says"), [c[1:] for c in damaged_weights()])
@pytest.mark.parametrize("half", [False, True])
def test_weights_that_are_no_numbers_or_all_alike_are_refused(saved, change, says, half):
    config, model, path = saved
    tensors = {name: value.clone() for name, value in model.state_dict().items()}
    change(tensors["head.1.weight"])
    if half:
        tensors = {n: t.half() if t.is_floating_point() else t for n, t in tensors.items()}
    line = refused(rewritten(path, config, tensors), config)
    assert says in line and "head.1.weight" in line


def test_weights_in_half_precision_are_read_and_other_types_are_not(saved):
    config, model, path = saved
    half = {name: value.bfloat16() for name, value in model.state_dict().items()}
    loaded = load_checkpoint(rewritten(path, config, half), config.model, "cpu").model
    assert loaded.state_dict()["head.1.weight"].dtype == torch.float32
    for dtype in (torch.int8, torch.int64, torch.float8_e4m3fn, torch.complex64, torch.bool):
        tensors = {**model.state_dict(), "head.1.bias": torch.zeros(58).to(dtype)}
        assert "which is not read" in refused(rewritten(path, config, tensors), config)


def refused(path, config) -> str:
    with pytest.raises(UserError) as error:
        load_checkpoint(path, config.model, "cpu")
    line = str(error.value)
    assert "\n" not in line and str(path) in line and len(line) < 600
    return line


GARBAGE = {
    "version": ("", "1.5", "-1", "x", "9" * 5000, "\u0661", " 1"),
    "config": (
        "",
        "{",
        "[]",
        "null",
        "{}",
        '{"model": {}}',
        '{"model": 1, "training": {}}',
        '{"model": {"width": 1000000000}, "training": {}}',
        "[" * 100_000,
        '{"model": {"width": 1e400}, "training": {}}',
        "9" * 5000,
        '{"model": {"self": 1}, "training": {}}',
        '{"model": {"": 1}, "training": {}}',
        '{"model": {"width": NaN}, "training": {}}',
        '{"model": [], "training": {}}',
    ),
    "metrics": ("", "{", "[1]", "null", "\ud7ff"),
    "format": ("", "reactface2"),
    "wav2vec2": ("{", "null", "[]"),
}


@pytest.mark.parametrize("name", GARBAGE)
def test_garbage_in_the_metadata_is_one_line(saved, name):
    config, model, path = saved
    for value in GARBAGE[name]:
        refused(rewritten(path, config, model.state_dict(), **{name: value}), config)


def test_what_the_metadata_lacks_is_one_line(saved):
    config, model, path = saved
    for lacking in ("format", "version", "config", "metrics"):
        with safe_open(rewritten(path, config, model.state_dict()), "pt") as file:
            metadata = {k: v for k, v in file.metadata().items() if k != lacking}
        save_file(model.state_dict(), path, metadata)
        refused(path, config)
    save_file(model.state_dict(), path)
    refused(path, config)


def test_a_model_of_other_size_than_its_tensors_is_refused_before_it_is_made(saved, monkeypatch):
    """1.3 GB would be made for it."""
    _, model, path = saved
    large = {"model.width": 1024, "model.face_layers": 12, "model.cie_layers": 12}
    config = small_config(**{name.replace(".", "__"): value for name, value in large.items()})
    made = []
    monkeypatch.setattr(
        "reactface_node.model.checkpoint.Stored.fill", lambda *_: made.append("filled")
    )
    assert "tensor" in refused(rewritten(path, config, model.state_dict()), config)
    assert not made


@pytest.mark.parametrize(
    "change",
    [
        {"hidden_size": 10**9},
        {"num_hidden_layers": 10**9},
        {"conv_dim": [10**9] * 7},
        {"conv_dim": [8] * 10**4},
        {"hidden_size": "wide"},
        {"hidden_size": -1},
        {"num_attention_heads": 0},
        {"num_attention_heads": 7},
        {"hidden_size": 64},
        {"num_hidden_layers": 1},
        {"conv_kernel": []},
        {"hidden_act": "nothing"},
    ],
)
def test_a_wav2vec2_that_cannot_be_is_one_line(tmp_path, change):
    config = small_config("paper")
    model, path = small_model(config), tmp_path / "paper.safetensors"
    save_checkpoint(path, model, config, {}, "none")
    with safe_open(path, "pt") as file:
        metadata = file.metadata()
    assert load_checkpoint(path, config.model, "cpu")
    changed = json.loads(metadata["wav2vec2"]) | change
    save_file(model.state_dict(), path, metadata | {"wav2vec2": json.dumps(changed)})
    refused(path, config)


def test_a_paper_checkpoint_without_its_wav2vec2_does_not_look_for_another(tmp_path):
    config = small_config("paper")
    path = rewritten(tmp_path / "a.safetensors", config, small_model(config).state_dict())
    assert "does not say which wav2vec 2.0" in refused(path, config)


STAND_INS = {
    b"version https://git-lfs.github.com/spec/v1\noid sha256:12\nsize 3\n": "git lfs pull",
    b"\xef\xbb\xbf\n <!DOCTYPE html><title>404</title>": "is a web page",
    b"<HTML lang='en'>": "is a web page",
    b"<?xml version='1.0'?><Error>": "is a web page",
    b"": "holds nothing",
}


@pytest.mark.parametrize("content", STAND_INS)
@pytest.mark.parametrize("suffix", [".safetensors", ".pth", ".task", ".bin"])
def test_another_file_in_its_place_is_refused(tmp_path, content, suffix):
    path = tmp_path / f"weights{suffix}"
    path.write_bytes(content)
    readers = [read_tensors, lambda p: weights_file(str(p))]
    readers += [read_mean_face, read_faceverse] if suffix == ".bin" else []
    for read in readers:
        with pytest.raises(UserError, match=STAND_INS[content]) as error:
            read(path)
        assert "\n" not in str(error.value)


def test_a_header_that_lies_is_one_line(saved):
    """Seeded damage of a small file's header and of its length."""
    config, _, path = saved
    data, rng = path.read_bytes(), np.random.default_rng(0)
    header = int.from_bytes(data[:8], "little")
    lengths = (0, 1, header - 1, header + 1, 2**31, 2**40, 2**63, 2**64 - 1)
    damaged = [size.to_bytes(8, "little") + data[8:] for size in lengths]
    for _ in range(150):
        changed = bytearray(data)
        for at in rng.integers(0, 8 + header, rng.integers(1, 4)):
            changed[at] = (
                rng.integers(256) if rng.random() < 0.5 else ord(rng.choice(list('0{}[],":9')))
            )
        damaged.append(bytes(changed))
    outcomes = set()
    for content in damaged:
        path.write_bytes(content)
        try:
            load_checkpoint(path, config.model, "cpu")
            outcomes.add("loaded")
        except UserError as error:
            assert "\n" not in str(error) and len(str(error)) < 600
            outcomes.add("refused")
    assert "refused" in outcomes
