"""The causal model's step as ONNX graphs with explicit state, for robots without torch.

A folder holds ``first.onnx``, the step at the first frame of a window; ``next.onnx``, a later
frame's in frame mode; ``window.onnx``, a whole window of a batch of sessions; and ``model.json``,
which lists inputs, weights and outputs. A graph holds no weights, only their names: they come from
the checkpoint. It only reads the rings, and returns their new entries, which the runner
(``graphs.py``) writes in place, so that no history is copied.
"""

import copy
import json
import logging
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import onnx
import torch
from torch import Tensor, nn

from reactface_node.config import ModelConfig
from reactface_node.engine.graph_files import (
    FORMAT,
    FREE,
    GRAPHS,
    MANIFEST,
    SAMPLES,
    SESSIONS,
    VERSION,
    WEIGHTS,
)
from reactface_node.errors import UserError
from reactface_node.files.download import file_sha256
from reactface_node.files.whole import check_new, write_text, written_whole
from reactface_node.model.architecture import LIVE, architecture
from reactface_node.model.face import CoefficientState
from reactface_node.model.modules import CIEState, SLBSState
from reactface_node.model.reactface import ReactFace
from reactface_node.model.records import ModelState, SpeakerInput, WindowPlan
from reactface_node.model.rings import KVRing, Ring, RingClock, split_heads
from reactface_node.model.sampling import fading
from reactface_node.model.speech import LogMelState
from reactface_node.schema import NUM_COEFFICIENTS, SAMPLES_PER_FRAME

OPSET = 18
NOWHERE = "from-the-checkpoint"
KEPT = (
    "last_reaction",
    "last_speech",
    "last_face",
    "latent",
    "edge",
    "disposition",
    "frame",
    "nod",
    "nod_memory",
    "laugh",
)


@dataclass(frozen=True, eq=False)
class ReadRing(Ring):
    """A ring that is only read: keys (B*M, heads, d, places), values (B*M, heads, places, d).

    new: the new entries, in order; attention covers the ring and them.
    """

    keys: Tensor
    values: Tensor
    new: list[Tensor] = field(default_factory=list)

    def write(self, new: Tensor) -> None:
        self.new.append(new)

    def write_more(self, new: Tensor) -> None:
        self.new.append(new)

    def attend(self, query: Tensor, bias: Tensor | None) -> Tensor:
        assert bias is not None
        heads, places = self.keys.shape[1], self.layout.places
        keys, values = (
            split_heads(part, heads) for part in torch.cat(self.new, 1).chunk(2, dim=-1)
        )
        query = query * query.shape[-1] ** -0.5
        scores = torch.cat([query @ self.keys, query @ keys.transpose(2, 3)], dim=-1) + bias
        weights = scores.softmax(dim=-1)
        return weights[..., :places] @ self.values + weights[..., places:] @ values

    def bias(self, frames: int, samples: int = 1) -> Tensor:
        """As ``Ring.bias``, over the ring and then over the n*k steps that are new."""
        ratio, steps, places = self.layout.ratio, self.layout.steps, self.layout.places
        own = ratio * (steps[:frames, None] + 1)
        newest = ratio * self.clock.position[:, None, None] + own - 1
        age = (newest - steps) % places
        # The places of the new steps still hold the old entries.
        hidden = (age < own) | (age > newest)
        fresh = (own - 1 - steps[: ratio * frames]).expand(age.shape[0], -1, -1)
        seen = torch.cat([torch.where(hidden, -1, age), fresh], dim=2)
        seen = torch.where(seen < 0, places - 1, seen)
        bias = self.layout.table.index_select(1, seen.flatten()).unflatten(1, seen.shape)
        result: Tensor = bias.transpose(0, 1).repeat(1, 1, samples, 1)
        return result


def rings_of(state: ModelState) -> dict[str, KVRing]:
    """The rings of a streaming state, by name."""
    assert isinstance(state.face, CoefficientState)
    named = {f"face{i}": ring for i, ring in enumerate(state.face.caches or ())}
    named |= {"cie_speech": state.cie.speech, "cie_face": state.cie.face}
    named |= {f"cie{i}": ring for i, ring in enumerate(state.cie.layers)}
    named |= {"slbs_face": state.slbs.face, "slbs_speech": state.slbs.speech}
    return {name: ring for name, ring in named.items() if isinstance(ring, KVRing)}


def small_of(state: ModelState) -> dict[str, Tensor]:
    """The other tensors of the state, by name."""
    assert isinstance(state.face, CoefficientState) and isinstance(state.speech, LogMelState)
    assert state.clock is not None and state.latent is not None and state.edge is not None
    convolutions = {f"speech{i}": x for i, x in enumerate(state.speech.convolutions)}
    small = {"past": state.speech.past, "face": state.face.last, "valid": state.face.last_valid}
    small |= convolutions | {name: getattr(state, name) for name in KEPT}
    return small | {"position": state.clock.position}


class LiveConfig:
    """A config whose settings of sampling are tensors."""

    def __init__(self, config: ModelConfig, live: dict[str, Tensor]):
        self._config, self._live = config, live

    def __getattr__(self, name: str) -> Any:
        return self._live[name] if name in self._live else getattr(self._config, name)


class ExportedStep(nn.Module):
    """One step with tensors as inputs and outputs, in the order of ``inputs`` and ``outputs``."""

    def __init__(self, model: ReactFace, graph: str, sessions: int, samples: int):
        """graph: see ``graph_files.Manifest``. sessions, samples: sizes of the examples."""
        super().__init__()
        self.model, self.config, self.graph = copy.copy(model), model.config, graph
        self.continues = graph == "next"
        config = self.config
        self.frames = frames = config.window if graph == "window" else 1
        self._like = model.initial_state(sessions, samples, streaming=True)
        speaker = SpeakerInput(
            torch.zeros(sessions, frames, NUM_COEFFICIENTS),
            torch.zeros(sessions, frames, NUM_COEFFICIENTS, dtype=torch.bool),
            torch.zeros(sessions, frames * SAMPLES_PER_FRAME),
            torch.zeros(sessions, frames, dtype=torch.bool),
        )
        self.inputs = {f"speaker_{name}": value for name, value in vars(speaker).items()}
        noise = torch.zeros(sessions, samples, model.noise_width)
        plan = {
            "plan_raw": torch.zeros(sessions, samples, config.window, config.width),
            "plan_noise": noise,
            "plan_gap": torch.zeros(sessions, samples, 1, NUM_COEFFICIENTS),
            "plan_phase": torch.zeros(1, dtype=torch.long),
        }
        self.inputs |= plan if self.continues else {"noise": noise}
        live = ("gain", "pitch_gain") if self.continues else LIVE
        self.inputs |= {name: torch.full((1,), float(getattr(config, name))) for name in live}
        self.small, self.rings = small_of(self._like), rings_of(self._like)
        # Copies, since one tensor used twice would become one input.
        self.inputs |= {name: x.clone() for name, x in self.small.items()}
        for name, ring in self.rings.items():
            if not (self.continues and name.startswith("cie")):
                keys, values = read_layout(name, ring)
                self.inputs |= {f"{name}_keys": keys, f"{name}_values": values}
        self.outputs: list[str] = []

    def forward(self, *arrays: Tensor) -> tuple[Tensor, ...]:
        given = dict(zip(self.inputs, arrays, strict=True))
        live = {name: given[name] for name in LIVE if name in given}
        self.model.config = cast(Any, LiveConfig(self.config, live))
        speaker = SpeakerInput(*(given[name] for name in self.inputs if "speaker_" in name))
        state, read = self._state(given)
        if self.continues:
            state = replace(state, plan=self._plan(given, state))
        else:
            state = self.model.begin_window(given["noise"], state)
        output, state = self.model.advance(speaker, state)
        assert state.clock is not None and state.plan is not None and state.plan.gap is not None
        plan = {}
        if self.graph == "first":
            plan = {"plan_raw": state.plan.raw, "plan_gap": state.plan.gap}
        moved = replace(state, clock=RingClock(state.clock.position + self.frames, 0))
        # What a step does not change is no output.
        small = {name: x for name, x in small_of(moved).items() if x is not given[name]}
        results = {"listener": output.listener}
        results |= {f"new_{name}": x for name, x in (plan | small).items()}
        results |= {f"rows_{name}": ring.new[0] for name, ring in read.items() if ring.new}
        self.outputs = list(results)
        return tuple(results.values())

    def _state(self, given: dict[str, Tensor]) -> tuple[ModelState, dict[str, ReadRing]]:
        like = self._like
        clock = RingClock(given["position"], self.model.config.window)
        read = {
            name: ReadRing(clock, ring.layout, ring.samples, *self._contents(name, given))
            for name, ring in self.rings.items()
            if f"{name}_keys" in given
        }
        layers = range(len(like.cie.layers))
        cie = tuple(read.get(f"cie{i}") for i in layers)
        assert isinstance(like.speech, LogMelState)
        speech = tuple(given[f"speech{i}"] for i in range(len(like.speech.convolutions)))
        faces = tuple(read.get(f"face{i}") for i in range(len(like.face.caches or ())))
        kept: dict[str, Any] = {name: given[name] for name in KEPT}
        state = replace(
            like,
            speech=LogMelState(given["past"], speech),
            face=CoefficientState(given["face"], given["valid"], faces),
            cie=CIEState(read.get("cie_speech"), read.get("cie_face"), cie),
            slbs=SLBSState(read.get("slbs_face"), read.get("slbs_speech")),
            clock=clock,
            **kept,
        )
        return state, read

    def _contents(self, name: str, given: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        """A ring's keys and values, with sessions and samples in one axis."""
        keys, values = given[f"{name}_keys"], given[f"{name}_values"]
        if is_of_samples(name):
            keys, values = keys.flatten(0, 1), values.flatten(0, 1)
        return keys, values

    def _plan(self, given: dict[str, Tensor], state: ModelState) -> WindowPlan:
        """The window's plan at the frames that are next."""
        config, noise = self.model.config, given["plan_noise"]
        at = given["plan_phase"] + torch.arange(self.frames)
        onset = noise[:, :, config.width : config.width + config.window]
        assert state.latent is not None
        drawn = state.latent[:, :, None]
        return WindowPlan(
            drawn,
            drawn,
            drawn,
            given["plan_raw"].index_select(2, at),
            onset.index_select(2, at) if self.model.nods else noise,
            noise[:, :, config.width + config.window :],
            fading(config.window, noise).index_select(0, at),
            given["plan_gap"],
        )


def read_layout(name: str, ring: KVRing) -> tuple[Tensor, Tensor]:
    """A ring's keys (B[, M], heads, d, places) and values (B[, M], heads, places, d), the memory
    layout of the graphs."""
    keys, values = ring.rows[:, :, :, : ring.layout.places]
    if is_of_samples(name):
        keys, values = (part.unflatten(0, (-1, ring.samples)) for part in (keys, values))
    return keys.transpose(-1, -2).contiguous(), values.contiguous()


def is_of_samples(name: str) -> bool:
    """Whether each sample has a ring of this name of its own."""
    return name.removeprefix("cie").isdigit()


def export(model: ReactFace, checkpoint: Path, folder: Path) -> None:
    """Write the folder of a model: its graphs and its checkpoint.

    UserError if the model is not of the default profile's kind, or if the folder exists or
    cannot be written.
    """
    config = model.config
    if config.face_encoder != "coefficients" or config.speech_encoder != "log_mel":
        raise UserError("only the default profile's kind of model can be exported")
    if config.sync_history_s == 0 or not config.continuity:
        raise UserError("export needs model.sync_history_s > 0 and model.continuity")
    check_new(folder, makes_folders=True)
    with written_whole(folder) as unfinished:
        unfinished.mkdir()
        shutil.copyfile(checkpoint, unfinished / WEIGHTS)
        write_graphs(model, unfinished, file_sha256(checkpoint))


def write_graphs(model: ReactFace, folder: Path, weights: str = "") -> None:
    """Write graphs and manifest into a folder that exists. weights: SHA-256 of the checkpoint in
    it, "" if there is none."""
    graphs = {name: _write(model, name, folder / f"{name}.onnx") for name in GRAPHS}
    step = ExportedStep(model, "window", 1, 1)
    about = {
        "format": FORMAT,
        "version": VERSION,
        "model": architecture(model.config),
        "noise_width": model.noise_width,
        "graphs": graphs,
        "state": {name: x.flatten().tolist() for name, x in step.small.items()},
        "weights": weights,
        "rings": {name: ring.layout.ratio for name, ring in step.rings.items()},
        "tensors": {name: list(one.shape) for name, one in model.state_dict().items()},
    }
    write_text(folder / MANIFEST, json.dumps(about))


def _write(model: ReactFace, name: str, path: Path) -> dict[str, Any]:
    """Write one graph without weights; returns its inputs with shapes, and the names of the
    checkpoint's tensors that it takes and of its outputs."""
    # Frame by frame there is one session; sizes of 1 would be taken for fixed ones.
    (sessions, samples), larger = ((2, 3), (4, 6)) if name == "window" else ((1, 3), (1, 6))
    step = ExportedStep(model, name, sessions, samples).eval()
    other = ExportedStep(model, name, *larger)
    axes = {
        one: _free_axes(x.shape, other.inputs[one].shape, sessions, samples)
        for one, x in step.inputs.items()
    }
    example = tuple(step.inputs.values())
    with torch.inference_mode():
        step(*example)
    dims = {size: torch.export.Dim(size, min=1, max=most) for size, most in FREE.items()}
    with _quiet():
        program = torch.onnx.export(
            step,
            example,
            dynamo=True,
            opset_version=OPSET,
            # Folding constants would change the weights, which are not known here.
            optimize=False,
            verbose=False,
            input_names=list(step.inputs),
            output_names=step.outputs,
            dynamic_shapes=(
                tuple({axis: dims[size] for axis, size in free.items()} for free in axes.values()),
            ),
        )
    assert program is not None
    proto = program.model_proto
    tensors = _without_weights(proto, model)
    path.write_bytes(proto.SerializeToString())
    inputs = {
        one: [axes[one].get(axis, size) for axis, size in enumerate(x.shape)]
        for one, x in step.inputs.items()
    }
    return {"inputs": inputs, "tensors": tensors, "outputs": step.outputs}


def _free_axes(shape: torch.Size, other: torch.Size, sessions: int, samples: int) -> dict[int, str]:
    """The axes that differ between two sizes of examples, with the name of their size."""
    return {
        axis: SESSIONS if axis == 0 and sessions > 1 else SAMPLES
        for axis, (size, changed) in enumerate(zip(shape, other, strict=True))
        if size != changed
    }


def _without_weights(proto: Any, model: ReactFace) -> list[str]:
    """Take the values of the model's tensors out of a graph, in place, and what only describes
    it; returns the names of these tensors in a checkpoint."""
    known, found = model.state_dict(), []
    for one in proto.graph.initializer:
        name = one.name.removeprefix("model.")
        if name not in known:
            continue
        found.append(name)
        size = len(one.raw_data)
        one.name = name
        one.ClearField("raw_data")
        one.data_location = onnx.TensorProto.EXTERNAL
        # The values come from the checkpoint; a file of this name is never written.
        for key, value in (("location", NOWHERE), ("offset", "0"), ("length", str(size))):
            entry = one.external_data.add()
            entry.key, entry.value = key, value
    for node in proto.graph.node:
        node.ClearField("doc_string")
        del node.metadata_props[:]
        node.input[:] = [
            one.removeprefix("model.") if one.removeprefix("model.") in found else one
            for one in node.input
        ]
    del proto.graph.value_info[:]
    return found


@contextmanager
def _quiet() -> Iterator[None]:
    """Hides log lines of torch's exporter about its own deprecations and optional libraries, and
    its trace, whose ten thousands of lines cost minutes where somebody collects them."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "torch.__trace")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
