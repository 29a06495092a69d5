"""Checkpoints of the released code, in its own format or converted to safetensors."""

from pathlib import Path

from safetensors import SafetensorError, safe_open
from torch import Tensor
from torch.nn.utils.parametrize import is_parametrized, remove_parametrizations

from reactface_node.config import ModelConfig
from reactface_node.errors import UserError
from reactface_node.files import resources
from reactface_node.files.arrays import read_mean_face
from reactface_node.files.released import read_tensors
from reactface_node.files.stored_arrays import check_format
from reactface_node.files.tensors import write_safetensors
from reactface_node.model.checkpoint import load_tensors
from reactface_node.model.official.model import OfficialReactFace
from reactface_node.model.official.session import OfficialListener

FORMAT = "reactface-official"
VERSION = 1
_WIDTH_SAYS = "past_motion_linear.bias"
# Position codes, which the released code stores with its weights although they are computed.
_COMPUTED = ".pe"


def is_official(path: Path) -> bool:
    """Whether a file is a checkpoint of the released code, converted or not."""
    if path.suffix != ".safetensors":
        return True
    try:
        with safe_open(path, framework="pt") as file:
            return (file.metadata() or {}).get("format") == FORMAT
    except (SafetensorError, OSError):
        return False


def load_official(path: Path, config: ModelConfig, device: str) -> OfficialListener:
    """Load a checkpoint of the released code, in evaluation mode, on a device.

    UserError if it contains code, is damaged, has another width, or if its tensors are not exactly
    those of the model.
    """
    net = _net(path, config)
    named = resources.weights_file(config.mean_face) or Path(config.mean_face)
    mean_face = read_mean_face(named) if config.mean_face else None
    for module in list(net.wav2vec2.modules()):
        if is_parametrized(module, "weight"):
            # Compute the weight norm once, not in every window.
            remove_parametrizations(module, "weight")
    listener = OfficialListener(net, mean_face)
    return listener.to(device).eval().requires_grad_(False)


def convert_official(source: Path, target: Path, config: ModelConfig) -> None:
    """Convert a released checkpoint to safetensors, which cannot contain code; atomic.

    UserError as in ``load_official``, and if the target cannot be written.
    """
    about = {"format": FORMAT, "version": str(VERSION)}
    write_safetensors(target, _net(source, config).state_dict(), about)


def _net(path: Path, config: ModelConfig) -> OfficialReactFace:
    if config.face_encoder != "pixels":
        raise UserError("the released code reads pixels: take --profile official")
    tensors = _read(path)
    width = tensors[_WIDTH_SAYS].numel() if _WIDTH_SAYS in tensors else config.width
    if width != config.width:
        raise UserError(f"{path} has width {width}, the config {config.width}: set model.width")
    net = OfficialReactFace(config)
    load_tensors(path, net, tensors)
    return net


def _read(path: Path) -> dict[str, Tensor]:
    metadata, tensors = read_tensors(path)
    if path.suffix == ".safetensors":
        other = "was not converted from a checkpoint of the released code"
        check_format(path, metadata, FORMAT, VERSION, other)
    return {name: tensor for name, tensor in tensors.items() if not name.endswith(_COMPUTED)}
