"""Loads one model for many sessions, and chooses the library that runs it."""

from typing import TYPE_CHECKING

from reactface_node.config import Config
from reactface_node.engine.engine import check_torch, graphs_of
from reactface_node.engine.slot import SlotBatch
from reactface_node.engine.stepper import SpeakerFrames
from reactface_node.errors import UserError

if TYPE_CHECKING:
    from reactface_node.model.reactface import ReactFace


def load_batch(config: Config, count: int, silence: SpeakerFrames) -> SlotBatch:
    """The config's model for ``count`` sessions. silence: a window without face and voice.

    UserError if it cannot be loaded, or if it is the released code's model. torch's thread count is
    set for the process, where torch runs the model.
    """
    files = graphs_of(config)
    if files is not None:
        from reactface_node.engine.onnx_slots import OnnxSlots
        from reactface_node.engine.onnx_stepper import load_graphs

        return OnnxSlots(load_graphs(*files, config), config, count, silence)
    check_torch(config)
    from reactface_node.engine.slots import Slots
    from reactface_node.engine.torch_stepper import load_model
    from reactface_node.model.reactface import ReactFace

    model = load_model(config)
    if not isinstance(model, ReactFace):
        raise UserError("many sessions at once need a model of ours, not the released code's")
    return Slots(model, count, config.playout.samples, silence)


def as_batch(
    made: "SlotBatch | ReactFace", config: Config, count: int, silence: SpeakerFrames
) -> SlotBatch:
    """A batch as it is; a model for torch in a batch of its own."""
    if isinstance(made, SlotBatch):
        return made
    from reactface_node.engine.slots import Slots

    return Slots(made, count, config.playout.samples, silence)
