"""From a session's arrays to the model's tensors on its device."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from reactface_node.engine.pixels import crops_to_pixels
from reactface_node.engine.stepper import SpeakerFrames
from reactface_node.model.records import SpeakerInput


def upload(speakers: Sequence[SpeakerFrames], device: torch.device) -> SpeakerInput:
    """Speakers, of as many frames each -> a batch of them.

    Pixels go over as bytes and become numbers there: a quarter of what is to be copied, and
    none of it the CPU's work.
    """
    parts = zip(*(vars(speaker).values() for speaker in speakers), strict=True)
    face, *rest = (send(np.stack(part), device) for part in parts)
    return SpeakerInput(crops_to_pixels(face) if face.dtype == torch.uint8 else face, *rest)


def send(array: np.ndarray, device: torch.device) -> Tensor:
    """To the device; to a GPU through pinned memory, without waiting for it."""
    tensor = torch.from_numpy(array)
    if device.type != "cuda":
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)
