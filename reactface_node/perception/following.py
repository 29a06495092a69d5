"""Whom of several people the listener listens to: who speaks, or who is nearest."""

import math

import numpy as np

from reactface_node.perception.person import Person
from reactface_node.perception.voice import VoiceActivity

# Somebody is looked away from only where another was the better choice for this long ...
DECIDE_S = 0.7
# ... or where they have not been seen for so long: a hand before the face is shorter.
LOST_S = 0.4
NEARER = 0.8
"""Another is nearer where the distance is less than this share of the followed person's."""
SPEAKS_S = 1.2
"""The time that the mouth's motion during speech is averaged over."""
STILL_MM_S = 8.0
"""A mouth that moves less than this on average while there is a voice does not speak."""
FASTEST_MM_S = 150.0
MORE = 1.8
"""Another speaks where the mouth moves this many times as much as the followed person's."""


class PersonSelector:
    """Follows one person and hands over to another, not faster than people would."""

    def __init__(self, follow: str):
        """follow: "speaking" or "nearest"."""
        self._follow = follow
        self.voice = VoiceActivity()
        self.followed: Person | None = None
        self._speech: dict[int, float] = {}
        self._better: tuple[int, float] | None = None
        self._stamp_s: float | None = None

    def choose(self, stamp_s: float, people: list[Person]) -> Person | None:
        """Of those in this image; None while the followed person is hidden for a moment."""
        if self._follow == "speaking" and len(people) > 1:
            self._watch_mouths(stamp_s, people)
        self._stamp_s = stamp_s
        if self.followed is None or stamp_s - self.followed.last_s > LOST_S:
            self.followed = self._best(people) if people else self.followed
            self._better = None
        elif self.followed in people:
            self._reconsider(stamp_s, people)
        return self.followed if self.followed in people else None

    def _watch_mouths(self, stamp_s: float, people: list[Person]) -> None:
        past_s = 0.0 if self._stamp_s is None else max(stamp_s - self._stamp_s, 0.0)
        share = 1.0 - math.exp(-past_s / SPEAKS_S)
        voiced = self.voice.active(stamp_s)
        seen = {person.number for person in people}
        self._speech = {number: share for number, share in self._speech.items() if number in seen}
        for person in people:
            before = self._speech.get(person.number, 0.0)
            # In a pause nobody's share changes much: who spoke last is still the speaker.
            now = min(person.mouth_speed, FASTEST_MM_S) if voiced else 0.9 * before
            self._speech[person.number] = before + share * (now - before)

    def _best(self, people: list[Person]) -> Person:
        spoken = max(people, key=self._spoken)
        if self._spoken(spoken) > STILL_MM_S:
            return spoken
        return min(people, key=_distance)

    def _reconsider(self, stamp_s: float, people: list[Person]) -> None:
        other = self._rival(people)
        if other is None:
            self._better = None
        elif self._better is None or self._better[0] != other.number:
            self._better = (other.number, stamp_s)
        elif stamp_s - self._better[1] >= DECIDE_S:
            self.followed, self._better = other, None

    def _rival(self, people: list[Person]) -> Person | None:
        """Who would be a better choice than the followed person just now."""
        current = self.followed
        assert current is not None
        others = [person for person in people if person is not current]
        if not others:
            return None
        if self._follow == "speaking":
            other = max(others, key=self._spoken)
            least = max(STILL_MM_S, MORE * self._spoken(current))
            return other if self._spoken(other) > least else None
        other = min(others, key=_distance)
        return other if _distance(other) < NEARER * _distance(current) else None

    def _spoken(self, person: Person) -> float:
        return self._speech.get(person.number, 0.0)


def _distance(person: Person) -> float:
    return float(np.linalg.norm(person.place))
