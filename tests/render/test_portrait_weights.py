"""PIRender's weights: loading the authors' file and ours; other files are refused."""

import pytest
import torch
from safetensors.torch import save_file

from reactface_node.errors import UserError
from reactface_node.render.portrait.generator import FaceGenerator
from reactface_node.render.portrait.weights import load_generator, save_generator


@pytest.fixture(scope="module")
def net():
    torch.manual_seed(0)
    return FaceGenerator().requires_grad_(False)


def same(one, other):
    pairs = zip(one.state_dict().items(), other.state_dict().items(), strict=True)
    return all(a == b and torch.equal(x, y) for (a, x), (b, y) in pairs)


def test_own_weights_come_back_with_their_space(net, tmp_path):
    path = tmp_path / "new" / "pirender.safetensors"
    save_generator(path, net, "ours")
    loaded = load_generator(path, "cpu")
    assert same(loaded.net, net) and loaded.space == "ours"
    assert not loaded.net.training
    assert not any(parameter.requires_grad for parameter in loaded.net.parameters())
    assert [file.name for file in path.parent.iterdir()] == ["pirender.safetensors"]


@pytest.mark.parametrize(
    "wrap",
    [
        lambda tensors: tensors,
        lambda tensors: {"net_G_ema": tensors, "step": 3},
        lambda tensors: {"state_dict": {f"module.{n}": t for n, t in tensors.items()}},
    ],
    ids=["plain", "average", "parallel"],
)
def test_released_weights_are_of_faceverse(wrap, net, tmp_path):
    path = tmp_path / "released.pth"
    torch.save(wrap(net.state_dict()), path)
    loaded = load_generator(path, "cpu")
    assert same(loaded.net, net) and loaded.space == "faceverse"


def broken(net, change):
    tensors = dict(net.state_dict())
    change(tensors)
    return tensors


NAME = "mapping_net.pre.bias"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda t: t.pop(NAME), f"lacks the tensor {NAME}"),
        (lambda t: t.update(extra=torch.zeros(1)), "holds a tensor that the model lacks: extra"),
        (lambda t: t.update({NAME: torch.zeros(9)}), rf"{NAME} is \(9,\), the model needs \(73,\)"),
    ],
)
@pytest.mark.parametrize("kind", ["pth", "safetensors"])
def test_tensors_that_do_not_fit_are_named(change, says, kind, net, tmp_path):
    path = tmp_path / f"wrong.{kind}"
    tensors = broken(net, change)
    if kind == "pth":
        torch.save(tensors, path)
    else:
        save_file(tensors, path, {"format": "pirender", "version": "1", "space": "ours"})
    with pytest.raises(UserError, match=says):
        load_generator(path, "cpu")


@pytest.mark.parametrize(
    ("metadata", "says"),
    [
        ({}, "holds no PIRender weights"),
        ({"format": "reactface", "version": "1"}, "holds no PIRender weights"),
        ({"format": "pirender", "version": "2", "space": "ours"}, "newer"),
        ({"format": "pirender", "version": "1"}, "does not say in which space"),
    ],
)
def test_files_of_another_kind_are_refused(metadata, says, net, tmp_path):
    path = tmp_path / "other.safetensors"
    save_file({"a": torch.zeros(1)}, path, metadata)
    with pytest.raises(UserError, match=says):
        load_generator(path, "cpu")


class Thief:
    def __reduce__(self):
        return print, ("executed",)


def test_code_in_a_file_is_not_run(net, tmp_path, capsys):
    path = tmp_path / "code.pth"
    torch.save({"state_dict": net.state_dict(), "more": Thief()}, path)
    with pytest.raises(UserError, match="refused: it holds code"):
        load_generator(path, "cpu")
    assert "executed" not in capsys.readouterr().out


@pytest.mark.parametrize("name", ["half.pth", "half.safetensors"])
def test_damaged_and_missing_files_get_one_line(name, net, tmp_path):
    path = tmp_path / name
    with pytest.raises(UserError, match="is missing"):
        load_generator(path, "cpu")
    torch.save(net.state_dict(), path)
    path.write_bytes(path.read_bytes()[:1_000_000])
    with pytest.raises(UserError, match="is damaged") as caught:
        load_generator(path, "cpu")
    assert "\n" not in str(caught.value)
