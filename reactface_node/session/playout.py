"""Playout: finishes the model's trajectories with gains, idle motion, eye contact, blinks and
cross-fades.
"""

import math
from collections import deque
from dataclasses import replace

import numpy as np

from reactface_node.config import PlayoutConfig
from reactface_node.engine.chance import session_generator, window_generator
from reactface_node.errors import UserError
from reactface_node.schema import (
    ARKIT_NAMES,
    COEFFICIENT_NAMES,
    EXPRESSION,
    FRAME_RATE_HZ,
    GAZE_RAD,
    NUM_COEFFICIENTS,
    NUM_EXPRESSION,
    ROTATION,
    TRANSLATION,
    index_of,
    indices_of,
)
from reactface_node.session.blinks import LOWERS, LidMotion
from reactface_node.session.eye_contact import EyeContact
from reactface_node.session.fitted import FittedListener
from reactface_node.session.following import HeadFollowing
from reactface_node.session.gaze import move_some_eyes
from reactface_node.session.glances import Glances, press
from reactface_node.session.idle import Blinks, IdleMotion, PostureShifts
from reactface_node.session.nod_gain import NodGain
from reactface_node.session.sides import Sides
from reactface_node.session.tilts import Tilts
from reactface_node.session.timeline import Window

LARGEST_REST_CLOSURE = 0.3
"""Most lid closure taken from the model (chosen by eye); only the blink process closes the eyes.
The paper reports blinks of over a second as a failure of the model."""
LARGEST_RAW, LARGEST_TURN_RAD, LARGEST_SHIFT_M = 10.0, math.pi, 1.0
"""Bounds of the output: larger values are a fault of the model and must not reach a motor."""
LIDS = indices_of("eyeBlink")
GAZE = indices_of("eyeLookIn", "eyeLookOut", "eyeLookUp", "eyeLookDown")
BROWS = indices_of("browDown", "browInnerUp", "browOuterUp")
EYES = indices_of("eyeWide", "eyeSquint", "cheekSquint")
SMILE = indices_of("mouthSmile", "cheekSquint")
PITCH, ROLL = index_of("rotationX"), index_of("rotationZ")
# Channels that a speech system moves itself.
MOUTH = [
    index
    for index, name in enumerate(ARKIT_NAMES)
    if name.startswith(("jaw", "mouth", "tongue", "cheekPuff"))
]
MOUTH_REST_S = 0.2
"""Time in which the mouth goes to rest when the robot begins to speak, and back."""
LATENESS_KEPT, ENOUGH = 50, 0.9
"""Adaptive delay: the quantile ENOUGH of the lateness of the last LATENESS_KEPT frames."""
SHRINK_S = 0.005
"""Most by which the adaptive delay shrinks from one frame to the next."""
LONGEST_DELAY_S = 0.3
"""Largest adaptive delay; frames that are later are skipped."""
NOSE = indices_of("noseSneer")


class _Sample:
    """The random processes of one trajectory."""

    def __init__(self, seed: int, index: int):
        def rng(process: int) -> np.random.Generator:
            return session_generator(seed, index, process)

        self._key = seed, index
        self.idle = IdleMotion(rng(1))
        self.lids = LidMotion(Blinks(rng(2)), rng(5))
        self.contact = EyeContact(rng(3))
        self.posture = PostureShifts(rng(4))
        self.glances, self.tilts, self.nods = Glances(rng(6)), Tilts(rng(7)), NodGain()
        self.sides = Sides(rng(8))

    def begin(self, window: int, digest: int) -> None:
        """Begin a window of the model: new random numbers, which follow from what was before."""
        drawing = (
            (1, self.idle),
            (2, self.lids.short),
            (3, self.contact),
            (4, self.posture),
            (5, self.lids),
            (6, self.glances),
            (7, self.tilts),
        )
        for process, one in drawing:
            one.rng = window_generator(*self._key, process, window, digest)


class Playout:
    """Finishes M trajectories window by window and selects the one that is shown."""

    def __init__(self, config: PlayoutConfig, window: int, seed: int = 0):
        """window: w, the number of frames of a cross-fade. seed: that of the config may be one that
        is drawn."""
        self._window = window
        self._samples = [_Sample(seed, index) for index in range(config.samples)]
        self._begun = -1
        self._raw = np.zeros((config.samples, 1, NUM_COEFFICIENTS), np.float32)
        self._presence = 0.0
        self._mouth = 1.0
        self._config = config
        self._last: np.ndarray | None = None
        self._last_index = -1
        self._fading: np.ndarray | int | None = None
        self._faded = 0
        self._fitted: FittedListener | None = None
        self._following = HeadFollowing()

    def finish(
        self,
        index: int,
        reaction: np.ndarray | None,
        present: np.ndarray,
        config: PlayoutConfig,
        speaks: bool = False,
        places: np.ndarray | None = None,
        digest: int = 0,
        fitted: FittedListener | None = None,
        turns: np.ndarray | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """The finished samples (M, n, 58) and the face to show (n, 58); n = w, or 1 in frame mode.

        index: window index, in frame mode frame index; it gives the time of the idle processes, so
        they continue smoothly across skipped windows. reaction: (M, n, 58) from the model, or None
        if it was not run: its last frame is held, with idle motion that rises and falls within a
        window, so that the face neither freezes nor jumps. present: (n,) bool, a face or a voice
        was there. speaks: the robot speaks; the mouth goes to rest for its speech system. places:
        (n, 3), where the speaker's face is, as ``Observation.place``. turns: (n, 3), the rotation
        of the speaker's head in rad. Both are NaN, or None, without a face.
        fitted: the listener that the first sample is, with gains of its own. digest: of what was
        seen and heard before the window of the model; chance follows from it.
        """
        window = len(present)
        self._begin(index * window // self._window, digest)
        unknown = np.full((window, 3), np.nan)
        places = unknown if places is None else places
        following = self._following.frames(unknown if turns is None else turns)
        swell = np.zeros(window, np.float32)
        if reaction is None:
            reaction = np.repeat(self._raw, window, axis=1)
            place = (index * window + np.arange(window)) % self._window + 1
            swell = (np.sin(np.pi * place / (self._window + 1)) ** 2).astype(np.float32)
        self._raw = reaction[:, -1:]
        times_s = (index * window + np.arange(window)) / FRAME_RATE_HZ
        presence = self._follow(present, config.fade_s)
        idle = np.maximum(1.0 - presence, swell)
        mouth = self._rest_mouth(speaks, window)
        configs = [config] * len(self._samples)
        if fitted is not None:
            configs[0] = fitted.applied(config)
        raws = np.nan_to_num(reaction)
        raws[:, :, ROTATION] += config.idle_gain * following
        raws *= presence[:, None]
        samples = np.stack(
            [
                self._finish_sample(sample, times_s, raw, (presence, idle), places, one)
                for sample, raw, one in zip(self._samples, raws, configs, strict=True)
            ]
        )
        samples[:, :, MOUTH] *= mouth[:, None]
        changed = fitted is not self._fitted
        self._fitted = fitted
        return samples, self._show(index, samples, config, changed)

    def _begin(self, number: int, digest: int) -> None:
        """Draw new random numbers if another window of the model begins."""
        if number != self._begun:
            self._begun = number
            for sample in self._samples:
                sample.begin(number, digest)

    def _finish_sample(
        self,
        sample: _Sample,
        times_s: np.ndarray,
        raw: np.ndarray,
        levels: tuple[np.ndarray, np.ndarray],
        places: np.ndarray,
        config: PlayoutConfig,
    ) -> np.ndarray:
        """levels: weights (n,) of reactions and of idle motion."""
        presence, idleness = levels
        face = raw.clip(-LARGEST_RAW, LARGEST_RAW) * _gains(config)
        sample.sides.lean(face, min(config.idle_gain, 1.0))
        nods = sample.nods.added(face[:, PITCH], config.nod_gain)
        if config.nod_gain != 1.0:
            face[:, PITCH] += nods
        # The model's reactions have their own motion but neither breath nor changes of posture.
        idle, share = sample.idle.frames(times_s), idleness[:, None]
        idle[:, GAZE] *= config.gaze_gain
        face += config.idle_gain * (share * idle + (1.0 - share) * sample.idle.breath(times_s))
        face[:, NUM_EXPRESSION:] += config.idle_gain * sample.posture.frames(times_s)
        face[:, ROLL] += config.idle_gain * presence * sample.tilts.frames(times_s)
        away = sample.glances.frames(times_s, face, presence > 0.0, config)
        sample.contact.turn(times_s, face, places, away.is_away, config)
        move_some_eyes(face, away.eyes / GAZE_RAD)
        press(face, presence * away.press)
        face[:, EXPRESSION] = face[:, EXPRESSION].clip(0.0, 1.0)
        for part, most in ((ROTATION, LARGEST_TURN_RAD), (TRANSLATION, LARGEST_SHIFT_M)):
            face[:, part] = face[:, part].clip(-most, most)
        if config.blinks_per_min > 0.0:
            there = presence >= 1.0
            _close(face, sample.lids.frames(times_s, face[:, PITCH], there, config.blinks_per_min))
        return (mirrored(face) if config.mirror else face).astype(np.float32)

    def _follow(self, present: np.ndarray, fade_s: float) -> np.ndarray:
        """(n,) weight of the model's reaction, 0..1: eases to 1 while somebody is there."""
        step = 1.0 / max(fade_s * FRAME_RATE_HZ, 1.0)
        levels = np.empty(len(present), np.float32)
        for index, there in enumerate(present):
            self._presence = min(1.0, max(0.0, self._presence + (step if there else -step)))
            levels[index] = self._presence
        return levels * levels * (3.0 - 2.0 * levels)

    def _rest_mouth(self, speaks: bool, window: int) -> np.ndarray:
        """(n,) factor of the mouth's weights: eases to 0 while the robot speaks, then to 1."""
        step = 1.0 / (MOUTH_REST_S * FRAME_RATE_HZ)
        way = np.arange(1, window + 1) * (-step if speaks else step)
        levels = np.clip(self._mouth + way, 0.0, 1.0).astype(np.float32)
        self._mouth = float(levels[-1])
        return levels

    def _show(
        self, index: int, samples: np.ndarray, config: PlayoutConfig, changed: bool
    ) -> np.ndarray:
        """The played sample (n, 58). Another sample, a skipped window, changed settings and another
        fitted listener (``changed``) start a cross-fade over w frames."""
        before, skipped = self._config, index != self._last_index + 1
        # Another fitted listener comes with the next window of the model, not at once.
        same = replace(before, play=config.play, disposition=config.disposition)
        if self._last is not None and (skipped or changed or same != config):
            self._fading, self._faded = self._last, 0
        elif config.play != before.play:
            # During a cross-fade the shown face is a mix: fade from that face.
            self._fading = before.play if self._fading is None else self._last
            self._faded = 0
        face = self._cross_fade(samples, config.play)
        self._config, self._last, self._last_index = config, face[-1], index
        return face.astype(np.float32)

    def _cross_fade(self, samples: np.ndarray, play: int) -> np.ndarray:
        """``samples[play]``, faded in from a fixed face or from the previous sample."""
        face: np.ndarray = samples[play]
        if self._fading is None:
            return face
        done = self._faded + np.arange(1, len(face) + 1)
        share = (done / self._window).clip(max=1.0)[:, None].astype(np.float32)
        old = samples[self._fading] if isinstance(self._fading, int) else self._fading
        self._faded += len(face)
        if self._faded >= self._window:
            self._fading = None
        mixed: np.ndarray = (1.0 - share) * old + share * face
        return mixed


class Delay:
    """Playout delay: the time from a window's end to its first frame.

    Fixed in window mode. Adaptive in frame mode, where audio in large chunks closes several frames
    at once: the delay grows to the lateness of nine of ten recent frames, so that each is shown for
    40 ms. A frame that is later still is shown at once. The delay then shrinks by at most SHRINK_S
    per frame.
    """

    def __init__(self, least_s: float, adaptive: bool):
        self._least_s, self._adaptive = least_s, adaptive
        self._late: deque[float] = deque(maxlen=LATENESS_KEPT)
        self._delay_s, self._next = least_s, 0

    def show_at(self, window: Window, now_s: float) -> np.ndarray:
        """Show times (n,) of the window's frames in seconds; call it once per window, in order.

        now_s: time of the poll in which the window is ready for the model.
        """
        if self._adaptive:
            self._late.append(min(now_s - window.end_s, LONGEST_DELAY_S))
            needed_s = sorted(self._late)[int(ENOUGH * (len(self._late) - 1))]
            # A late frame is shown at once; no frame is shown before the previous one is over.
            before_s = self._delay_s - SHRINK_S if window.index == self._next else 0.0
            wanted_s = max(self._least_s, needed_s, self._late[-1], before_s)
            self._delay_s, self._next = min(wanted_s, LONGEST_DELAY_S), window.index + 1
        return window.end_s + self._delay_s + np.arange(len(window.frames)) / FRAME_RATE_HZ

    def soonest_s(self, window: Window) -> float:
        """The earliest show time of the window's first frame, in seconds."""
        return window.end_s + self._least_s


def check_playout(config: PlayoutConfig) -> None:
    """UserError if ``playout.play`` is not below ``playout.samples``."""
    if config.play >= config.samples:
        raise UserError(
            f"playout.play = {config.play} asks for a sample that is not drawn: "
            f"playout.samples is {config.samples}, and they count from 0"
        )


def mirrored(face: np.ndarray) -> np.ndarray:
    """Coefficients (..., 58) with left and right swapped, head rotation and translation too."""
    signs = np.ones(NUM_COEFFICIENTS, face.dtype)
    signs[indices_of("rotationY", "rotationZ", "translationX")] = -1.0
    other = [index_of(_other_side(name)) for name in COEFFICIENT_NAMES]
    swapped: np.ndarray = face[..., other] * signs
    return swapped


def _other_side(name: str) -> str:
    if name.endswith("Left"):
        return name.removesuffix("Left") + "Right"
    return name.removesuffix("Right") + "Left" if name.endswith("Right") else name


def _close(face: np.ndarray, closure: np.ndarray) -> None:
    """Close the lids of faces (n, 58) by (n,), and lower the gaze with them, in place."""
    rest = face[:, LIDS].clip(0.0, LARGEST_REST_CLOSURE)
    face[:, LIDS] = rest + (1.0 - rest) * closure[:, None]
    down = np.zeros((len(closure), 2))
    down[:, 1] = -LOWERS * closure
    move_some_eyes(face, down)


def _gains(config: PlayoutConfig) -> np.ndarray:
    """The factor of each coefficient, (58,)."""
    gains = np.full(NUM_COEFFICIENTS, config.gain, np.float32)
    for region, gain in (
        (BROWS, config.brow_gain),
        (EYES, config.eye_gain),
        (MOUTH + NOSE, config.mouth_gain),
        (GAZE, config.gaze_gain),
        (SMILE, config.smile_gain),
    ):
        gains[region] *= gain
    gains[NUM_EXPRESSION:] = config.head_gain
    return gains
