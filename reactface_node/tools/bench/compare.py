"""Compares the paper's streaming state with the released code, which encodes the history anew.

Both networks are of the paper's size and get the same clip of 30 s. They run in turns, and the
fastest repeat of a window counts, since other processes only add time.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from reactface_node.files.progress import ProgressBar
from reactface_node.model.official.session import OfficialListener, OfficialState
from reactface_node.model.reactface import ReactFace
from reactface_node.model.records import SpeakerInput
from reactface_node.schema import FRAME_RATE_HZ, SAMPLES_PER_FRAME
from reactface_node.tools.bench.clock import spread, taken_s
from reactface_node.tools.bench.machine import ReferenceSpeeds, resident_mb

WINDOWS = (1, 10, 30, 60, 94)
REPEATS = 5
LONG_S = 45.0
"""A window is not repeated further after this time."""
PIXELS = 224
SEED = 0


class Speaker:
    """A clip, window by window: random pictures and noise as voice.

    The pictures repeat after a few windows, which saves memory and changes no network's time."""

    def __init__(self, window: int, device: str, pixels: int = PIXELS, kept: int = 4) -> None:
        generator = torch.Generator().manual_seed(SEED)
        shape = (kept, 1, window, 3, pixels, pixels)
        self._video = (2.0 * torch.rand(shape, generator=generator) - 1.0).to(device)
        audio = 0.1 * torch.randn(kept, 1, window * SAMPLES_PER_FRAME, generator=generator)
        self._audio, self._kept = audio.to(device), kept
        self._valid = torch.ones(1, window, dtype=torch.bool, device=device)

    def window(self, index: int) -> SpeakerInput:
        """Window ``index``, counted from 0."""
        part = index % self._kept
        return SpeakerInput(self._video[part], self._valid, self._audio[part], self._valid)

    def video(self, windows: int) -> torch.Tensor:
        """(1, n*w, 3, S, S): the first ``windows``."""
        return torch.cat([self._video[index % self._kept] for index in range(windows)], 1)

    def audio(self, windows: int) -> torch.Tensor:
        """(1, n*w*640)."""
        return torch.cat([self._audio[index % self._kept] for index in range(windows)], 1)


class ComparedStream:
    """A network and its streaming state."""

    def __init__(self, model: ReactFace | OfficialListener, samples: int) -> None:
        self._model, self._samples = model, samples
        self.state: Any = model.initial_state(1, samples, streaming=True)

    def step(self, speaker: SpeakerInput) -> None:
        """The next window."""
        mean = self._model.listener_mean
        noise = torch.zeros(1, self._samples, self._model.noise_width, device=mean.device)
        with torch.inference_mode():
            _, self.state = self._model.step(speaker, noise, self.state)


def history_state(state: OfficialState, speaker: Speaker, windows: int) -> OfficialState:
    """The state of the released code after ``windows``, made from any of its states."""
    if not windows:
        return state
    return replace(state, video=speaker.video(windows), audio=speaker.audio(windows))


def compare(
    paper: ReactFace,
    official: OfficialListener,
    samples: int,
    device: str,
    windows: tuple[int, ...] = WINDOWS,
    whole: bool = False,
    pixels: int = PIXELS,
) -> dict[str, Any]:
    """Times of these windows (counted from 1) of both networks, their ratio, and the sums over
    the clip.

    whole: every window up to the last one is measured; otherwise times between measured windows
    are interpolated linearly.
    """
    speaker = Speaker(paper.config.window, device, pixels)
    ours, theirs = ComparedStream(paper, samples), ComparedStream(official, samples)
    fresh = theirs.state
    # The first calls allocate.
    ours.step(speaker.window(0))
    theirs.step(speaker.window(0))
    after_one, ours = theirs.state, ComparedStream(paper, samples)
    speeds, done = ReferenceSpeeds(device), 0
    points = tuple(range(1, max(windows) + 1)) if whole else windows
    found: dict[str, dict[str, Any]] = {}
    for number in ProgressBar(points, "compare", unit="window", leave=False):
        # Repeats have advanced the state already; with a full history it makes no difference.
        for index in range(done, number - 1):
            ours.step(speaker.window(index))
        state = history_state(after_one if number > 1 else fresh, speaker, number - 1)
        repeats = 1 if whole and number not in windows else REPEATS
        found[str(number)] = _both(ours, theirs, state, speaker, number - 1, repeats, device)
        done = max(done, number - 1) + len(found[str(number)]["streaming"]["raw_ms"])
        speeds.measure(1)
    return {
        "samples": samples,
        "threads": torch.get_num_threads(),
        "yardsticks": speeds.report(),
        "memory_mb": resident_mb(),
        "windows": found,
        "clip": _clip(found, max(windows), paper.config.window, whole),
    }


def _both(
    ours: ComparedStream,
    theirs: ComparedStream,
    state: OfficialState,
    speaker: Speaker,
    index: int,
    repeats: int,
    device: str,
) -> dict[str, Any]:
    """One window of both networks, in turns."""

    def again() -> None:
        theirs.state = state
        theirs.step(speaker.window(index))

    streaming_s: list[float] = []
    history_s: list[float] = []
    began = time.perf_counter()
    while len(history_s) < repeats:
        streaming_s.append(taken_s(_stepping(ours, speaker, index + len(streaming_s)), device))
        history_s.append(taken_s(again, device))
        if time.perf_counter() - began > LONG_S:
            break
    streaming, history = spread(streaming_s), spread(history_s)
    ratio = round(history["least_ms"] / streaming["least_ms"], 2)
    return {"streaming": streaming, "history": history, "ratio": ratio}


def _stepping(stream: ComparedStream, speaker: Speaker, index: int) -> Callable[[], None]:
    return lambda: stream.step(speaker.window(index))


def _clip(found: dict[str, dict[str, Any]], last: int, window: int, whole: bool) -> dict[str, Any]:
    """The sums over all windows up to the last one."""
    measured = [int(number) for number in found]
    every = np.arange(1, last + 1)
    sums = {
        way: float(np.interp(every, measured, [of[way]["least_ms"] for of in found.values()]).sum())
        for way in ("streaming", "history")
    }
    return {
        "seconds": round(last * window / FRAME_RATE_HZ, 2),
        "how": "every window measured" if whole else "straight lines between measured windows",
        "streaming_s": round(sums["streaming"] / 1e3, 3),
        "history_s": round(sums["history"] / 1e3, 3),
        "ratio": round(sums["history"] / sums["streaming"], 2),
    }
