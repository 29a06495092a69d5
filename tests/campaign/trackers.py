"""Part b: images of any shape for the real face tracker, which could end the whole process."""

import argparse
import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from campaign.isolated import FAULT, WHOLE, Outcome, isolated
from campaign.samples import Samples
from campaign.stubs import make_config
from campaign.tally import Tally
from reactface_node.perception import make_tracker
from reactface_node.ros.messages import convert
from reactface_node.ros.messages.types import MessageError

PART = "trackers"
LIMIT_S, LIMIT_MB = 30.0, 4000.0
SLOW_S = 2.0
SIDES = (
    1,
    2,
    3,
    15,
    16,
    64,
    239,
    640,
    1921,
    4096,
    8192,
    16383,
    16384,
    16385,
    32766,
    32767,
    32768,
    65535,
    100_000,
)
MOST_PX = 40_000_000
"""Sizes that a camera could send; the part ``messages`` has larger ones."""


@dataclass
class Judge:
    """One tracker for all cases of a process, as in a node."""

    seed: int
    samples: Samples = field(default_factory=Samples)
    trackers: list[Any] = field(default_factory=list)

    def shape(self, index: int) -> tuple[int, int]:
        rng = np.random.default_rng([self.seed, 5, index])
        while True:
            height, width = (int(SIDES[int(i)]) for i in rng.integers(0, len(SIDES), 2))
            if height * width <= MOST_PX:
                return height, width

    def act(self, index: int) -> Outcome:
        """As ``isolated`` calls it: as the node does, from the message on."""
        if not self.trackers:
            self.trackers.append(make_tracker(make_config().perception, False))
        height, width = self.shape(index)
        message = self.samples.image.message(1.0)
        message.height, message.width, message.step = height, width, width
        message.encoding = "mono8"
        message.data = np.full(height * width, 128, np.uint8)
        began_s = time.perf_counter()
        try:
            rgb = convert.image_to_rgb(message)
        except MessageError as error:
            return Outcome("refused", str(error))
        self.trackers[0].track(float(index), rgb)
        taken_s = time.perf_counter() - began_s
        return Outcome(FAULT, f"takes {taken_s:.1f} s") if taken_s > SLOW_S else Outcome(WHOLE)


def run(tally: Tally, seed: int, count: int, only: int | None = None) -> None:
    began_s, slowest_s, judge = time.monotonic(), 0.0, Judge(seed)
    cases = [only] if only is not None else list(range(count))
    for index, outcome in isolated(judge.act, cases, LIMIT_S, LIMIT_MB):
        slowest_s = max(slowest_s, outcome.seconds)
        if outcome.kind == FAULT:
            reason = f"{outcome.detail}: an image of {judge.shape(index)}"
            command = f"python tests/campaign/run.py trackers --seed {seed} --case {index}"
            tally.fault(PART, reason, command, outcome.trace)
        else:
            tally.count(PART, outcome.kind)
    tally.fact(PART, slowest_s=f"{slowest_s:.2f}", wall_s=f"{time.monotonic() - began_s:.0f}")


def add(commands: Any) -> None:
    parser = commands.add_parser(PART, help="images of any shape to the real face tracker")
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--case", type=int, help="this one alone")
    parser.set_defaults(act=act)


def act(options: argparse.Namespace, tally: Tally) -> None:
    run(tally, options.seed, options.count, options.case)
