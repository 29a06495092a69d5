"""Meetings of a config's listener: sessions on synthetic dyads, on made situations and on clips.

Sessions, not the model alone: the statistics are of what a robot shows, with gaze, blinks and
everything else that playout adds.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from reactface_node.config import Config
from reactface_node.engine.engine import load_engine
from reactface_node.errors import UserError
from reactface_node.files.progress import ProgressBar
from reactface_node.media.video import AudioInput, ImageInput, read_video, video_duration_s
from reactface_node.perception import make_tracker
from reactface_node.perception.tracker_thread import Tracker
from reactface_node.perception.voice import speech_model
from reactface_node.research.data.labels import LABELS_FILE, ClipLabels, find_clips, read_labels
from reactface_node.research.evaluation.meeting import Meeting
from reactface_node.research.evaluation.situations import Situation
from reactface_node.schema import (
    FRAME_RATE_HZ,
    NUM_COEFFICIENTS,
    Observation,
    Reaction,
)
from reactface_node.session.session import ReactionSession

REST_S = 1.0
"""Time after the end of the input in which the last reactions come."""


class KnownSpeaker:
    """A tracker that gives observations by time: the speaker of a situation."""

    def __init__(self) -> None:
        self.situation: Situation | None = None

    def track(self, stamp_s: float, rgb: np.ndarray) -> Observation:
        assert self.situation is not None
        face = self.situation.face[round(stamp_s * FRAME_RATE_HZ)]
        if not self.situation.seen:
            return Observation.missing()
        return Observation(face, np.ones(NUM_COEFFICIENTS, bool), person=1, people=1)

    def hear(self, stamp_s: float, mono: np.ndarray, rate_hz: float) -> None:
        pass

    def change_person(self) -> None:
        pass

    def narrow(self, max_width_px: int) -> None:
        pass

    def reset(self) -> None:
        pass

    def close(self) -> None:
        pass


class RememberedTracker:
    """Tracks each image of a clip once; further sessions on the clip get the same observations.

    Call ``watch`` before a session's inputs.
    """

    def __init__(self, make: Callable[[], Tracker]):
        """make: called for the first image, so that a run without clips loads no face model."""
        self._clip: Path | None = None
        self._make = make
        self._tracker: Tracker | None = None
        self._known: dict[tuple[Path | None, float], Observation] = {}

    def watch(self, clip: Path) -> None:
        """Go on with a clip; another one than before is of other people."""
        if clip != self._clip:
            self._clip = clip
            self.reset()

    def track(self, stamp_s: float, rgb: np.ndarray) -> Observation:
        key = self._clip, stamp_s
        if key not in self._known:
            self._tracker = self._tracker or self._make()
            self._known[key] = self._tracker.track(stamp_s, rgb)
        return self._known[key]

    def hear(self, stamp_s: float, mono: np.ndarray, rate_hz: float) -> None:
        if self._tracker is not None:
            self._tracker.hear(stamp_s, mono, rate_hz)

    def change_person(self) -> None:
        if self._tracker is not None:
            self._tracker.change_person()

    def narrow(self, max_width_px: int) -> None:
        pass

    def reset(self) -> None:
        if self._tracker is not None:
            self._tracker.reset()

    def close(self) -> None:
        """The tracker is kept for the next session; ``end`` frees it."""

    def end(self) -> None:
        if self._tracker is not None:
            self._tracker.close()


@dataclass
class Shown:
    """Reactions of one session on a grid of 25 Hz from its first input on."""

    zero_s: float = math.inf
    reactions: list[Reaction] = field(default_factory=list)

    def listeners(self, frames: int) -> np.ndarray:
        """(M, frames, 58) the finished samples at the times at which they are shown; before the
        first and after the last one, that one."""
        samples = np.concatenate([one.samples for one in self.reactions], axis=1)
        shown_s = np.concatenate([one.show_at_s for one in self.reactions]) - self.zero_s
        slots = np.round(shown_s * FRAME_RATE_HZ)
        newest = np.searchsorted(slots, np.arange(frames), "right") - 1
        taken: np.ndarray = samples[:, newest.clip(0)]
        return taken

    def speaker(self, frames: int, window: int) -> np.ndarray:
        """(frames, 58) the speaker's coefficients in the order of the inputs."""
        face = np.zeros((frames, NUM_COEFFICIENTS), np.float32)
        for one in self.reactions:
            if one.speaker is not None:
                first = one.window_index * window + one.first_frame
                part = one.speaker[: max(0, frames - first)]
                face[first : first + len(part)] = part
        return face


def load_session(config: Config, tracker: Tracker) -> ReactionSession:
    """A session with another tracker. UserError if the config's model reads pixels."""
    if config.model.face_encoder == "pixels":
        raise UserError("the statistics' speakers have coefficients, no pixels to see them by")
    speech = speech_model(config.perception)
    return ReactionSession(config, load_engine(config), tracker, speech=speech)


def situation_meetings(
    config: Config, seed: int, samples: int, situations: Sequence[Situation]
) -> Iterator[Meeting]:
    """One meeting for each situation, with the listeners of a seed, in order."""
    tracker = KnownSpeaker()
    session = load_session(_seeded(config, seed, samples), tracker)
    who = tuple(f"{seed}.{index}" for index in range(samples))
    try:
        for situation in situations:
            tracker.situation = situation
            session.reset()
            shown = _run(session, situation.inputs())
            frames = len(situation.face)
            yield Meeting(
                shown.listeners(frames),
                who,
                situation.face if situation.seen else np.zeros_like(situation.face),
                situation.speaking,
                situation.laughs,
                situation.labels,
            )
    finally:
        session.close()


def clip_meetings(config: Config, seeds: int, folder: Path) -> list[Meeting]:
    """A meeting for each clip of a folder and each seed, with one listener: the one that is shown.

    Labels are those of ``labels.yaml`` in the folder, if it is there. UserError if the folder or a
    clip cannot be read.
    """
    paths = find_clips(folder)
    file = folder / LABELS_FILE
    labels = read_labels(file) if file.exists() else {}
    tracker = RememberedTracker(lambda: make_tracker(config.perception, False))
    meetings = []
    runs = [(seed, path) for path in paths for seed in range(seeds)]
    try:
        for seed, path in ProgressBar(runs, "clips", unit="run", leave=False):
            tracker.watch(path)
            session = load_session(_seeded(config, seed, 1), tracker)
            try:
                shown = _run(session, read_video(path))
            finally:
                session.close()
            meetings.append(_clip_meeting(shown, path, seed, config, labels.get(path.stem)))
    finally:
        tracker.end()
    return meetings


def _clip_meeting(
    shown: Shown, path: Path, seed: int, config: Config, labels: ClipLabels | None
) -> Meeting:
    if not shown.reactions:
        raise UserError(f"{path} is too short: no reaction comes to it")
    last_s = shown.reactions[-1].show_at_s[-1] - shown.zero_s
    frames = max(1, round(min(video_duration_s(path) or last_s, last_s) * FRAME_RATE_HZ))
    speaker = shown.speaker(frames, config.model.window)
    return Meeting(shown.listeners(frames), (f"{seed}",), speaker, labels=labels)


def _seeded(config: Config, seed: int, samples: int) -> Config:
    changes = {"playout.seed": seed, "playout.samples": samples, "playout.play": 0}
    return config.replace(**changes)


def _run(session: ReactionSession, inputs: Iterator[ImageInput | AudioInput]) -> Shown:
    """Push inputs in order of arrival and collect the reactions."""
    shown, now_s = Shown(), 0.0
    for one in inputs:
        now_s = one.arrival_s
        shown.zero_s = min(shown.zero_s, one.stamp_s)
        if isinstance(one, ImageInput):
            session.push_image(one.stamp_s, one.rgb)
        else:
            session.push_audio(one.stamp_s, one.samples, one.rate_hz)
        shown.reactions += session.poll(now_s)
    session.end()
    shown.reactions += session.poll(now_s + REST_S)
    return shown
