"""Person selection: follows the person who speaks, or the nearest one."""

import math

import numpy as np

from reactface_node.perception.person import Person
from reactface_node.perception.voice import VoiceActivity

# The numbers below are chosen by hand, not derived. They are checked on drawn people who take turns
# (tests/perception/test_people.py): one change of the person within about two seconds.
DECIDE_S = 0.7
"""Another person is followed after being the better choice for this long."""
LOST_S = 0.4
"""Another person is followed at once if the followed one was not seen for this long; a hand before
the face is usually shorter."""
NEARER = 0.8
"""Another person is nearer if their distance is below this share of the followed person's."""
SPEAKS_S = 1.2
"""Time constant of the average of the mouth's speed during speech."""
STILL_MM_S = 8.0
"""A mouth with a lower average speed than this during speech does not speak."""
FASTEST_MM_S = 150.0
"""Higher speeds of the mouth are errors of the landmarks, and are clipped."""
MORE = 1.8
"""Another person speaks if their mouth moves this many times as fast as the followed person's."""


class PersonSelector:
    """Selects the person to follow, and changes only after a clear difference has lasted."""

    def __init__(self, follow: str):
        """follow: "speaking" or "nearest", see the setting ``perception.follow``."""
        self._follow = follow
        self.voice = VoiceActivity()
        self.followed: Person | None = None
        self._speeds: dict[int, float] = {}
        self._better: tuple[int, float] | None = None
        self._stamp_s: float | None = None

    def choose(self, stamp_s: float, people: list[Person]) -> Person | None:
        """The person to follow among those in this image; None while that person is hidden."""
        if self._follow == "speaking" and len(people) > 1:
            self._update_mouths(stamp_s, people)
        self._stamp_s = stamp_s
        if self.followed is None or stamp_s - self.followed.last_s > LOST_S:
            self.followed = self._best(people) if people else self.followed
            self._better = None
        elif self.followed in people:
            self._reconsider(stamp_s, people)
        return self.followed if self.followed in people else None

    def _update_mouths(self, stamp_s: float, people: list[Person]) -> None:
        past_s = 0.0 if self._stamp_s is None else max(stamp_s - self._stamp_s, 0.0)
        share = 1.0 - math.exp(-past_s / SPEAKS_S)
        voiced = self.voice.active(stamp_s)
        seen = {person.number for person in people}
        self._speeds = {number: share for number, share in self._speeds.items() if number in seen}
        for person in people:
            before = self._speeds.get(person.number, 0.0)
            # In a pause the averages change little: who spoke last is still the speaker.
            now = min(person.mouth_speed, FASTEST_MM_S) if voiced else 0.9 * before
            self._speeds[person.number] = before + share * (now - before)

    def _best(self, people: list[Person]) -> Person:
        fastest = max(people, key=self._mouth_speed)
        if self._mouth_speed(fastest) > STILL_MM_S:
            return fastest
        return min(people, key=_distance)

    def _reconsider(self, stamp_s: float, people: list[Person]) -> None:
        other = self._better_choice(people)
        if other is None:
            self._better = None
        elif self._better is None or self._better[0] != other.number:
            self._better = (other.number, stamp_s)
        elif stamp_s - self._better[1] >= DECIDE_S:
            self.followed, self._better = other, None

    def _better_choice(self, people: list[Person]) -> Person | None:
        """Another person who is a better choice than the followed one; None if there is none."""
        current = self.followed
        assert current is not None
        others = [person for person in people if person is not current]
        if not others:
            return None
        if self._follow == "speaking":
            other = max(others, key=self._mouth_speed)
            least = max(STILL_MM_S, MORE * self._mouth_speed(current))
            return other if self._mouth_speed(other) > least else None
        other = min(others, key=_distance)
        return other if _distance(other) < NEARER * _distance(current) else None

    def _mouth_speed(self, person: Person) -> float:
        return self._speeds.get(person.number, 0.0)


def _distance(person: Person) -> float:
    return float(np.linalg.norm(person.place))
