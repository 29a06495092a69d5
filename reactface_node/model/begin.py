"""How a session, or a clip, begins: silence, no face, nothing shown before."""

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from reactface_node.model.records import ModelState
from reactface_node.model.rings import StreamClock
from reactface_node.schema import NUM_COEFFICIENTS

if TYPE_CHECKING:
    from reactface_node.model.reactface import ReactFace


def begin_session(
    model: "ReactFace", batch: int, samples: int, disposition: Tensor | None, streaming: bool
) -> ModelState:
    """See ``ReactFace.initial_state``."""
    config = model.config
    window, width = config.window, config.width
    zeros, device = model.listener_mean.new_zeros, model.listener_mean.device
    if disposition is None:
        disposition = zeros(batch, samples, config.disposition)
    frame = torch.zeros(batch, dtype=torch.long, device=device)
    clock = StreamClock(frame.clone(), window) if streaming else None
    return ModelState(
        model.speech_encoder.initial_state(batch),
        model.face_encoder.initial_state(batch, clock),
        model.interaction.initial_state(samples, clock),
        model.synchroniser.initial_state(clock),
        zeros(batch, samples, window, NUM_COEFFICIENTS),
        zeros(batch, window * model.speech_encoder.ratio, width),
        zeros(batch, window, width),
        zeros(batch, samples, width).fill_(float("nan")) if streaming else None,
        zeros(batch, samples, 2, NUM_COEFFICIENTS),
        disposition,
        frame,
        model.nods.initial_state(batch, samples) if model.nods else zeros(batch, samples, 0),
        zeros(batch, width),
        clock=clock,
    )
