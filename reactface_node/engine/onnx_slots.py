"""One model for many sessions at once by onnxruntime: a batch with a slot for each."""

from collections.abc import Sequence

import numpy as np

from reactface_node.config import Config
from reactface_node.engine.graphs import Graphs, live_inputs
from reactface_node.engine.stepper import SpeakerFrames


class OnnxSlots:
    """See ``slot.SlotBatch``. A session without a new window keeps its state."""

    def __init__(self, graphs: Graphs, config: Config, count: int, silence: SpeakerFrames):
        """graphs: with "window". silence: a window without face and voice."""
        self._graphs, self._silence, self.config = graphs, silence, config.model
        self._live = live_inputs(config.model)
        about = graphs.about
        self.window, self.noise_width = about.window, about.noise_width
        self.disposition = about.disposition
        self._fresh = graphs.blank(1, config.playout.samples)
        self._state = graphs.blank(count, config.playout.samples)

    def begin(self, slot: int, disposition: np.ndarray) -> None:
        for name, values in self._fresh.items():
            self._state[name][slot] = values[0]
        self._state["disposition"][slot] = disposition

    def describe(self, slot: int, disposition: np.ndarray) -> None:
        self._state["disposition"][slot] = disposition

    def step(
        self, speakers: Sequence[SpeakerFrames | None], noise: Sequence[np.ndarray | None]
    ) -> np.ndarray:
        """As ``SlotBatch.step``. Costs time for the slots from the first to the last active one."""
        active = [slot for slot, one in enumerate(speakers) if one is not None]
        first, end = active[0], active[-1] + 1
        # Views, which are written in place.
        state = {name: values[first:end] for name, values in self._state.items()}
        given = self._given(speakers[first:end], noise[first:end])
        results = self._graphs.run("window", state | given | self._live)
        self._graphs.update(state, results, [slot - first for slot in active])
        for name in self._graphs.about.state:
            self._state[name][first:end] = state[name]
        shown = results["listener"]
        reactions = np.zeros((len(speakers), *shown.shape[1:]), shown.dtype)
        reactions[first:end] = shown
        return reactions

    def _given(
        self, speakers: Sequence[SpeakerFrames | None], noise: Sequence[np.ndarray | None]
    ) -> dict[str, np.ndarray]:
        """The inputs of the graph that are no state."""
        spoken = zip(*(vars(one or self._silence).values() for one in speakers), strict=True)
        names = (f"speaker_{name}" for name in vars(self._silence))
        given = dict(zip(names, map(np.stack, spoken), strict=True))
        blank = np.zeros((self._state["disposition"].shape[1], self.noise_width), np.float32)
        return given | {"noise": np.stack([blank if one is None else one for one in noise])}
