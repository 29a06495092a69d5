"""Person selection: follows the person who speaks, or the nearest one."""

import math
from collections import deque
from collections.abc import Mapping

import numpy as np

from reactface_node.perception.mouth import MouthMotion
from reactface_node.perception.person import Person
from reactface_node.perception.voice import VoiceActivity

# The numbers below were found by trial on the lips of real people: three who talk, each beside
# twelve who laugh, yell, pout, cry or rest silently. They are checked on real people who take turns
# (tests/perception/test_turns.py) and on drawn ones (tests/perception/test_people.py).
# The correlation of lips and loudness is not used: over one or two seconds it was 0.0 to 0.2 for
# the speaker, and up to 0.5 for silent people.
LOST_S = 0.4
"""Another person is followed at once if the followed one was not seen for this long; a hand before
the face is usually shorter."""
NEARER, NEARER_S = 0.8, 0.7
"""Another person is nearer if their distance was below this share of the followed person's for so
long."""
MORE = 1.5
"""Another person speaks if their mouth moves this many times as much as the followed person's."""
LEAD_S = 0.16
"""Another person is followed after speaking alone for this long; longer if both mouths move."""
TREMBLE = 0.1
"""Motion of the other mouth that does not count."""
RECENT_S = 0.1
"""Time constant of the followed mouth's average: a closed mouth within a word is no end of it."""
SPEAKS_S = 1.2
"""Time constant of the average of the mouths' motion during speech, for the next one if the
followed person is lost."""
STILL = 0.05
"""A mouth with a lower average than this during speech does not speak."""
WAIT_S = 0.3
"""Images wait this long for the sound of their time; then the last known sound counts."""
LONGEST_STEP_S = 0.2
"""More time between two images counts as this."""


class PersonSelector:
    """Selects the person to follow, and changes only after a clear difference has lasted."""

    def __init__(self, follow: str, voice: VoiceActivity):
        """follow: "speaking" or "nearest", see the setting ``perception.follow``."""
        self._follow = follow
        self._voice = voice
        self.followed: Person | None = None
        self._mouths: dict[int, MouthMotion] = {}
        self._waiting: deque[tuple[float, dict[int, float]]] = deque()
        self._counted_s = -math.inf
        self._recent: dict[int, float] = {}
        self._spoke: dict[int, float] = {}
        self._leads_s: dict[int, float] = {}
        self._nearer: tuple[int, float] | None = None

    def choose(self, stamp_s: float, people: list[Person]) -> Person | None:
        """The person to follow among those in this image; None while that person is hidden."""
        if self._follow == "speaking":
            self._watch_mouths(stamp_s, people)
        if self.followed is None or stamp_s - self.followed.last_s > LOST_S:
            self.follow(self._best(people) if people else self.followed)
        elif self.followed in people:
            other = self._other(stamp_s, people)
            if other is not None:
                self.follow(other)
        return self.followed if self.followed in people else None

    def follow(self, person: Person | None) -> None:
        """Follow this person from now on."""
        self.followed, self._nearer = person, None
        self._leads_s.clear()

    def _watch_mouths(self, stamp_s: float, people: list[Person]) -> None:
        """Note the mouths of an image, and count all images whose sound is known."""
        mouths = {p.number: self._mouths.get(p.number) or MouthMotion() for p in people}
        self._mouths = mouths
        activity = {p.number: mouths[p.number].see(stamp_s, p.mouth_mm) for p in people}
        self._waiting.append((stamp_s, activity))
        while self._waiting and (
            self._waiting[0][0] <= self._voice.known_s or stamp_s - self._waiting[0][0] >= WAIT_S
        ):
            self._count(*self._waiting.popleft())

    def _count(self, stamp_s: float, activity: Mapping[int, float]) -> None:
        """Update the averages and the leads by the mouths of one image, by person's number."""
        step_s = min(max(stamp_s - self._counted_s, 0.0), LONGEST_STEP_S)
        self._counted_s = stamp_s
        speaks = self._voice.may_speak(stamp_s)
        self._recent = _averaged(self._recent, activity, step_s / RECENT_S)
        # In a pause nothing changes: who spoke last is still the speaker.
        if speaks:
            self._spoke = _averaged(self._spoke, activity, step_s / SPEAKS_S)
        if self.followed is None or self.followed.number not in activity:
            return
        current = self.followed.number
        level = TREMBLE + MORE * self._recent[current]
        self._leads_s = {
            number: max(0.0, self._leads_s.get(number, 0.0) + step_s * (share - level))
            if speaks
            else max(0.0, self._leads_s.get(number, 0.0) - step_s)
            for number, share in activity.items()
            if number != current
        }

    def _best(self, people: list[Person]) -> Person:
        speaker = max(people, key=lambda person: self._spoke.get(person.number, 0.0))
        if self._spoke.get(speaker.number, 0.0) > STILL:
            return speaker
        return min(people, key=_distance)

    def _other(self, stamp_s: float, people: list[Person]) -> Person | None:
        """Another person who is to be followed now; None if there is none."""
        others = [person for person in people if person is not self.followed]
        if not others:
            return None
        if self._follow == "speaking":
            other = max(others, key=lambda person: self._leads_s.get(person.number, 0.0))
            return other if self._leads_s.get(other.number, 0.0) >= LEAD_S else None
        return self._nearer_for_long(stamp_s, others)

    def _nearer_for_long(self, stamp_s: float, others: list[Person]) -> Person | None:
        assert self.followed is not None
        other = min(others, key=_distance)
        if _distance(other) >= NEARER * _distance(self.followed):
            self._nearer = None
        elif self._nearer is None or self._nearer[0] != other.number:
            self._nearer = (other.number, stamp_s)
        elif stamp_s - self._nearer[1] >= NEARER_S:
            return other
        return None


def _averaged(
    before: Mapping[int, float], now: Mapping[int, float], time_constants: float
) -> dict[int, float]:
    """Running averages after a number of time constants; those who are not in view are dropped."""
    share = 1.0 - math.exp(-time_constants)
    return {
        number: before.get(number, 0.0) + share * (value - before.get(number, 0.0))
        for number, value in now.items()
    }


def _distance(person: Person) -> float:
    return float(np.linalg.norm(person.place))
