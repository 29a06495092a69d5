"""From closed windows to reactions: observations, model, playout and events."""

from typing import Any

import numpy as np

from reactface_node.config import Config
from reactface_node.engine.engine import Engine
from reactface_node.engine.stepper import SpeakerFrames
from reactface_node.perception.silero import SileroModel
from reactface_node.schema import Reaction
from reactface_node.session.digest import Digest
from reactface_node.session.fitted import FittedChoice
from reactface_node.session.listener_events import ListenerEvents
from reactface_node.session.model_use import ModelUse, Use
from reactface_node.session.pending import Closed, Pending, face_input
from reactface_node.session.playout import Playout
from reactface_node.session.probe import Probe
from reactface_node.session.speaker_events import SpeakerEvents
from reactface_node.session.stats import SessionStats
from reactface_node.session.steps import Steps
from reactface_node.session.tracking import TrackingScheduler


class ReactionMaker:
    """What a session does with a window once it is closed. Windows come in order.

    It keeps nothing that inputs change, so it may run on another thread than they are pushed on;
    one thread at a time.

    config: changes with ``configure``. stats: counts the windows. doubts: why the newest face is
    hard to read, in plain words such as "dark"; empty if it is not, or if there is none.
    """

    doubts: tuple[str, ...]

    def __init__(
        self,
        config: Config,
        engine: Engine,
        scheduler: TrackingScheduler,
        probe: Probe,
        speech: SileroModel | None,
    ):
        """scheduler: gives the observations of a window. speech, probe: as the session's."""
        self.config, self.stats = config, SessionStats()
        self._engine, self._speech, self._probe = engine, speech, probe
        self._scheduler = scheduler
        self._steps = Steps(engine, config.model, probe)
        self._fitted = FittedChoice(config, engine.disposition)

    @property
    def is_free(self) -> bool:
        """Whether no step of the model is running or waiting."""
        return self._steps.is_free

    @property
    def is_idle(self) -> bool:
        """As ``ModelUse.is_idle``."""
        return self._model_use.is_idle

    def begin(self, seed: int) -> None:
        """Start a new conversation. Waits for the step that is running."""
        config = self.config
        self._steps.clear()
        self.doubts = ()
        self._playout = Playout(config.playout, config.model.window, seed)
        self._model_use = ModelUse(config.model.window, self._speech)
        self._listener_events, self._speaker_events = ListenerEvents(), SpeakerEvents()
        self._digest = Digest(config.model.window)
        self._engine.begin(seed, config.playout.samples, self._fitted.begin())

    def check(self, changed: Config) -> None:
        """UserError if ``configure`` would refuse this config."""
        if changed.model != self.config.model:
            self._engine.check(changed.model)
        self._fitted.read(changed)

    def configure(self, changed: Config) -> None:
        """Use another config, which ``check`` has accepted."""
        self._fitted.choose(changed)
        if changed.model != self.config.model:
            self._engine.configure(changed.model)
        self.config = changed

    def close(self) -> None:
        """End the model's thread after its current step."""
        self._steps.close()

    def react(self, windows: list[Closed]) -> list[Reaction]:
        """The reactions to closed windows; waits for their observations and for the model."""
        for closed in windows:
            if (pending := self.pending(closed)) is not None:
                self.begin_step(pending)
        return self.ended(wait=True)

    def begin_step(self, pending: Pending) -> None:
        """Start the model step of a window."""
        self._steps.begin(pending)

    def ended(self, wait: bool) -> list[Reaction]:
        """The reactions whose model step is done. wait: wait for all of them."""
        return [
            self.finish(pending, raw)
            for pending, raw in self._steps.ended(wait)
            if pending.use is not Use.HIDDEN
        ]

    def pending(self, closed: Closed) -> Pending | None:
        """The model's input for a window; None if the window is skipped."""
        window, audio, heard = closed.window, closed.audio, closed.heard
        frames = len(window.frames)
        slot = window.index * frames
        use, anew = self._model_use.decide(slot, frames, closed.is_late, closed.halves)
        self.stats.windows_skipped += use in (Use.SKIPPED, Use.HIDDEN)
        if use is Use.SKIPPED:
            return None
        seen = self._scheduler.seen_in(window)
        found = np.array([observation.face_found for observation in seen])
        speech = self._model_use.note(slot, found, audio, heard)
        self.stats.count_speech(speech)
        self._speaker_events.read(window.start_s, speech, heard, seen)
        events = () if use is Use.HIDDEN else self._speaker_events.take()
        speaker = SpeakerFrames(*face_input(self.config.model, seen), audio, heard)
        digest = self._digest.note(slot, seen, audio)
        fitted = self._fitted.at(slot % self.config.model.window)
        about: Any = use, anew, events, fitted, digest, closed.speaks
        return Pending(window, closed.show_at_s, seen, speaker, *about)

    def finish(self, pending: Pending, raw: np.ndarray | None) -> Reaction:
        """The reaction to a window; raw: the model's output (M, w, 58), None if it was not run."""
        window, seen, heard = pending.window, pending.seen, pending.speaker.audio_valid
        found = np.array([observation.face_found for observation in seen])
        speaks = pending.speaks()
        # The microphone of an empty room delivers valid audio, although nobody is there.
        present = (found | heard) & (pending.use is not Use.IDLE)
        with self._probe.stage("playout"):
            about = pending.places, pending.digest, pending.fitted, pending.turns
            samples, face = self._playout.finish(
                window.index, raw, present, self.config.playout, speaks, *about
            )
        self.stats.count(pending.use, found, heard, seen[-1], speaks)
        self.doubts = seen[-1].doubts
        slot = window.index * len(seen)
        index, first_frame = divmod(slot, self.config.model.window)
        shown = self._listener_events.read(slot, pending.show_at_s, face)
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
            seen[-1].kinds,
            (*pending.events, *shown),
        )
