"""Copies a session's arrays to tensors on the model's device."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from reactface_node.engine.pixels import crops_to_pixels
from reactface_node.engine.stepper import SpeakerFrames
from reactface_node.model.records import SpeakerInput


def upload(speakers: Sequence[SpeakerFrames], device: torch.device) -> SpeakerInput:
    """Speakers with equal numbers of frames -> one batch.

    Pixels are copied as bytes and converted on the device: a quarter of the data, and no work
    for the CPU.
    """
    parts = zip(*(vars(speaker).values() for speaker in speakers), strict=True)
    face, *rest = (send(np.stack(part), device) for part in parts)
    return SpeakerInput(crops_to_pixels(face) if face.dtype == torch.uint8 else face, *rest)


def send(array: np.ndarray, device: torch.device) -> Tensor:
    """Copy to the device; to a GPU asynchronously through pinned memory."""
    tensor = torch.from_numpy(array)
    if device.type != "cuda":
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)
