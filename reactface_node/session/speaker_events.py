"""The events of the speaker: ends of phrases, pauses, ends of turns, laughs.

They come from the probability of speech and from the kind of the expression. All sound in which the
robot itself speaks counts as unknown, and so does sound that did not come.
"""

import math
from collections.abc import Sequence

import numpy as np

from reactface_node.perception.voice import NEAR_S, SPEECH
from reactface_node.schema import FRAME_RATE_HZ, KINDS, ListenerEvent, Observation
from reactface_node.session.threshold_detector import ThresholdDetector

PHRASE_END_S, PAUSE_S, TURN_END_S = 0.2, 0.7, 1.5
"""Silences. People's pauses within a turn last 0.28/0.55/1.25 s (10, 50, 90 %, IFADV): nearly all
are longer than the first, 37 % than the second, 4 % than the third."""
PAUSE_MU, PAUSE_SIGMA = -0.55, 0.56
"""The logarithm of the pauses within a turn, in seconds: mean and standard deviation (IFADV)."""
TURN_SHARE = 7989 / 14022
"""Share of phrases after which the other one speaks (IFADV: 7,989 changes, 14,022 utterances)."""
SHORTEST_PHRASE_S = 0.25
"""Shorter sounds are coughs and clicks; chosen by hand. 10 % of phrases last under 0.69 s."""
UNKNOWN_S = 0.2
"""After sound has been unknown for so long, the phrase and the turn are forgotten."""
LAUGH = 0.5
"""Least probability of a laugh."""

_LAUGH = KINDS.index("laugh")


def turn_is_over(silent_s: float) -> float:
    """The probability that a turn is over after so many seconds of silence.

    By Bayes' rule: ``TURN_SHARE`` before anything is heard, and pauses within turns that are
    log-normal.
    """
    z = (math.log(silent_s) - PAUSE_MU) / PAUSE_SIGMA
    goes_on = (1.0 - TURN_SHARE) * 0.5 * math.erfc(z / math.sqrt(2.0))
    return TURN_SHARE / (TURN_SHARE + goes_on)


class SpeakerEvents:
    """Reads the frames of one speaker in order; each costs the same."""

    def __init__(self) -> None:
        self._laugh = ThresholdDetector("speaker", "laugh", LAUGH)
        self._known_s = -math.inf
        self._events: list[ListenerEvent] = []
        self._forget()

    def read(
        self,
        start_s: float,
        speech: np.ndarray,
        heard: np.ndarray,
        seen: Sequence[Observation],
    ) -> None:
        """n frames from a time on, seconds on the inputs' clock.

        speech (n,): the probability that somebody speaks. heard (n,) bool: the sound is there,
        and it is not the robot's own. seen: one observation per frame.
        """
        for place, observation in enumerate(seen):
            stamp_s = start_s + place / FRAME_RATE_HZ
            if heard[place]:
                self._events += self._listen(stamp_s, float(speech[place]))
            kinds = observation.kinds
            laugh = 0.0 if kinds is None else float(kinds[_LAUGH])
            self._events += self._laugh.step(stamp_s, laugh, is_probability=True)

    def take(self) -> tuple[ListenerEvent, ...]:
        """The events since the last call, in the order in which they became known."""
        events, self._events = tuple(self._events), []
        return events

    def _forget(self) -> None:
        """Nobody has spoken yet."""
        self._phrase_s = self._turn_s = math.inf
        self._voice_end_s, self._silence_s = -math.inf, math.inf
        self._voiced, self._frames = 0.0, 0

    def _listen(self, stamp_s: float, speech: float) -> list[ListenerEvent]:
        """A frame of known sound."""
        if not -0.5 / FRAME_RATE_HZ < stamp_s - self._known_s <= UNKNOWN_S:
            self._forget()
        self._known_s = end_s = stamp_s + 1.0 / FRAME_RATE_HZ
        if speech >= SPEECH:
            self._speak(stamp_s, speech)
            return []
        before_s, self._silence_s = self._silence_s, end_s - self._voice_end_s
        return self._fall_silent(before_s, speech)

    def _speak(self, stamp_s: float, speech: float) -> None:
        end_s = stamp_s + 1.0 / FRAME_RATE_HZ
        if self._phrase_s == math.inf:
            self._phrase_s, self._voiced, self._frames = stamp_s, 0.0, 0
        self._voiced += speech
        self._frames += 1
        # A frame of voice makes the NEAR_S after it probable too.
        self._voice_end_s = max(end_s - NEAR_S, self._phrase_s)
        self._silence_s = 0.0

    def _fall_silent(self, before_s: float, speech: float) -> list[ListenerEvent]:
        """What it means that the silence has just grown from ``before_s``."""
        events: list[ListenerEvent] = []
        end_s, silent_s = self._voice_end_s, self._silence_s

        def passed(limit_s: float) -> bool:
            return before_s < limit_s - 1e-6 <= silent_s

        if self._phrase_s < math.inf and passed(PHRASE_END_S):
            length_s, self._phrase_s = end_s - self._phrase_s, math.inf
            if length_s >= SHORTEST_PHRASE_S:
                self._turn_s = min(self._turn_s, end_s - length_s)
                sure = self._voiced / self._frames * (1.0 - speech)
                events.append(_once(end_s, "phrase_end", sure, length_s))
        if self._turn_s < math.inf and passed(PAUSE_S):
            events.append(_once(end_s, "pause", 1.0 - turn_is_over(silent_s), silent_s))
        if self._turn_s < math.inf and passed(TURN_END_S):
            length_s, self._turn_s = end_s - self._turn_s, math.inf
            events.append(_once(end_s, "turn_end", turn_is_over(silent_s), length_s))
        return events


def _once(stamp_s: float, kind: str, probability: float, duration_s: float) -> ListenerEvent:
    return ListenerEvent(stamp_s, "speaker", kind, "once", probability, duration_s)
