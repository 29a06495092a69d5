"""Probes: small experiments on a reactor; each gives a number, most of which have bounds.

Twenty samples for each of several speakers, all seeds fixed. For comparison, synthetic listeners in
the same scenes: a smile rises by 0.51, brows by 0.33 at a surprise, nods are 5.0 times as likely
after a pause, and two of ten listeners look different for 90 % of the time.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from scipy.signal import find_peaks

from reactface_node.config import Config, PlayoutConfig
from reactface_node.errors import UserError
from reactface_node.research.data.behaviour import LONG_BLINK_S
from reactface_node.research.data.head_nods import head_nods
from reactface_node.research.data.script import FROWN, SMILE, SURPRISE
from reactface_node.research.evaluation.scenes import (
    FEELING_S,
    PAUSE_S,
    Scene,
    feeling,
    leaves,
    speech,
)
from reactface_node.research.training.learner import Reactor
from reactface_node.schema import COEFFICIENT_NAMES, FRAME_RATE_HZ, ROTATION, indices_of
from reactface_node.session.playout import Playout

SAMPLES, SPEAKERS, TALKERS = 20, 4, 12
SMILES, BROWS = indices_of("mouthSmile"), indices_of("browInnerUp", "browOuterUp")
HEAD = list(range(ROTATION.start, ROTATION.stop))
# Without gaze, whose saccades are jumps, and without lids, which playout closes.
FACE = [
    index
    for index, name in enumerate(COEFFICIENT_NAMES)
    if index < ROTATION.start and not name.startswith(("eyeLook", "eyeBlink"))
]
ANSWER_S, GONE_S = 1.5, 3.0
# Base rate: all of the speech but its beginning. Only its last quarter is low in pitch, so that
# early parts alone would flatter the ratio.
TALKING_S = (3.0, 4.5, 6.0, 7.5)
# Half a level of FACS's five; ordinary nods are of a few degrees (Hadar et al. 1983-85).
VISIBLE_WEIGHT, VISIBLE_RAD = 0.1, np.radians(3.0)
ALIKE_S = 0.5
BLINK_MINUTES = 3
SHORTEST_BLINK_MS = 62.0
"""People's short blinks last 83 to 100 ms at half height (ARKit recordings). A quarter less is met,
as in ``human``: a course of 25 frames a second tells a length to some 20 ms. Long ones come with
nods and last 607 ms (Hoemke et al. 2018); the paper counts over a second as a failure."""


@dataclass(frozen=True)
class ProbeResult:
    """value must be at least ``low`` and at most ``high``, where they are given."""

    name: str
    value: float
    unit: str
    low: float | None = None
    high: float | None = None

    @property
    def passed(self) -> bool:
        above = self.low is None or self.value >= self.low
        return bool(above and (self.high is None or self.value <= self.high))

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"passed": self.passed}


def as_text(probes: Sequence[ProbeResult]) -> str:
    """One line for each result; results without bounds are listed only."""
    lines = []
    for probe in probes:
        limits = ((">=", probe.low), ("<=", probe.high))
        bounds = [f"{sign} {limit:.3g}" for sign, limit in limits if limit is not None]
        mark = ("ok  " if probe.passed else "FAIL") if bounds else "    "
        asked = f" (must be {' and '.join(bounds)})" if bounds else ""
        lines.append(f"{mark} {probe.name}: {probe.value:.3f} {probe.unit}{asked}")
    return "\n".join(lines)


def run_probes(reactor: Reactor, config: Config | None = None) -> list[ProbeResult]:
    """Run all probes; the reactor is on ``config.device``. UserError if it reads pixels."""
    config = config or Config()
    if config.model.face_encoder == "pixels":
        raise UserError("the probes' speakers have coefficients, no pixels to see them by")

    window = config.model.window

    def react(scene: Scene) -> np.ndarray:
        frames = scene.speaker.face.shape[1]
        speaker = scene.speaker.whole_windows(window).to(config.device)
        drawn = reactor.react(speaker, SAMPLES, torch.Generator().manual_seed(0))
        return drawn[:, :, :frames].cpu().numpy()

    pausing, talking = speech(True, TALKERS), speech(False, TALKERS)
    paused, smiled = react(pausing), react(feeling(SMILE, SPEAKERS))
    return [
        *smile(smiled),
        frown(react(feeling(FROWN, SPEAKERS))),
        surprise(react(feeling(SURPRISE, SPEAKERS))),
        *nod(paused, react(talking)),
        *nobody(react(leaves(speech(False, 1)))[0], config.playout, window),
        *blinks(paused[0], config.playout, window),
        *border_jumps(paused, window),
        *different(np.concatenate([paused, smiled])),
        *smooth(paused, pausing.listeners),
    ]


def smile(reactions: np.ndarray) -> list[ProbeResult]:
    """(B, M, T, 58) to a smile from 4 s to 6 s: the answer comes within 1.5 s and fades again."""
    course = _course(reactions, SMILES)
    rise = _rise(course)
    left = float(course[_frame(FEELING_S[1] + GONE_S) :].mean() - _before(course))
    return [
        ProbeResult("a smile is answered within 1.5 s: rise", rise, "weight", low=0.15),
        ProbeResult("of that, left 3 s after it ended", left / max(rise, 1e-6), "share", high=0.5),
    ]


def frown(reactions: np.ndarray) -> ProbeResult:
    """(B, M, T, 58) to a frown from 4 s to 6 s: a smile rises by less than half of a visible
    amount."""
    rise = _rise(_course(reactions, SMILES), FEELING_S[1] - FEELING_S[0] + ANSWER_S)
    return ProbeResult("a frown is not answered by a smile: rise", rise, "weight", high=0.05)


def surprise(reactions: np.ndarray) -> ProbeResult:
    """(B, M, T, 58) to a surprise from 4 s to 6 s: the brows rise visibly."""
    rise = _rise(_course(reactions, BROWS))
    return ProbeResult("surprise raises the brows: rise", rise, "weight", low=VISIBLE_WEIGHT)


def nod(paused: np.ndarray, talked: np.ndarray) -> list[ProbeResult]:
    """(B, M, T, 58) to a pause after 4 s of speech, and to speech without a pause."""
    after, base = nod_chance(paused, (PAUSE_S,)), nod_chance(talked, TALKING_S)
    return [
        ProbeResult("a nod starts within 1.5 s of a pause", after, "chance"),
        ProbeResult("a nod starts within 1.5 s while he talks on", base, "chance"),
        ProbeResult(
            "nods after a pause, against speech", after / max(base, 1e-3), "times", low=2.0
        ),
    ]


def nod_chance(reactions: np.ndarray, starts_s: Sequence[float]) -> float:
    """Share of the 1.5 s after each start in which a nod of (B, M, T, 58) begins."""
    hits = [
        any(start <= found.start_s < start + ANSWER_S for found in nods)
        for face in reactions.reshape(-1, *reactions.shape[2:])
        for nods in [head_nods(face[:, ROTATION.start].astype(np.float64))]
        for start in starts_s
    ]
    return float(np.mean(hits))


def nobody(reactions: np.ndarray, config: PlayoutConfig, window: int) -> list[ProbeResult]:
    """(M, T, 58) to a person who leaves at 4.5 s: one second later only idle motion is shown."""
    there = np.arange(reactions.shape[1]) < _frame(PAUSE_S)
    after = slice(_frame(PAUSE_S + 1.0), None)
    shown = played(reactions, there, config, window)[:, after]
    idle = played(np.zeros_like(reactions), there, config, window)[:, after]
    moved = np.degrees(np.ptp(shown[..., HEAD], axis=1).max(axis=1))
    return [
        ProbeResult(
            "nobody there: what is not idle", float(np.abs(shown - idle).max()), "", high=1e-6
        ),
        ProbeResult("nobody there: the head still sways", float(moved.mean()), "degrees", 0.1, 5.0),
    ]


def blinks(reactions: np.ndarray, config: PlayoutConfig, window: int) -> list[ProbeResult]:
    """Blinks of the shown faces for (M, T, 58), repeated for three minutes."""
    again = -(-BLINK_MINUTES * 60 * FRAME_RATE_HZ // reactions.shape[1])
    long = np.tile(reactions, (1, again, 1))
    minutes = long.shape[1] / FRAME_RATE_HZ / 60
    shown = played(long, np.ones(long.shape[1], bool), config, window)
    rates, lengths = [], []
    for lid in shown[..., indices_of("eyeBlink")[0]]:
        found, facts = find_peaks(lid, prominence=0.4, width=0, rel_height=0.5)
        rates.append(len(found) / minutes)
        lengths.extend(facts["widths"] / FRAME_RATE_HZ * 1000)
    # Of a listener without a blink the other lines say enough.
    short = [one for one in lengths if one < LONG_BLINK_S * 1000] or [0.0]
    return [
        ProbeResult("blinks of the sample with the fewest", min(rates), "a minute", low=10.0),
        ProbeResult("blinks of the sample with the most", max(rates), "a minute", high=26.0),
        ProbeResult("shortest blink at half height", min(short), "ms", low=SHORTEST_BLINK_MS),
        ProbeResult("longest short blink at half height", max(short), "ms", high=200.0),
        ProbeResult("longest blink at half height", max([0.0, *lengths]), "ms", high=1000.0),
    ]


def played(
    reactions: np.ndarray, there: np.ndarray, config: PlayoutConfig, window: int
) -> np.ndarray:
    """(M, T, 58) after playout, window by window; there (T,): frames with a speaker."""
    settings = PlayoutConfig(**(vars(config) | {"samples": len(reactions), "play": 0}))
    playout = Playout(settings, window)
    starts = range(0, reactions.shape[1], window)
    spans = [slice(start, start + window) for start in starts]
    return np.concatenate(
        [
            playout.finish(index, reactions[:, span], there[span], settings)[0]
            for index, span in enumerate(spans)
        ],
        axis=1,
    )


def border_jumps(reactions: np.ndarray, window: int) -> list[ProbeResult]:
    """Mean step between frames of (B, M, T, 58) across window borders, divided by that inside
    windows."""
    found = []
    for name, channels in (("face", FACE), ("head", HEAD)):
        steps = np.abs(np.diff(reactions[..., channels], axis=2)).mean(axis=(0, 1, 3))
        border = np.arange(1, reactions.shape[2]) % window == 0
        ratio = float(steps[border].mean() / max(steps[~border].mean(), 1e-9))
        found.append(ProbeResult(f"steps across window borders, {name}", ratio, "times", high=1.5))
    return found


def different(reactions: np.ndarray) -> list[ProbeResult]:
    """Share of time for which two of the first ten samples of (B, M, T, 58) look different.

    They look different while smile or brows differ by 0.1 or the head angles by 3 degrees.
    """
    ten = reactions[:, :10]
    smiles, brows = ten[..., SMILES].mean(axis=-1), ten[..., BROWS].mean(axis=-1)
    seconds = []
    for one in range(10):
        for other in range(one):
            turn = np.linalg.norm(ten[:, one][..., HEAD] - ten[:, other][..., HEAD], axis=-1)
            apart = np.maximum(
                np.abs(smiles[:, one] - smiles[:, other]), np.abs(brows[:, one] - brows[:, other])
            )
            seen = np.maximum(apart / VISIBLE_WEIGHT, turn / VISIBLE_RAD) >= 1.0
            seconds.append(seen.sum(axis=1) / FRAME_RATE_HZ)
    share = float(np.mean(seconds) * FRAME_RATE_HZ / reactions.shape[2])
    return [
        ProbeResult("two of ten samples look different", share, "of the time", low=0.5),
        ProbeResult("and so do the most alike two", float(np.min(seconds)), "s", low=ALIKE_S),
    ]


def smooth(reactions: np.ndarray, real: np.ndarray) -> list[ProbeResult]:
    """The roughest of all samples (B, M, T, 58) against the roughest of real listeners.

    Rough: 99.9th percentile over time and channels of the change in velocity (Eq. 23).
    """
    found = []
    for name, channels in (("face", FACE), ("head", HEAD)):
        ours, theirs = (
            np.percentile(np.abs(np.diff(one[..., channels], n=2, axis=2)), 99.9, axis=(2, 3)).max()
            for one in (reactions, real)
        )
        ratio = float(ours / max(theirs, 1e-9))
        found.append(ProbeResult(f"roughest sample, {name}", ratio, "of listeners'", high=1.0))
    return found


def _course(reactions: np.ndarray, channels: list[int]) -> np.ndarray:
    """(T,) mean over speakers, samples and channels."""
    mean: np.ndarray = reactions[..., channels].mean(axis=(0, 1, 3))
    return mean


def _before(course: np.ndarray) -> float:
    """Mean over the second before a feeling."""
    return float(course[_frame(FEELING_S[0] - 1.0) : _frame(FEELING_S[0])].mean())


def _rise(course: np.ndarray, within_s: float = ANSWER_S) -> float:
    start = FEELING_S[0]
    return float(course[_frame(start) : _frame(start + within_s)].max()) - _before(course)


def _frame(seconds: float) -> int:
    return round(seconds * FRAME_RATE_HZ)
