"""Fig. 9's attention maps and the training curves."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
import torch
from matplotlib.colors import PowerNorm
from matplotlib.ticker import MaxNLocator
from torch import Tensor

from reactface_node.files.figures import new_figure, save_figure
from reactface_node.model.attention import BiasedAttention, KVCache
from reactface_node.model.reactface import ReactFace
from reactface_node.model.records import SpeakerInput
from reactface_node.schema import FRAME_RATE_HZ

MAP_SAMPLES = 3
TITLES = {
    "VIM": "Visual interaction (VIM): speaker's face",
    "MIM": "Modality interaction (MIM): speaker's speech",
}
# Titles of validation's metrics.
MEASURES = {
    "variance_ratio": "Movement over time\n(variance, 1 = listeners of the data)",
    "diversity_ratio": "Difference between samples\n(variance, 1 = listeners of the data)",
    "smile_correlation": "Smiles with the data's listeners\n(correlation of the means, 1 = alike)",
    "border_jump_ratio": "Steps across window borders\n(1 = as inside windows)",
    "energy_score": "Energy score\n(distance to real reactions, lower is better)",
}
PANELS_ACROSS = 3


class _Record:
    """The attention of one module over all windows, by absolute position."""

    def __init__(self, frames: int, ratio: int):
        self.weights = np.zeros((frames, frames * ratio), np.float32)
        self._seen = 0
        self._ratio = ratio

    def add(self, weights: Tensor) -> None:
        """weights (n, S): n new frames over the S memory steps that end with theirs."""
        frames, steps = weights.shape
        start, self._seen = self._seen, self._seen + frames
        end = self._seen * self._ratio
        self.weights[start : self._seen, end - steps : end] = weights.cpu().numpy()


def attention_weights(biased: BiasedAttention, query: Tensor, joined: KVCache) -> Tensor:
    """softmax(QK/sqrt(d) + bias) of Eq. 16: query (B, M, n, D) -> (n, S), the mean over the
    clips, heads and samples."""
    bias = biased.bias(query.shape[2], joined)
    heads = biased.attention.heads
    asked = biased.attention.query(query).unflatten(-1, (heads, -1)).transpose(2, 3)
    # (B, M, heads, n, d) against (B, 1, heads, S, d): the samples share the memory.
    scores = asked @ joined.keys[:, None].transpose(-1, -2) / asked.shape[-1] ** 0.5
    result: Tensor = (scores + bias[:, None]).softmax(dim=-1).mean(dim=(0, 1, 2))
    return result


@contextmanager
def _watched(biased: BiasedAttention, record: _Record) -> Iterator[None]:
    """Inside, the module's attention is recorded."""
    attend: Callable[[Tensor, KVCache], Tensor] = biased.attend

    def watch(query: Tensor, joined: KVCache) -> Tensor:
        record.add(attention_weights(biased, query, joined))
        return attend(query, joined)

    biased.__dict__["attend"] = watch
    try:
        yield
    finally:
        del biased.__dict__["attend"]


def attention_maps(
    model: ReactFace, speaker: SpeakerInput, generator: torch.Generator
) -> dict[str, np.ndarray]:
    """Fig. 9: the attention of the reactions' frames, window by window as in a session.

    speaker: T frames. Returns 'VIM' (T, T), over face frames, and 'MIM' (T, k*T), over speech
    steps, the means over clips, heads and samples; rows sum to 1, and later steps have weight 0.
    A module that the model does not have is left out.
    """
    frames = speaker.face.shape[1]
    layers = {"VIM": model.synchroniser.visual, "MIM": model.synchroniser.modality}
    records = {}
    with ExitStack() as watching:
        for name, layer in layers.items():
            if layer is not None:
                records[name] = _Record(frames, layer.attention.ratio)
                watching.enter_context(_watched(layer.attention, records[name]))
        model.react(speaker, MAP_SAMPLES, generator)
    return {name: record.weights for name, record in records.items()}


def draw_attention(maps: Mapping[str, np.ndarray], path: Path) -> None:
    """``attention_maps``' arrays side by side as PNG, both axes in seconds; ValueError if empty."""
    if not maps:
        raise ValueError("the model has neither VIM nor MIM: there is no attention to draw")
    figure = new_figure(5.6 * len(maps), 5.2)
    figure.set_layout_engine("constrained")
    for axes, (name, weights) in zip(
        figure.subplots(1, len(maps), squeeze=False)[0], maps.items(), strict=True
    ):
        seconds = len(weights) / FRAME_RATE_HZ
        # Relative to the row's largest weight: late frames attend to many more steps.
        shares = weights / np.maximum(weights.max(axis=1, keepdims=True), 1e-12)
        image = axes.imshow(
            np.ma.masked_where(weights <= 0, shares),
            cmap="viridis",
            norm=PowerNorm(0.5, 0, 1),
            extent=(0, seconds, seconds, 0),
            aspect="auto",
            interpolation="nearest",
        )
        axes.set_facecolor("0.93")
        axes.set_title(TITLES.get(name, name))
        axes.set_xlabel("speaker, s")
        axes.set_ylabel("reaction, s")
    figure.colorbar(image, ax=figure.axes, label="weight, of the row's largest", shrink=0.9)
    save_figure(figure, path)


def draw_training(history: Sequence[Mapping[str, float | None]], path: Path) -> None:
    """Write a PNG with a panel for every key except 'step', plotted against 'step'; some entries
    may lack a key or hold None. A line marks the value of ratios in real listeners. The step with
    the lowest energy score, whose weights are kept, is marked too.

    ValueError if there is no key but 'step'."""
    keys = list(dict.fromkeys(key for entry in history for key in entry if key != "step"))
    if not keys:
        raise ValueError("the history holds nothing to draw")
    across = min(PANELS_ACROSS, len(keys))
    down = -(-len(keys) // across)
    figure = new_figure(3.6 * across, 2.6 * down + 0.3)
    figure.set_layout_engine("constrained")
    panels = figure.subplots(down, across, squeeze=False).flatten()
    kept = _kept_step(history)
    for axes, key in zip(panels, keys, strict=False):
        points = [(entry["step"], entry[key]) for entry in history if entry.get(key) is not None]
        axes.plot(*zip(*points, strict=True), marker=".", linewidth=1.2)
        if key.endswith("_ratio"):
            axes.axhline(1.0, color="0.3", linewidth=1.0, linestyle=":")
        if kept is not None:
            axes.axvline(kept, color="tab:orange", linewidth=1.0, linestyle="--")
        axes.set_title(MEASURES.get(key, key), fontsize=9)
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        axes.tick_params(labelsize=8)
        axes.grid(alpha=0.3)
    for axes in panels[len(keys) :]:
        axes.set_axis_off()
    mark = "" if kept is None else f"; dashed: the weights that are kept, step {kept:g}"
    figure.supxlabel(f"training step{mark}", fontsize=9)
    save_figure(figure, path)


def _kept_step(history: Sequence[Mapping[str, float | None]]) -> float | None:
    """The last of the steps with the lowest energy score; None if there is no score."""
    kept, lowest = None, math.inf
    for entry in history:
        score = entry.get("energy_score")
        if score is not None and score <= lowest:
            kept, lowest = entry["step"], score
    return kept
