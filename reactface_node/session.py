"""The one verb: push images and audio, poll reactions.

The node, the bag replay, the live runner and the benchmark all call this and only this. Time is
data: every input carries its stamp and ``poll`` is told what time it is, so a replay with the
same seed gives the same reactions bit for bit.
"""

import itertools
import logging
import math
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from reactface_node.audio import root_mean_square
from reactface_node.config import Config
from reactface_node.engine import Engine, SpeakerFrames, load_engine
from reactface_node.errors import UserError
from reactface_node.load import LEVELS
from reactface_node.pending import Pending, face_input, nobody
from reactface_node.perception.watch import Watch
from reactface_node.perception.worker import Tracker, TrackerThread
from reactface_node.playout import Delay, Playout
from reactface_node.schema import FRAME_RATE_HZ, Reaction
from reactface_node.settings import settings
from reactface_node.steps import Steps
from reactface_node.timeline import Timeline, Window
from reactface_node.turn import Turn
from reactface_node.warm_up import warm_up


class ReactionSession:
    """One speaker/listener pair: timeline, tracker, the model's streaming state and playout."""

    _now_s: float

    def __init__(
        self,
        config: Config,
        engine: Engine,
        tracker: Tracker,
        clock: Callable[[], float] = time.perf_counter,
    ):
        """``load`` is the usual way in. clock: what work is measured with."""
        self.config = _checked(config)
        self._engine, self._steps = engine, Steps(engine)
        self._clock = clock
        self._tracker = TrackerThread(tracker, clock)
        self._watch = Watch(
            self._tracker, config.timeline.face_hold_s, interpolates=config.mode == "window"
        )
        self._timeline = Timeline(
            config.timeline, engine.frames, self._watch.look, eager=config.mode == "frame"
        )
        self._closed: deque[tuple[float, Window]] = deque()
        self._resets = 0
        self._windows = self._skipped = self._faces = self._voices = 0
        self._people = self._spoken = self._spared = 0
        self._width_px = config.perception.max_width_px
        self._turn = Turn(config.timeline)
        self.shed(0)
        self._begin()

    @classmethod
    def load(cls, config: Config) -> "ReactionSession":
        """Load weights and tracker and warm both up; UserError if something is missing. A machine
        that is too slow for them is warned of.

        Sets torch's thread count for the process (``threads``).
        """
        # Here, so that a session with another tracker needs no face landmark library.
        from reactface_node.perception import make_tracker

        engine = load_engine(config)
        tracker = make_tracker(config.perception, config.model.face_encoder == "pixels")
        session = cls(config, engine, tracker)
        session._warm_up()
        return session

    def push_image(self, stamp_s: float, rgb: np.ndarray) -> None:
        """An image of the speaker, (H, W, 3) uint8 RGB; ValueError if it is not one."""
        if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3 or 0 in rgb.shape:
            raise ValueError(f"an image is (H, W, 3) uint8, not {rgb.shape} {rgb.dtype}")
        if self._timeline.jumped_back(stamp_s):
            self._start_again(stamp_s)
        self._timeline.push_image(stamp_s, rgb)

    def push_audio(self, stamp_s: float, samples: np.ndarray, rate_hz: int) -> None:
        """Samples (n,) or (n, channels), stamped at the first; ValueError on a wrong shape."""
        if self._timeline.jumped_back(stamp_s):
            self._start_again(stamp_s)
        self._timeline.push_audio(stamp_s, samples, rate_hz)
        heard_s = stamp_s + max(0.0, self.config.timeline.camera_to_microphone_offset_s)
        if not self._turn.speaks(np.array([heard_s]))[0]:
            duration_s = len(samples) / rate_hz
            self._tracker.hear(heard_s, duration_s, root_mean_square(samples))

    def push_speaking(self, stamp_s: float, on: bool) -> None:
        """From then on the robot itself speaks, or does not: its mouth is then not the
        listener's, and its voice no speaker's."""
        self._turn.flag(stamp_s, on)

    def push_own_audio(self, stamp_s: float, samples: np.ndarray, rate_hz: int) -> None:
        """What the robot's loudspeaker plays, as for ``push_audio``: its echo is left out of what
        the microphone hears, and while it sounds the robot speaks."""
        self._turn.play(stamp_s, samples, rate_hz)

    def change_speaker(self) -> None:
        """What is seen from now on is another person, whose rest is learned anew."""
        self._tracker.change_person()

    def poll(self, now_s: float, wait: bool = True) -> list[Reaction]:
        """The reactions of all windows that closed by now, oldest first.

        A window that could not even be shown any more is skipped and counted. Unless told to
        ``wait``, one whose last frames are still being tracked, or that the model is still at,
        comes with a later poll, and images that the tracker has no time for are left out.
        """
        for pending in self.take(now_s, wait):
            self._steps.begin(pending)
        return [self.finish(*ended) for ended in self._steps.ended(wait)]

    def take(self, now_s: float, wait: bool = True) -> list[Pending]:
        """``poll``'s first half, for those who run the model of several sessions at once: what
        the model is to react to; ``finish`` is to be called for each, in order."""
        if now_s < self._now_s - self.config.timeline.clock_jump_s:
            self._start_again(now_s)
        self._now_s = now_s
        self._watch.is_live = not wait
        self._closed += ((now_s, window) for window in self._timeline.poll(now_s))
        taken: list[Pending] = []
        while self._closed and (wait or self._is_ready(*self._closed[0], now_s)):
            if not (wait or (self._steps.is_free and not taken)):
                break  # What waits for the model here may become too late, and is skipped then.
            _, window = self._closed.popleft()
            show_at_s = self._delay.show_at(window, now_s)
            if show_at_s[-1] + 1 / FRAME_RATE_HZ < now_s:
                self._skipped += 1
            else:
                taken.append(self._look_at(window, show_at_s))
        return taken

    def _is_ready(self, closed_s: float, window: Window, now_s: float) -> bool:
        """Tracked, or not to be waited for any more: its time has come, and a tracker that keeps
        up would have been done."""
        latest_s = max(closed_s + 1 / FRAME_RATE_HZ, self._delay.soonest_s(window))
        return self._watch.is_done(window) or now_s >= latest_s

    def end(self) -> None:
        """Nothing more comes (a recording has ended): nothing is waited for any longer."""
        self._timeline.end()

    def reset(self) -> None:
        """Forget the conversation: new time zero, new state, same weights."""
        self._resets += 1
        self._timeline.reset()
        self._tracker.reset()
        self._watch.reset()
        self._steps.clear()
        self._closed.clear()
        self._turn.clear()
        self._begin()

    def configure(self, changes: Mapping[str, Any]) -> None:
        """Change live settings by dotted name; UserError leaves everything as it was."""
        live = {item.name for item in settings(self.config) if item.live}
        for name in changes:
            if name not in live and any(item.name == name for item in settings(self.config)):
                raise UserError(f"parameter '{name}' cannot change while running")
        self.config = _checked(self.config.replace(**changes))
        self._engine.configure(self.config.model)

    def shed(self, level: int) -> None:
        """Leave out what ``load.LEVELS`` says from now on; 0: nothing."""
        perception, self._level = self.config.perception, LEVELS[level]
        self._watch.every = max(self._level.every, round(FRAME_RATE_HZ / perception.rate_hz))
        width_px = round(self._level.width * perception.max_width_px)
        if width_px != self._width_px:
            self._width_px = width_px
            self._tracker.narrow(width_px)

    @property
    def tracker_busy_s(self) -> float:
        """Seconds that the tracker has worked so far."""
        return self._tracker.busy_s

    def stats(self) -> dict[str, float]:
        """Counters since the start, by name."""
        frames = max(1, self._windows * self._engine.frames)
        return {
            **vars(self._timeline.stats),
            "images_failed": self._watch.failed,
            "images_untracked": self._watch.untracked,
            "tracking_hz": FRAME_RATE_HZ / self._watch.every,
            "image_width_px": self._width_px,
            "windows_reacted": self._windows,
            "seconds_reacted": self._windows * self._engine.frames / FRAME_RATE_HZ,
            "windows_skipped": self._skipped,
            "windows_spared": self._spared,
            "resets": self._resets,
            "people_in_view": self._people,
            "windows_own_turn": self._spoken,
            "face_seen": self._faces / frames,
            "voice_heard": self._voices / frames,
        }

    def close(self) -> None:
        """Free the tracker, and end its thread and the model's."""
        self._steps.close()
        self._tracker.close()

    def _begin(self) -> None:
        playout = self.config.playout
        self._now_s = -math.inf
        self._playout = Playout(playout, self.config.model.window)
        self._delay = Delay(playout.playout_delay_s, self.config.mode == "frame")
        seeds = ([playout.seed, m, 0] for m in range(playout.samples))
        self._engine.begin([np.random.default_rng(seed) for seed in seeds])

    def _start_again(self, stamp_s: float) -> None:
        logging.getLogger(__name__).warning(
            "the clock jumped back to %.3f s: the session starts again", stamp_s
        )
        self.reset()

    def _look_at(self, window: Window, show_at_s: np.ndarray) -> Pending:
        seen = self._watch.seen_in(window)
        audio, heard = self._turn.listen(window)
        speaker = SpeakerFrames(*face_input(self.config.model, seen), audio, heard)
        # Whole windows, also frame by frame, so that the model's own stay whole.
        number = window.index * len(seen) // self.config.model.window
        return Pending(window, show_at_s, seen, speaker, self._level.halves and number % 2 == 1)

    def finish(self, pending: Pending, raw: np.ndarray | None) -> Reaction:
        """What the model made of it, (M, w, 58), None if it is spared -> the reaction."""
        window, seen, heard = pending.window, pending.seen, pending.speaker.audio_valid
        found = np.array([observation.face_found for observation in seen])
        speaks = bool(self._turn.speaks(np.array([window.end_s]))[0])
        samples, face = self._playout.finish(
            window.index, raw, found | heard, self.config.playout, speaks
        )
        self._windows += 1
        self._faces += int(found.sum())
        self._people = seen[-1].people
        self._voices += int(heard.sum())
        self._spoken += speaks
        self._spared += raw is None
        index, first_frame = divmod(window.index * len(seen), self.config.model.window)
        return Reaction(
            index,
            pending.show_at_s,
            samples,
            self.config.playout.play,
            face,
            float(found.mean()),
            float(heard.mean()),
            np.stack([observation.coefficients for observation in seen]),
            first_frame,
        )

    def run_silence(self) -> np.ndarray:
        """One step of the model alone, (M, n, 58), in which nobody is there; ``reset`` after."""
        return self._engine.step(nobody(self.config.model, self._engine.frames))

    def _warm_up(self) -> None:
        """Then start fresh."""
        steps = range(self.config.model.window // self._engine.frames)
        blank, stamps_s = np.zeros((240, 320, 3), np.uint8), itertools.count()
        warm_up(
            self.config,
            lambda: [self.run_silence() for _ in steps],
            lambda: self._tracker.track(float(next(stamps_s)), blank).result(),
            self._clock,
        )
        self._tracker.reset()
        self._begin()


def _checked(config: Config) -> Config:
    """UserError where the sample to play is not drawn."""
    playout = config.playout
    if playout.play >= playout.samples:
        raise UserError(
            f"playout.play = {playout.play} asks for a sample that is not drawn: "
            f"playout.samples is {playout.samples}, and they count from 0"
        )
    return config
