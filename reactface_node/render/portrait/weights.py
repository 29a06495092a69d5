"""PIRender's weights: the authors' checkpoint, or one of ``reactface portrait train``."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from reactface_node.errors import UserError
from reactface_node.files.released import read_tensors
from reactface_node.files.stored_arrays import check_format
from reactface_node.files.tensors import write_safetensors
from reactface_node.model.checkpoint import load_tensors, resolve_device
from reactface_node.render.portrait.generator import FaceGenerator

FORMAT = "pirender"
VERSION = 1

CoefficientSpace = Literal["faceverse", "ours"]


@dataclass(frozen=True)
class LoadedGenerator:
    """The net, and the coefficient space in which it was trained: ours or FaceVerse's."""

    net: FaceGenerator
    space: CoefficientSpace


def load_generator(path: Path, device: str) -> LoadedGenerator:
    """A released ``.pth`` file (FaceVerse coefficients), or a ``.safetensors`` of
    ``save_generator``; in evaluation mode and without gradients.

    Nothing is executed. UserError if the file is missing, damaged, newer, of another kind, or lacks
    a tensor, or if the device is missing.
    """
    resolve_device(device)
    metadata, tensors = read_tensors(path)
    ours = path.suffix == ".safetensors"
    space = _space(path, metadata) if ours else "faceverse"
    net = FaceGenerator()
    load_tensors(path, net, tensors)
    return LoadedGenerator(net.to(device).eval().requires_grad_(False), space)


def save_generator(path: Path, net: FaceGenerator, space: CoefficientSpace) -> None:
    """Write the weights atomically; UserError if the file cannot be written."""
    metadata = {"format": FORMAT, "version": str(VERSION), "space": space}
    write_safetensors(path, net.state_dict(), metadata)


def _space(path: Path, metadata: dict[str, str]) -> CoefficientSpace:
    check_format(path, metadata, FORMAT, VERSION, "holds no PIRender weights of reactface_node")
    if metadata.get("space") == "ours":
        return "ours"
    if metadata.get("space") == "faceverse":
        return "faceverse"
    raise UserError(f"{path} does not say in which space its coefficients are")
