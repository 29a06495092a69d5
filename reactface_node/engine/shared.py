"""One model for the sessions of several robots in one process."""

from collections.abc import Callable
from functools import cache, partial

from reactface_node.config import Config
from reactface_node.engine.batches import load_batch
from reactface_node.engine.engine import Engine, check_torch, frames_at_once, graphs_of
from reactface_node.engine.gathering import GatheredBatch
from reactface_node.engine.slot import Slot
from reactface_node.engine.stepper import SpeakerFrames, Stepper

EngineOf = Callable[[int, Config], Engine]
"""(slot, the session's config) -> its engine."""


def load_engines(config: Config, count: int, silence: SpeakerFrames) -> EngineOf:
    """Load a model for ``count`` sessions.

    In window mode it is one batch; frame by frame each session has steps of its own, with shared
    weights. silence: a window without face and voice. UserError as ``load_engine``.
    """
    frames = frames_at_once(config)
    if frames > 1:
        batch = GatheredBatch(load_batch(config, count, silence), count)
        return lambda slot, _: Engine(Slot(batch, slot, count), frames)
    files = graphs_of(config)
    if files is not None:
        from reactface_node.engine.onnx_stepper import OnnxStepper, load_graphs

        graphs = load_graphs(*files, config)
        return lambda _, own: Engine(OnnxStepper(graphs, own), frames)
    check_torch(config)
    from reactface_node.engine.guarded import GuardedStepper
    from reactface_node.engine.torch_stepper import TorchStepper, load_model

    load = cache(load_model)

    def stepper(wanted: Config, own: Config) -> Stepper:
        made = TorchStepper(load(config.replace(device=wanted.device, precision=wanted.precision)))
        made.configure(own.model)
        return made

    return lambda _, own: Engine(GuardedStepper(own, partial(stepper, own=own)), frames)
