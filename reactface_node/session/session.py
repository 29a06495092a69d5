"""The one verb: push images and audio, poll reactions.

The node, the bag replay, the live runner and the benchmark all call this and only this. Time is
data: every input carries its stamp and ``poll`` is told what time it is, so a replay with the
same seed gives the same reactions bit for bit.
"""

import itertools
import math
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from reactface_node.config import Config
from reactface_node.config.settings import settings
from reactface_node.engine.engine import Engine, load_engine
from reactface_node.engine.stepper import SpeakerFrames
from reactface_node.errors import UserError
from reactface_node.media.audio import check_audio, longest_part
from reactface_node.perception.tracker_thread import Tracker, TrackerThread
from reactface_node.schema import FRAME_RATE_HZ, Reaction
from reactface_node.session.inputs import Inputs
from reactface_node.session.model_use import ModelUse, Use
from reactface_node.session.overload import LEVELS
from reactface_node.session.own_speech import OwnSpeech
from reactface_node.session.pending import Pending, face_input, nobody
from reactface_node.session.playout import Delay, Playout, check_playout
from reactface_node.session.stamps import AUDIO, IMAGE
from reactface_node.session.stats import SessionStats
from reactface_node.session.steps import Steps
from reactface_node.session.timeline import Timeline, Window
from reactface_node.session.tracking import TrackingScheduler
from reactface_node.session.warm_up import check_reactions, warm_up

THREADS_POLL_S = 0.008
"""So often it is looked whether the tracker's and the model's threads are done."""


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
        check_playout(config.playout)
        self._config = config
        self._fixed = frozenset(item.name for item in settings(config) if not item.live)
        self._engine, self._clock = engine, clock
        self._steps = Steps(engine, config.model)
        self._tracker = TrackerThread(tracker, clock, time.process_time)
        self._watch = TrackingScheduler(
            self._tracker, config.timeline.face_hold_s, interpolates=config.mode == "window"
        )
        self._timeline = Timeline(
            config.timeline, engine.frames, self._watch.look, eager=config.mode == "frame"
        )
        self._inputs = Inputs(self._timeline, self.reset)
        self._closed: deque[tuple[float, Window]] = deque()
        self._stats = SessionStats()
        self._width_px = config.perception.max_width_px
        self._turn = OwnSpeech(config.timeline)
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
        self._inputs.push(IMAGE, stamp_s, rgb)

    def push_audio(self, stamp_s: float, samples: np.ndarray, rate_hz: int) -> None:
        """Samples (n,) or (n, channels), stamped at the first; ValueError on a wrong shape. Of
        more than 10 s at once the newest are heard."""
        check_audio(samples, rate_hz)
        if self._inputs.push(AUDIO, stamp_s, samples, rate_hz):
            self._overhear(stamp_s, samples, rate_hz)

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

        A window that could not even be shown any more is skipped and counted, and so is, frame by
        frame, the rest of the model's window. Unless told to ``wait``, one whose last frames are
        still being tracked, or that the model is still at, comes with a later poll, and images
        that the tracker has no time for are left out.
        """
        for pending in self.take(now_s, wait):
            self._steps.begin(pending)
        return [
            self.finish(pending, raw)
            for pending, raw in self._steps.ended(wait)
            if pending.use is not Use.HIDDEN
        ]

    def take(self, now_s: float, wait: bool = True) -> list[Pending]:
        """``poll``'s first half, for those who run the model of several sessions at once: what
        the model is to react to; ``finish`` is to be called for each, in order."""
        if now_s < self._now_s - self.config.timeline.clock_jump_s:
            self._inputs.jump(now_s)
        self._now_s = now_s
        self._watch.is_live = not wait
        self._closed += ((now_s, window) for window in self._timeline.poll(now_s))
        taken: list[Pending] = []
        while self._closed and (wait or self._is_ready(*self._closed[0], now_s)):
            if not (wait or (self._steps.is_free and not taken)):
                break  # What waits for the model here may become too late, and is skipped then.
            _, window = self._closed.popleft()
            show_at_s = self._delay.show_at(window, now_s)
            is_late = bool(show_at_s[-1] + 1 / FRAME_RATE_HZ < now_s)
            frames = len(window.frames)
            use, anew = self._model_use.decide(
                window.index * frames, frames, is_late, self._level.halves
            )
            self._stats.windows_skipped += use in (Use.SKIPPED, Use.HIDDEN)
            if use is not Use.SKIPPED:
                taken.append(self._look_at(window, show_at_s, use, anew))
        return taken

    def next_poll_s(self, now_s: float) -> float:
        """When ``poll`` may have something new, if nothing is pushed before ``now_s`` is that: at
        once where it is in the past."""
        if self._closed or not self._steps.is_free:
            return now_s + THREADS_POLL_S
        return self._timeline.next_close_s(now_s)

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
        self._stats.resets += 1
        self._timeline.reset()
        self._tracker.reset()
        self._watch.reset()
        self._steps.clear()
        self._closed.clear()
        self._turn.clear()
        self._inputs.clear()
        self._begin()

    def check(self, changes: Mapping[str, Any]) -> Config:
        """The config that ``configure`` would make; UserError where it would refuse them."""
        for name in changes:
            if name in self._fixed:
                raise UserError(f"parameter '{name}' cannot change while running")
        changed = self.config.replace(**changes)
        check_playout(changed.playout)
        if changed.model != self.config.model:
            self._engine.check(changed.model)
        return changed

    def configure(self, changes: Mapping[str, Any]) -> None:
        """Change live settings by dotted name; UserError leaves everything as it was."""
        changed = self.check(changes)
        if changed.model != self.config.model:
            self._engine.configure(changed.model)
        self._config = changed

    def shed(self, level: int) -> None:
        """Leave out what ``load.LEVELS`` says from now on; 0: nothing."""
        perception, self._level = self.config.perception, LEVELS[level]
        self._watch.every = max(self._level.every, round(FRAME_RATE_HZ / perception.rate_hz))
        width_px = round(self._level.width * perception.max_width_px)
        if width_px != self._width_px:
            self._width_px = width_px
            self._tracker.narrow(width_px)

    @property
    def config(self) -> Config:
        """As it is now; the session's is the one that counts."""
        return self._config

    @property
    def tracker_busy_s(self) -> float:
        """Seconds that the tracker has worked so far."""
        return self._tracker.busy_s

    @property
    def tracker_cpu_s(self) -> float:
        """Seconds of them that it did not wait for other processes."""
        return self._tracker.cpu_s

    def stats(self) -> dict[str, float]:
        """Counters since the start, by name."""
        return {
            **vars(self._timeline.stats),
            **self._stats.named(),
            "images_failed": self._watch.failed,
            "images_untracked": self._watch.untracked,
            "tracking_hz": FRAME_RATE_HZ / self._watch.every,
            "image_width_px": self._width_px,
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
        self._model_use = ModelUse(self.config.model.window)
        seeds = ([playout.seed, m, 0] for m in range(playout.samples))
        self._engine.begin([np.random.default_rng(seed) for seed in seeds])

    def _overhear(self, stamp_s: float, samples: np.ndarray, rate_hz: int) -> None:
        """The tracker follows who speaks."""
        offset_s = self.config.timeline.camera_to_microphone_offset_s
        heard_s = stamp_s + max(0.0, offset_s)
        count = longest_part(samples, rate_hz)
        if count and not self._turn.speaks(np.array([heard_s]))[0]:
            cut_s = (len(samples) - count) / rate_hz
            self._tracker.hear(heard_s + cut_s, count / rate_hz, self._timeline.loudness)

    def _look_at(self, window: Window, show_at_s: np.ndarray, use: Use, anew: bool) -> Pending:
        seen = self._watch.seen_in(window)
        audio, heard = self._turn.listen(window)
        found = np.array([observation.face_found for observation in seen])
        self._model_use.saw(window.index * len(seen), found, audio, heard)
        speaker = SpeakerFrames(*face_input(self.config.model, seen), audio, heard)
        return Pending(window, show_at_s, seen, speaker, use, anew)

    def finish(self, pending: Pending, raw: np.ndarray | None) -> Reaction:
        """What the model made of it, (M, w, 58), None if it was not run -> the reaction."""
        window, seen, heard = pending.window, pending.seen, pending.speaker.audio_valid
        found = np.array([observation.face_found for observation in seen])
        speaks = bool(self._turn.speaks(np.array([window.end_s]))[0])
        # An open microphone in an empty room is heard, but nobody is there.
        present = (found | heard) & (pending.use is not Use.IDLE)
        samples, face = self._playout.finish(
            window.index, raw, present, self.config.playout, speaks
        )
        self._stats.count(pending.use, found, heard, seen[-1].people, speaks)
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

    def check_model(self) -> None:
        """UserError where what the model gives is no numbers, also after its own past. Then start
        fresh."""
        for _ in range(2):
            self._check_window()
        self._begin()

    def _check_window(self) -> None:
        """A window in which nobody is there."""
        steps = range(self.config.model.window // self._engine.frames)
        check_reactions([self.run_silence() for _ in steps], self.config.weights)

    def _warm_up(self) -> None:
        """Then start fresh."""
        blank, stamps_s = np.zeros((240, 320, 3), np.uint8), itertools.count()
        warm_up(
            self.config,
            self._check_window,
            lambda: self._tracker.track(float(next(stamps_s)), blank).result(),
            self._clock,
        )
        self._tracker.reset()
        self._begin()
