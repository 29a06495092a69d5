"""One model for many sessions at once: a batch with a slot for each.

The state of a slot stays at its place in memory, and a session without a new window keeps its
state, so shapes and addresses never change: on a GPU the step is captured once as a CUDA graph.
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from reactface_node.engine.stepper import SpeakerFrames
from reactface_node.engine.upload import send, upload
from reactface_node.errors import is_device_failure
from reactface_node.model.face import PixelState
from reactface_node.model.reactface import ReactFace
from reactface_node.model.records import ModelState, WindowPlan
from reactface_node.model.rings import Ring, RingClock

WARM_UPS = 3
"""Steps before a capture, in which libraries choose their algorithms."""


class Slots:
    """B sessions of M samples each, window by window, by torch; see ``slot.SlotBatch``."""

    def __init__(self, model: ReactFace, count: int, samples: int, silence: SpeakerFrames):
        """silence: a window without face and voice, of the later shapes."""
        self.model, self.window, self.samples = model, model.config.window, samples
        self.config = model.config
        self.noise_width, self.disposition = model.noise_width, model.config.disposition
        self._device = model.listener_mean.device
        self._silence = silence
        self._speaker = upload([silence] * count, self._device)
        self._noise = torch.zeros(count, samples, self.noise_width, device=self._device)
        self._active = torch.zeros(count, dtype=torch.bool, device=self._device)
        self._graph: Any = None
        self._captures = self._device.type == "cuda"
        with torch.inference_mode():
            self._fresh = self._blank(1)
            self._state = self._blank(count)
            self._listener = self._run()

    def begin(self, slot: int, disposition: np.ndarray) -> None:
        """Begin a new session of M listeners, (M, S), in a slot."""
        with torch.inference_mode():
            for old, new in zip(leaves(self._state), leaves(self._fresh), strict=True):
                old[slot] = new[0]
            self._state.disposition[slot] = torch.from_numpy(disposition)
            assert self._state.clock is not None
            self._state.clock.position[slot] = 0

    def describe(self, slot: int, disposition: np.ndarray) -> None:
        """Other listeners (M, S) in a slot; its state stays."""
        with torch.inference_mode():
            self._state.disposition[slot] = torch.from_numpy(disposition)

    def step(
        self, speakers: Sequence[SpeakerFrames | None], noise: Sequence[np.ndarray | None]
    ) -> np.ndarray:
        """The next window of every session that has one: (B, M, w, 58); rows of the others are
        undefined."""
        blank = np.zeros(self._noise.shape[1:], np.float32)
        spoken = upload([one or self._silence for one in speakers], self._device)
        drawn = np.stack([blank if one is None else one for one in noise])
        active = np.array([one is not None for one in speakers])
        with torch.inference_mode():
            for static, new in zip(
                vars(self._speaker).values(), vars(spoken).values(), strict=True
            ):
                static.copy_(new)
            self._noise.copy_(send(drawn, self._device))
            self._active.copy_(send(active, self._device))
            self._replay()
        shown: np.ndarray = self._listener.cpu().numpy().copy()
        return shown

    def _replay(self) -> None:
        if self._graph is None and self._captures:
            try:
                self._capture()
            except RuntimeError as error:
                if is_device_failure(error):
                    raise
                self._captures = False
                reason = str(error).splitlines()[0]
                logging.getLogger(__name__).warning("no CUDA graph, but step by step: %s", reason)
        if self._graph is None:
            self._listener = self._run()
        else:
            self._graph.replay()

    def _capture(self) -> None:
        """Capture the step as torch's notes on CUDA graphs describe: warm up on a separate
        stream, then capture. No slot is active meanwhile, so no state changes."""
        active = self._active.clone()
        self._active.zero_()
        try:
            stream = torch.cuda.Stream(self._device)
            stream.wait_stream(torch.cuda.current_stream(self._device))
            with torch.cuda.stream(stream):
                for _ in range(WARM_UPS):
                    self._run()
            torch.cuda.current_stream(self._device).wait_stream(stream)
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph):
                self._listener = self._run()
            self._graph = graph
        finally:
            self._active.copy_(active)

    def _run(self) -> Tensor:
        """One step of all slots; the tensors of the state stay the same objects."""
        state = self._state
        output, after = self.model.advance(
            self._speaker, self.model.begin_window(self._noise, state)
        )
        for old, new in zip(leaves(state), leaves(after), strict=True):
            going = self._active.view(-1, *[1] * (old.dim() - 1))
            old.copy_(torch.where(going, new, old))
        assert state.clock is not None
        state.clock.advance(self.window, self._active)
        return output.listener

    def _blank(self, count: int) -> ModelState:
        """The state of new sessions, with all tensors that it has later."""
        state = self.model.initial_state(count, self.samples, streaming=True)
        encoder = self.model.face_encoder
        if not isinstance(state.face, PixelState):
            return state
        face, seen = self._speaker.face[:1], self._speaker.face_valid[:1]
        _, after = encoder(face, seen, encoder.initial_state(1))
        past = tuple(x.new_zeros(count, *x.shape[1:]) for x in after.convolutions)
        return replace(state, face=PixelState(past, state.face.caches))


def leaves(state: Any) -> Iterator[Tensor]:
    """The tensors of a state, in order, without rings and tensors of a single step."""
    if isinstance(state, Tensor):
        yield state
    elif isinstance(state, tuple):
        for part in state:
            yield from leaves(part)
    elif is_dataclass(state) and not isinstance(state, Ring | RingClock | WindowPlan):
        for item in fields(state):
            yield from leaves(getattr(state, item.name))
