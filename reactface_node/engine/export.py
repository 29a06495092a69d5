"""The causal model's step as ONNX graphs with explicit state, for robots without torch.

A folder holds ``first.onnx``, the step at the first frame of a window; ``next.onnx``, a later
frame's in frame mode; and ``model.json``, which lists inputs and outputs. A graph only reads
the rings; it returns their new entries, which the runner (``onnx_stepper.py``) writes in place,
so that no history is copied.
"""

import copy
import json
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from reactface_node.engine.onnx_stepper import FORMAT, MANIFEST, VERSION
from reactface_node.errors import UserError
from reactface_node.files.whole import check_new, write_text, written_whole
from reactface_node.model.face import CoefficientState
from reactface_node.model.modules import CIEState, SLBSState
from reactface_node.model.reactface import ReactFace
from reactface_node.model.records import ModelState, SpeakerInput, WindowPlan
from reactface_node.model.rings import KVRing, Ring, RingClock, split_heads
from reactface_node.model.sampling import fading
from reactface_node.model.speech import LogMelState
from reactface_node.schema import NUM_COEFFICIENTS, SAMPLES_PER_FRAME

OPSET = 18
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
        newest = ratio * self.clock.position + own - 1
        age = (newest - steps) % places
        # The places of the new steps still hold the old entries.
        hidden = (age < own) | (age > newest)
        fresh = own - 1 - steps[: ratio * frames]
        seen = torch.cat([torch.where(hidden, -1, age), fresh], dim=1)
        seen = torch.where(seen < 0, places - 1, seen)
        bias = self.layout.table.index_select(1, seen.flatten()).unflatten(1, seen.shape)
        result: Tensor = bias.repeat(1, samples, 1)[None]
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


class ExportedStep(nn.Module):
    """One step with tensors as inputs and outputs, in the order of ``inputs`` and ``outputs``."""

    def __init__(self, model: ReactFace, samples: int, frames: int, is_first: bool):
        super().__init__()
        self.model, self.is_first, self.frames = model, is_first, frames
        config, self._like = model.config, model.initial_state(1, samples, streaming=True)
        speaker = SpeakerInput(
            torch.zeros(1, frames, NUM_COEFFICIENTS),
            torch.zeros(1, frames, NUM_COEFFICIENTS, dtype=torch.bool),
            torch.zeros(1, frames * SAMPLES_PER_FRAME),
            torch.zeros(1, frames, dtype=torch.bool),
        )
        self.inputs = {f"speaker_{name}": value for name, value in vars(speaker).items()}
        plan = {
            "plan_raw": torch.zeros(1, samples, config.window, config.width),
            "plan_noise": torch.zeros(1, samples, model.noise_width),
            "plan_gap": torch.zeros(1, samples, 1, NUM_COEFFICIENTS),
            "plan_phase": torch.zeros(1, dtype=torch.long),
        }
        self.inputs |= {"noise": plan["plan_noise"]} if is_first else plan
        self.small, self.rings = small_of(self._like), rings_of(self._like)
        # Copies, since one tensor used twice would become one input.
        self.inputs |= {name: x.clone() for name, x in self.small.items()}
        for name, ring in self.rings.items():
            keys, values = read_layout(ring)
            self.inputs |= {f"{name}_keys": keys, f"{name}_values": values}
        self.outputs: list[str] = []

    def forward(self, *arrays: Tensor) -> tuple[Tensor, ...]:
        given = dict(zip(self.inputs, arrays, strict=True))
        speaker = SpeakerInput(*(given[name] for name in self.inputs if "speaker_" in name))
        state, read = self._state(given)
        if self.is_first:
            state = self.model.begin_window(given["noise"], state)
        else:
            state = replace(state, plan=self._plan(given, state))
        output, state = self.model.advance(speaker, state)
        assert state.clock is not None and state.plan is not None and state.plan.gap is not None
        plan = {"plan_raw": state.plan.raw, "plan_gap": state.plan.gap} if self.is_first else {}
        moved = replace(state, clock=RingClock(state.clock.position + self.frames, 0))
        small = {name: x for name, x in small_of(moved).items() if name != "disposition"}
        results = {"listener": output.listener}
        results |= {f"new_{name}": x for name, x in (plan | small).items()}
        results |= {f"rows_{name}": ring.new[0] for name, ring in read.items() if ring.new}
        self.outputs = list(results)
        return tuple(results.values())

    def _state(self, given: dict[str, Tensor]) -> tuple[ModelState, dict[str, ReadRing]]:
        like = self._like
        clock = RingClock(given["position"], self.model.config.window)
        read = {
            name: ReadRing(
                clock, ring.layout, ring.samples, given[f"{name}_keys"], given[f"{name}_values"]
            )
            for name, ring in self.rings.items()
        }
        layers = range(len(like.cie.layers))
        assert isinstance(like.speech, LogMelState)
        speech = tuple(given[f"speech{i}"] for i in range(len(like.speech.convolutions)))
        faces = tuple(read.get(f"face{i}") for i in range(len(like.face.caches or ())))
        kept: dict[str, Any] = {name: given[name] for name in KEPT}
        state = replace(
            like,
            speech=LogMelState(given["past"], speech),
            face=CoefficientState(given["face"], given["valid"], faces),
            cie=CIEState(
                read["cie_speech"], read["cie_face"], tuple(read[f"cie{i}"] for i in layers)
            ),
            slbs=SLBSState(read.get("slbs_face"), read.get("slbs_speech")),
            clock=clock,
            **kept,
        )
        return state, read

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


def read_layout(ring: KVRing) -> tuple[Tensor, Tensor]:
    """A ring's keys and values in the memory layout of the graphs."""
    keys, values = ring.rows[:, :, :, : ring.layout.places]
    return keys.transpose(2, 3).contiguous(), values.contiguous()


def export(model: ReactFace, samples: int, frames: int, folder: Path, weights: str = "") -> None:
    """Write the folder for ``frames`` frames per step and this many samples.

    weights: SHA-256 of the model's checkpoint, so that dispositions that were fitted to it are
    known to suit the export.
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
        _fill(copy.deepcopy(model), samples, frames, unfinished, weights)


def _fill(model: ReactFace, samples: int, frames: int, folder: Path, weights: str) -> None:
    config = model.config
    steps = {"first": ExportedStep(model, samples, frames, True)}
    if frames < config.window:
        steps["next"] = ExportedStep(model, samples, frames, False)
    graphs = {name: _write(step, folder / f"{name}.onnx") for name, step in steps.items()}
    first = steps["first"]
    about = {
        "format": FORMAT,
        "version": VERSION,
        "frames": frames,
        "samples": samples,
        "window": config.window,
        "noise_width": model.noise_width,
        "disposition": config.disposition,
        "momentum": config.momentum,
        "temperature": config.temperature,
        "gain": config.gain,
        "graphs": graphs,
        "state": {name: x.flatten().tolist() for name, x in first.small.items()},
        "weights": weights,
        "rings": {name: ring.layout.ratio for name, ring in first.rings.items()},
    }
    write_text(folder / MANIFEST, json.dumps(about))


def _write(step: ExportedStep, path: Path) -> dict[str, Any]:
    """Write one graph; returns its inputs with shapes, and its outputs."""
    example = tuple(step.inputs.values())
    with torch.inference_mode():
        step.eval()(*example)
    with _quiet():
        program = torch.onnx.export(
            step,
            example,
            dynamo=True,
            opset_version=OPSET,
            verbose=False,
            input_names=list(step.inputs),
            output_names=step.outputs,
        )
        assert program is not None
        program.save(str(path), external_data=False)
    shapes = {name: list(x.shape) for name, x in step.inputs.items()}
    return {"inputs": shapes, "outputs": step.outputs}


@contextmanager
def _quiet() -> Iterator[None]:
    """Hides log lines of torch's exporter about its own deprecations and optional libraries."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
