"""Checkpoints of the released code: loading, and files that are refused."""

import os
from collections import OrderedDict

import numpy as np
import pytest
import torch
from rigs.official import EXACT, PIXELS, W, official_config, released_tensors, small_net
from rigs.paths import ROOT

from reactface_node.cli.main import main
from reactface_node.config import Config
from reactface_node.errors import UserError
from reactface_node.files.arrays import read_mean_face
from reactface_node.files.released import read_released
from reactface_node.model.official import checkpoint as official_checkpoint
from reactface_node.model.official.checkpoint import convert_official, load_official
from reactface_node.render.mesh.faceverse import read_faceverse


@pytest.fixture
def tensors(monkeypatch):
    return released_tensors(monkeypatch)


def old_names(tensors):
    """As torch before 2.1 names the parts of a weight norm."""
    new = "parametrizations.weight.original"
    return {
        name.replace(f"{new}0", "weight_g").replace(f"{new}1", "weight_v"): value
        for name, value in tensors.items()
    }


WRAPPINGS = {
    "plain": lambda t: t,
    "ordered": OrderedDict,
    "state_dict": lambda t: {"epoch": 3, "state_dict": t, "optimizer": {"state": {}}},
    "model": lambda t: {"model": t, "loss": 0.5},
    "parallel": lambda t: {f"module.{name}": value for name, value in t.items()},
    "old weight norm": old_names,
    "position codes": lambda t: t | {"PPE.pe": torch.zeros(1, 808, 32), "PE.pe": torch.ones(5, 1)},
}


@pytest.mark.parametrize("wrapping", WRAPPINGS)
def test_every_way_the_released_code_saves_is_read(tensors, tmp_path, wrapping):
    path = tmp_path / "best_checkpoint.pth"
    torch.save(WRAPPINGS[wrapping](tensors), path)
    model = official_config().model
    convert_official(path, tmp_path / "converted.safetensors", model)
    noise, past = torch.ones(1, 32), torch.zeros(1, W, 58)
    video, audio = torch.zeros(1, W, 3, PIXELS, PIXELS), torch.ones(1, W * 640)
    expected = small_net(official_config())
    expected = expected.step(expected.encode(video, audio), past, None, noise).listener
    for source in (path, tmp_path / "converted.safetensors"):
        listener = load_official(source, model, "cpu")
        found = listener.net.step(listener.net.encode(video, audio), past, None, noise).listener
        assert torch.allclose(found, expected, atol=EXACT)
        assert not any(p.requires_grad for p in listener.parameters())


class RunsCode:
    def __reduce__(self):
        return os.mkdir, ("harm",)


def without(tensors, name):
    return {key: value for key, value in tensors.items() if key != name}


BAD = {
    "code": (lambda t: {"model": t, "args": RunsCode()}, "it holds code or objects"),
    "missing": (
        lambda t: without(t, "speaker_vector_map_layer.bias"),
        "lacks the tensor speaker_vector_map_layer.bias",
    ),
    "extra": (lambda t: t | {"extra.weight": torch.zeros(3)}, "the model lacks: extra.weight"),
    "shape": (
        lambda t: t | {"interaction_VAE.mu_token": torch.zeros(31)},
        r"interaction_VAE.mu_token is \(31,\), the model needs \(32,\)",
    ),
    "empty": (lambda t: {"epoch": 3}, "holds no state dict"),
    "a list": (lambda t: list(t.values()), "holds no state dict"),
}


@pytest.mark.parametrize("fault", BAD)
def test_a_bad_checkpoint_is_refused_in_one_line(tensors, tmp_path, monkeypatch, fault):
    make, message = BAD[fault]
    monkeypatch.chdir(tmp_path)
    torch.save(make(tensors), tmp_path / "bad.pth")
    with pytest.raises(UserError, match=message) as refused:
        convert_official(
            tmp_path / "bad.pth", tmp_path / "out.safetensors", official_config().model
        )
    assert "\n" not in str(refused.value)
    assert [path.name for path in tmp_path.iterdir()] == ["bad.pth"]


def test_a_damaged_file_and_another_width_are_refused(tensors, tmp_path):
    torch.save(tensors, tmp_path / "whole.pth")
    data = (tmp_path / "whole.pth").read_bytes()
    (tmp_path / "cut.pth").write_bytes(data[: len(data) // 2])
    (tmp_path / "text.pth").write_text("hello")
    (tmp_path / "yaml.pth").write_text("rosbag2_bagfile_information:\n  version: 8\n")
    for name in ("cut.pth", "text.pth", "yaml.pth"):
        with pytest.raises(UserError, match="is damaged or no checkpoint of torch"):
            load_official(tmp_path / name, official_config().model, "cpu")
    with pytest.raises(UserError, match=r"has width 32, the config 64: set model\.width"):
        load_official(tmp_path / "whole.pth", official_config(model__width=64).model, "cpu")


def test_it_is_taken_for_no_other(tensors, tmp_path, capsys):
    """Nor is it trained: what it plays was."""
    path = str(tmp_path / "whole.pth")
    torch.save(tensors, path)
    sample = str(ROOT / "sample")
    out = str(tmp_path / "out")
    for command, says in (
        (["replay", sample, "-o", out, "--set", f"weights={path}"], "take --profile official"),
        (["train", "-o", out, "--profile", "official"], "plays what the released code trained"),
        (["train", "-o", out, "--profile", "paper"], "synthetic dyads have no pictures"),
    ):
        assert main(command) == 2
        said = capsys.readouterr().err
        assert says in said and said.count("\n") == 1
    assert [entry.name for entry in tmp_path.iterdir()] == ["whole.pth"]


def test_it_is_a_model_of_pixels(tensors, tmp_path):
    torch.save(tensors, tmp_path / "whole.pth")
    config = Config.load(overrides={"model.behaviour": "official", "model.width": 32})
    with pytest.raises(UserError, match="take --profile official"):
        load_official(tmp_path / "whole.pth", config.model, "cpu")


def test_a_mean_face_is_looked_for_and_checked(tensors, tmp_path):
    torch.save(tensors, tmp_path / "whole.pth")
    model = official_config(model__mean_face=str(tmp_path / "mean_face.npy")).model
    with pytest.raises(UserError, match=r"mean_face\.npy is missing"):
        load_official(tmp_path / "whole.pth", model, "cpu")
    np.save(tmp_path / "mean_face.npy", np.full(58, 0.25, np.float32))
    listener = load_official(tmp_path / "whole.pth", model, "cpu")
    assert listener.listener_mean[:52].tolist() == [0.25] * 52
    assert listener.listener_mean[52:].tolist() == [0.0] * 6


def test_a_safetensors_file_of_something_else_is_refused(tmp_path):
    from safetensors.torch import save_file

    save_file({"a": torch.zeros(1)}, tmp_path / "a.safetensors", {"format": "reactface"})
    with pytest.raises(UserError, match="was not converted from a checkpoint"):
        load_official(tmp_path / "a.safetensors", official_config().model, "cpu")
    newer = {"format": official_checkpoint.FORMAT, "version": "99"}
    save_file({"a": torch.zeros(1)}, tmp_path / "a.safetensors", newer)
    with pytest.raises(UserError, match="newer reactface_node"):
        load_official(tmp_path / "a.safetensors", official_config().model, "cpu")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda t: t.fill_(float("nan")), "NaN or infinite"),
        (lambda t: t.index_fill_(0, torch.tensor([3]), torch.inf), "NaN or infinite"),
        (lambda t: t.zero_(), "are alike"),
        (lambda t: t.fill_(0.02), "are alike"),
    ],
)
def test_weights_that_are_no_numbers_or_all_alike_are_refused(tensors, tmp_path, change, says):
    name = "speaker_vector_map_layer.weight"
    changed = tensors | {name: change(tensors[name].clone())}
    torch.save({"state_dict": changed}, tmp_path / "bad.pth")
    with pytest.raises(UserError, match=f"{name}.*{says}|{says}.*{name}") as refused:
        load_official(tmp_path / "bad.pth", official_config().model, "cpu")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "odd",
    [
        lambda: torch.zeros(58, dtype=torch.complex64),
        lambda: torch.zeros(58, dtype=torch.int32),
        lambda: torch.zeros(58).to_sparse(),
        lambda: torch.zeros(58, device="meta"),
        lambda: torch.nested.nested_tensor([torch.zeros(58)]),
        lambda: torch.quantize_per_tensor(torch.zeros(58), 0.1, 0, torch.quint8),
        lambda: torch.zeros(1).expand(58)[:1].expand(10**12),
        lambda: torch.zeros(1).expand(10**6, 10**6),
        lambda: torch.tensor(1.0),
    ],
)
@pytest.mark.parametrize("name", ["speaker_vector_map_layer.bias", "past_motion_linear.bias"])
@pytest.mark.filterwarnings("ignore")
def test_tensors_of_other_kinds_are_refused(tensors, tmp_path, odd, name):
    torch.save(tensors | {name: odd()}, tmp_path / "odd.pth")
    with pytest.raises(UserError) as refused:
        load_official(tmp_path / "odd.pth", official_config().model, "cpu")
    assert "\n" not in str(refused.value)


def test_damage_anywhere_in_a_pickle_is_one_line_or_nothing(tmp_path):
    path, rng = tmp_path / "damaged.pth", np.random.default_rng(0)
    torch.save({"state_dict": {"a.weight": torch.ones(4, 4), "b": torch.ones(3)}}, path)
    data = path.read_bytes()
    refused = 0
    for at in rng.integers(0, len(data), 150):
        changed = bytearray(data)
        changed[at] ^= 1 << int(rng.integers(8))
        path.write_bytes(bytes(changed))
        try:
            read_released(path)
        except UserError as error:
            refused += 1
            assert "\n" not in str(error)
    assert refused > 20


class Harm:
    def __reduce__(self):
        return os.mkdir, ("harm",)


def archive(path):
    with path.open("wb") as file:
        np.savez(file, np.zeros(58))


def arrays(path):
    """Files of which no mean face can be read."""
    yield lambda: np.save(path, np.array([Harm()] * 58), allow_pickle=True), "no .npy array"
    yield lambda: np.save(path, np.array({"a": 1}), allow_pickle=True), "no .npy array"
    yield lambda: np.save(path, np.zeros(57)), "58 usable numbers"
    yield lambda: np.save(path, np.full(58, np.nan)), "58 usable numbers"
    yield lambda: np.save(path, np.full(58, 1e30)), "58 usable numbers"
    yield lambda: np.save(path, np.array(["x"] * 58)), "not numbers"
    yield lambda: np.save(path, np.zeros(58, np.complex64)), "not numbers"
    yield lambda: archive(path), "no .npy array"
    yield lambda: path.write_bytes(b"\x93NUMPY\x01\x00"), "no .npy array"
    for header in (
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000000,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (5.5,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999999,)}",
        "{'descr': [], 'fortran_order': False, 'shape': (58,)}",
        "{'descr': 'nothing', 'fortran_order': False, 'shape': (58,)}",
        "{'descr': ',,,', 'fortran_order': False, 'shape': (58,)}",
        "{'descr': '|O', 'fortran_order': False, 'shape': (58,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': " + "(" * 3000,
        "__import__('os').mkdir('harm')",
        "{}",
        "[]",
        "9" * 5000,
        "",
        "\x00",
    ):
        text = header.encode() + b"\n"
        content = b"\x93NUMPY\x02\x00" + len(text).to_bytes(4, "little") + text + bytes(232)
        yield lambda c=content: path.write_bytes(c), None


def test_a_mean_face_of_anything_else_is_one_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "mean_face.npy"
    for write, says in arrays(path):
        path.unlink(missing_ok=True)
        write()
        with pytest.raises(UserError, match=says) as refused:
            read_mean_face(path)
        assert "\n" not in str(refused.value)
        with pytest.raises(UserError):
            read_faceverse(path)
    assert not (tmp_path / "harm").exists()
