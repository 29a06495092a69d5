"""The session of one speaker and one listener: push images and audio, poll reactions.

The node, the bag replay, the live runner and the benchmark run the model through this class;
training and evaluation call the model's ``forward`` instead, which gives the same numbers. Time is
data: every input carries its timestamp and ``poll`` is given the current time, so a replay with the
same seed gives the same reactions bit for bit.
"""

import itertools
import math
import time
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from reactface_node.config import Config
from reactface_node.config.settings import settings
from reactface_node.engine.engine import Engine, load_engine
from reactface_node.errors import UserError
from reactface_node.media.audio import check_audio, longest_part
from reactface_node.media.pipeline import PipelineStage, finished
from reactface_node.perception.silero import SileroModel
from reactface_node.perception.tracker_thread import Tracker, TrackerThread
from reactface_node.perception.voice import speech_model
from reactface_node.schema import FRAME_RATE_HZ, Reaction
from reactface_node.session.inputs import Inputs
from reactface_node.session.overload import LEVELS, Workload
from reactface_node.session.own_speech import OwnSpeech
from reactface_node.session.pending import Closed, Pending, empty_frames
from reactface_node.session.playout import Delay, check_playout
from reactface_node.session.probe import NoProbe, Probe
from reactface_node.session.reaction_maker import ReactionMaker
from reactface_node.session.seeds import seed_from
from reactface_node.session.stamps import AUDIO, IMAGE
from reactface_node.session.timeline import Timeline, Window
from reactface_node.session.tracking import TrackingScheduler
from reactface_node.session.warm_up import check_reactions, warm_up

THREADS_POLL_S = 0.008
"""Period of polling while the tracker's or the model's thread works."""


class ReactionSession:
    """One speaker/listener pair: timeline, tracker, streaming model state and playout.

    Not thread-safe: call all methods from one thread.
    """

    _now_s: float

    def __init__(
        self,
        config: Config,
        engine: Engine,
        tracker: Tracker,
        clock: Callable[[], float] = time.perf_counter,
        *,
        probe: Probe | None = None,
        speech: SileroModel | None = None,
    ):
        """Use ``load`` unless the engine or the tracker is your own.

        clock: seconds, used only to measure computing time. probe: told of the stages "track" (an
        image, on the tracker's thread), "model" (a step) and "playout" (a window's face). speech:
        hears whether somebody is there; without it, loud sound counts as speech. UserError if
        ``playout.play`` is not below ``playout.samples``.
        """
        check_playout(config.playout)
        self._fixed = frozenset(item.name for item in settings(config) if not item.live)
        self._engine, self._clock = engine, clock
        probe = probe or NoProbe()
        self._tracker = TrackerThread(
            tracker, clock, time.process_time, partial(probe.stage, "track")
        )
        self._scheduler = TrackingScheduler(
            self._tracker, config.timeline.face_hold_s, interpolates=config.mode == "window"
        )
        self._timeline = Timeline(
            config.timeline, engine.frames, self._scheduler.schedule, eager=config.mode == "frame"
        )
        self._inputs = Inputs(self._timeline, self.reset)
        self._closed: deque[tuple[float, Window]] = deque()
        self._ahead = PipelineStage("reactions")
        self._maker = ReactionMaker(config, engine, self._scheduler, probe, speech)
        self._width_px = config.perception.max_width_px
        self._own_speech = OwnSpeech(config.timeline)
        self.shed(0)
        self._seed = seed_from(config.playout.seed)
        self._begin()

    @classmethod
    def load(cls, config: Config, engine: Engine | None = None) -> "ReactionSession":
        """Load weights and tracker and warm both up. engine: a loaded model, of ``SharedModel``.

        UserError if something is missing. Logs a warning if the machine is too slow. Sets torch's
        thread count for the process (``threads``).
        """
        # Imported here, so that a session with its own tracker needs no face landmark library.
        from reactface_node.perception import make_tracker

        engine = engine or load_engine(config)
        tracker = make_tracker(config.perception, config.model.face_encoder == "pixels")
        session = cls(config, engine, tracker, speech=speech_model(config.perception))
        session._warm_up()
        return session

    def needs_image(self, stamp_s: float) -> bool:
        """Whether the pixels of an image of this time are read, at a lower rate of tracking; if
        not, ``push_image`` may be given None in their place."""
        slot = self._timeline.slot_of(stamp_s)
        return slot is None or self._scheduler.needs(slot, self._timeline.waiting_slot)

    def push_image(self, stamp_s: float, rgb: np.ndarray | None) -> None:
        """An image of the speaker, (H, W, 3) uint8 RGB; ValueError for another shape or type.

        stamp_s: time of the image in seconds. A stamp that is not believed drops the image; see
        ``Stamps``.
        """
        if rgb is not None and (
            rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3 or 0 in rgb.shape
        ):
            raise ValueError(f"an image is (H, W, 3) uint8, not {rgb.shape} {rgb.dtype}")
        self._inputs.push(IMAGE, stamp_s, rgb)

    def push_audio(self, stamp_s: float, samples: np.ndarray, rate_hz: int) -> None:
        """Microphone samples (n,) or (n, channels); stamp_s is the time of the first sample.

        int8, int16, int32, uint8 or floats in [-1, 1]; rate 4 to 384 kHz; ValueError otherwise. Of
        a chunk longer than 10 s only the newest 10 s are used.
        """
        check_audio(samples, rate_hz)
        if self._inputs.push(AUDIO, stamp_s, samples, rate_hz):
            self._tell_sound(stamp_s, samples, rate_hz)

    def push_speaking(self, stamp_s: float, on: bool) -> None:
        """Tell whether the robot itself speaks from ``stamp_s`` on.

        While it speaks the mouth rests (a speech system moves it) and the microphone is ignored,
        unless the played audio is known; see ``OwnSpeech``.
        """
        self._own_speech.flag(stamp_s, on)

    def push_own_audio(self, stamp_s: float, samples: np.ndarray, rate_hz: int) -> None:
        """Audio that the robot's loudspeaker plays; shapes and errors as in ``push_audio``.

        Its echo is removed from the microphone's audio. While it is not silent the robot speaks.
        """
        self._own_speech.play(stamp_s, samples, rate_hz)

    def change_speaker(self) -> None:
        """Treat the face from now on as another person: the neutral face is learned anew."""
        self._tracker.change_person()

    def poll(self, now_s: float, wait: bool = True) -> list[Reaction]:
        """The reactions of all windows that closed up to ``now_s``, oldest first.

        A window that is too late to be shown is skipped and counted; in frame mode the rest of
        the model's window is skipped with it. wait: block until tracking and model are done.
        Otherwise a window that is still being worked on comes with a later poll, and images that
        the tracker has no time for are dropped.
        """
        for pending in self.take(now_s, wait):
            self._maker.begin_step(pending)
        return self._maker.ended(wait)

    def poll_ahead(self, now_s: float) -> "Future[list[Reaction]]":
        """``poll`` whose result is computed on a thread, in the order of the calls.

        So the inputs of later frames can be pushed, and tracked, meanwhile. The reactions are the
        same. All other methods that need or change reactions wait for those under way.
        """
        self._close_windows(now_s, wait=True)
        closed = [self._listened(window, now_s) for _, window in self._closed]
        self._closed.clear()
        if not closed:
            return finished([])
        told = [replace(one, speaks=partial(bool, one.speaks())) for one in closed]
        return self._ahead.call(self._maker.react, told)

    def take(self, now_s: float, wait: bool = True) -> list[Pending]:
        """The first half of ``poll``: the closed windows as model inputs, oldest first.

        For callers that run several sessions as one batch. Call ``finish`` for each of them, in
        order.
        """
        self._ahead.wait()
        self._close_windows(now_s, wait)
        taken: list[Pending] = []
        while self._closed and (wait or self._is_ready(*self._closed[0], now_s)):
            if not (wait or (self._maker.is_free and not taken)):
                break  # Decided only when the model is free: by then it may be too late to show.
            closed = self._listened(self._closed.popleft()[1], now_s)
            if (pending := self._maker.pending(closed)) is not None:
                taken.append(pending)
        return taken

    def finish(self, pending: Pending, raw: np.ndarray | None) -> Reaction:
        """The reaction to a window; raw: the model's output (M, w, 58), None if it was not run."""
        return self._maker.finish(pending, raw)

    @property
    def is_idle(self) -> bool:
        """Whether nobody has been there for a while, so that inputs may wait for a few frames."""
        return self._maker.is_idle

    def next_poll_s(self, now_s: float) -> float:
        """Time at which ``poll`` may return something new if nothing is pushed until then.

        A time in the past means: poll at once.
        """
        if self._closed or not self._maker.is_free:
            return now_s + THREADS_POLL_S
        return self._timeline.next_close_s(now_s)

    def _is_ready(self, closed_s: float, window: Window, now_s: float) -> bool:
        """Whether a window is tracked, or so late that it is no longer waited for.

        It is late once it is due to be shown and a frame (40 ms) has passed since it closed.
        """
        latest_s = max(closed_s + 1 / FRAME_RATE_HZ, self._delay.soonest_s(window))
        return self._scheduler.is_done(window) or now_s >= latest_s

    def end(self) -> None:
        """Tell that no more input comes (the recording has ended): windows stop waiting for it."""
        self._timeline.end()

    def reset(self) -> None:
        """Start a new conversation: new time zero, new model state, same weights; a new seed if
        ``playout.seed`` is fresh."""
        self._ahead.wait()
        self._maker.stats.resets += 1
        self._timeline.reset()
        self._tracker.reset()
        self._scheduler.reset()
        self._closed.clear()
        self._own_speech.clear()
        self._inputs.clear()
        self._seed = seed_from(self.config.playout.seed)
        self._begin()

    def check(self, changes: Mapping[str, Any]) -> Config:
        """The config that ``configure`` would set; UserError if it would refuse the changes."""
        for name in changes:
            if name in self._fixed:
                raise UserError(f"parameter '{name}' cannot change while running")
        changed = self.config.replace(**changes)
        check_playout(changed.playout)
        self._maker.check(changed)
        return changed

    def configure(self, changes: Mapping[str, Any]) -> None:
        """Change live settings by dotted name. On UserError nothing is changed."""
        self._ahead.wait()
        self._maker.configure(self.check(changes))

    def shed(self, level: int) -> None:
        """Reduce the work to a level of ``overload.LEVELS`` from now on; 0 = all work."""
        perception, self._level = self.config.perception, LEVELS[level]
        self._scheduler.every = max(self._level.every, round(FRAME_RATE_HZ / perception.rate_hz))
        width_px = round(self._level.width * perception.max_width_px)
        if width_px != self._width_px:
            self._width_px = width_px
            self._tracker.narrow(width_px)

    @property
    def config(self) -> Config:
        """The current config, with all live changes."""
        return self._maker.config

    @property
    def workload(self) -> Workload:
        """What the overload controller needs to know."""
        return Workload(
            tracker_busy_s=self._tracker.busy_s,
            tracker_cpu_s=self._tracker.cpu_s,
            images_untracked=self._scheduler.untracked,
            tracking_hz=FRAME_RATE_HZ / self._scheduler.every,
            image_width_px=self._width_px,
        )

    def stats(self) -> dict[str, float]:
        """Counters since the start by name, and the current tracking rate, image width and seed."""
        self._ahead.wait()
        workload = self.workload
        return {
            **vars(self._timeline.stats),
            **self._maker.stats.named(),
            "images_failed": self._scheduler.failed,
            "images_untracked": workload.images_untracked,
            "tracking_hz": workload.tracking_hz,
            "image_width_px": workload.image_width_px,
            "seed": self._seed,
        }

    @property
    def doubts(self) -> tuple[str, ...]:
        """Why the newest face is hard to read; see ``ReactionMaker``."""
        self._ahead.wait()
        return self._maker.doubts

    def close(self) -> None:
        """Free the tracker and end all worker threads."""
        self._ahead.close()
        self._maker.close()
        self._tracker.close()

    def _begin(self) -> None:
        self._now_s = -math.inf
        playout = self.config.playout
        self._delay = Delay(playout.playout_delay_s, self.config.mode == "frame")
        self._maker.begin(self._seed)

    def _tell_sound(self, stamp_s: float, samples: np.ndarray, rate_hz: int) -> None:
        """Give the newest chunk to the tracker: it follows the person who speaks."""
        offset_s = self.config.timeline.camera_to_microphone_offset_s
        heard_s = stamp_s + max(0.0, offset_s)
        count = longest_part(samples, rate_hz)
        if count and not self._own_speech.speaks(np.array([heard_s]))[0]:
            cut_s = (len(samples) - count) / rate_hz
            self._tracker.hear(heard_s + cut_s, self._timeline.newest_audio, rate_hz)

    def _close_windows(self, now_s: float, wait: bool) -> None:
        """Take the windows that the timeline closed up to ``now_s``."""
        if now_s < self._now_s - self.config.timeline.clock_jump_s:
            self._inputs.jump(now_s)
        self._now_s = now_s
        self._scheduler.is_live = not wait
        self._closed += ((now_s, window) for window in self._timeline.poll(now_s))

    def _listened(self, window: Window, now_s: float) -> Closed:
        show_at_s = self._delay.show_at(window, now_s)
        is_late = bool(show_at_s[-1] + 1 / FRAME_RATE_HZ < now_s)
        audio, heard = self._own_speech.listen(window)
        ends_s = np.array([window.end_s])
        return Closed(
            *(window, show_at_s, is_late, self._level.halves, audio, heard),
            speaks=lambda: bool(self._own_speech.speaks(ends_s)[0]),
        )

    def run_silence(self) -> np.ndarray:
        """One model step without a face or a voice, (M, n, 58); call ``reset`` afterwards."""
        return self._engine.step(empty_frames(self.config.model, self._engine.frames))

    def check_model(self) -> None:
        """UserError if the model outputs NaN or infinity; then start a new conversation.

        Two windows are run: the second one reads the model's own past reactions.
        """
        for _ in range(2):
            self._check_window()
        self._begin()

    def _check_window(self) -> None:
        """Run and check one window without a face or a voice."""
        steps = range(self.config.model.window // self._engine.frames)
        check_reactions([self.run_silence() for _ in steps], self.config.weights)

    def _warm_up(self) -> None:
        """Run tracker and model a few times, then start a new conversation."""
        blank, stamps_s = np.zeros((240, 320, 3), np.uint8), itertools.count()
        warm_up(
            self.config,
            self._check_window,
            lambda: self._tracker.track(float(next(stamps_s)), blank).result(),
            self._clock,
        )
        self._tracker.reset()
        self._begin()
