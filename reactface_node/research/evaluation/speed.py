"""The cost of a listener: its reactions alone, on one core."""

import math
import statistics
import time

import torch
from torch import nn

from reactface_node.config import Config
from reactface_node.research.data.clips import Clips
from reactface_node.research.evaluation.rows import reads_pixels, whole_frames
from reactface_node.research.training.corpus import speaker_input
from reactface_node.research.training.learner import Reactor

RUNS, FRAMES = 3, 200


def frames_per_core_second(reactor: Reactor, clips: Clips, config: Config) -> float:
    """Frames of one reaction to one speaker for each second of CPU time, with one thread and no
    pictures: median of ``RUNS`` after a warm-up. NaN for a reactor without a network, and on a
    device that is not the CPU."""
    if not isinstance(reactor, nn.Module) or torch.device(config.device).type != "cpu":
        return math.nan
    frames = whole_frames(clips, config.model.window, FRAMES)
    speaker = speaker_input(clips, slice(0, 1), frames, reads_pixels(reactor))
    threads, seconds = torch.get_num_threads(), []
    torch.set_num_threads(1)
    try:
        for run in range(RUNS + 1):
            # CPU time, so that other work on the machine hardly counts.
            begin = time.process_time()
            reactor.react(speaker, 1, torch.Generator().manual_seed(run))
            seconds.append(time.process_time() - begin)
    finally:
        torch.set_num_threads(threads)
    return frames / statistics.median(seconds[1:])
