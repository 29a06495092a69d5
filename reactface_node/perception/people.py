"""People: which person each face in an image is, by place and by look."""

from collections import deque

import numpy as np

from reactface_node.config import PerceptionConfig
from reactface_node.perception.face import Sighting
from reactface_node.perception.identity import Look, look_at, scene_of
from reactface_node.perception.person import Person

# A face belongs to a known person if it is within JUMP_M + HEAD_SPEED_M_S * (time since the person
# was seen, at most SAME_S). JUMP_M covers errors of the distance. Chosen by hand, not derived.
JUMP_M, HEAD_SPEED_M_S, SAME_S = 0.25, 1.0, 0.5
ALIKE = 0.65
"""Difference of looks up to which a face is that of a person who was away."""
REMEMBERED_S, MOST_ABSENT = 60.0, 8
"""People who are gone are known again for so long, and at most so many of them."""


class People:
    """The people in view, those who were there a moment ago, and those who left within a minute.

    met: number of people so far. near: people whose place is known. absent: those who left.
    """

    def __init__(self, config: PerceptionConfig):
        self._config = config
        self.met = 0
        self.clear()

    def clear(self) -> None:
        """Forget everybody; the numbers go on."""
        self.near: list[Person] = []
        self.absent: deque[Person] = deque(maxlen=MOST_ABSENT)

    def lose_all_but(self, seen: list[Person]) -> None:
        """Tell the others that they are not in the image."""
        for person in self.near:
            if person not in seen:
                person.lose()

    def meet(
        self, stamp_s: float, image: np.ndarray, found: list[Sighting]
    ) -> tuple[list[Person], list[Person]]:
        """The person of each face in an image (H, W, 3) uint8, and the one it was taken for until
        now: another one if the look shows that another person has come to the same place.

        First by the place, nearest pairs first, else by the look; a face that fits nobody is a new
        person.
        """
        self._part(stamp_s)
        scene = scene_of(image) if found else np.zeros(0)
        looks = [look_at(image, face.points, scene) for face in found]
        known = self._by_place(stamp_s, found)
        met: list[Person] = []
        for index, (sighting, look) in enumerate(zip(found, looks, strict=True)):
            seen = [*known.values(), *met]
            person = known.get(index) or self._recall(stamp_s, look, sighting, seen)
            met.append(person or self._new(sighting))
        self.near += [person for person in met if person not in self.near]
        return self._identify(stamp_s, met, found, looks), met

    def _part(self, stamp_s: float) -> None:
        """Forget the place of people who are gone, and after ``REMEMBERED_S`` the people too."""
        gone = [p for p in self.near if stamp_s - p.last_s > self._config.person_change_s]
        self.near = [person for person in self.near if person not in gone]
        self.absent += gone
        recent = [p for p in self.absent if stamp_s - p.last_s <= REMEMBERED_S]
        self.absent = deque(recent, MOST_ABSENT)

    def _by_place(self, stamp_s: float, found: list[Sighting]) -> dict[int, Person]:
        """The people who are where they were last seen, by the index of their face."""
        pairs = sorted(
            (distance, number, index)
            for number, person in enumerate(self.near)
            for index, sighting in enumerate(found)
            if (distance := _apart(person, sighting)) <= _reach(person, stamp_s)
        )
        known: dict[int, int] = {}
        for _, number, index in pairs:
            if index not in known and number not in known.values():
                known[index] = number
        return {index: self.near[number] for index, number in known.items()}

    def _recall(
        self, stamp_s: float, look: Look, sighting: Sighting, seen: list[Person]
    ) -> Person | None:
        """The person who was away and has this look, who comes back; None if nobody has.

        seen: people who are in this image. Nobody jumps aside between two images.
        """
        away = [p for p in self.near if p not in seen and stamp_s - p.last_s > SAME_S]
        known = [p for p in [*self.absent, *away] if p.identity.is_known]
        differences = [person.identity.difference(look) for person in known]
        if min(differences, default=np.inf) > ALIKE:
            return None
        person = known[differences.index(min(differences))]
        if person in self.absent:
            self.absent.remove(person)
        person.come(sighting)
        return person

    def _identify(
        self, stamp_s: float, met: list[Person], found: list[Sighting], looks: list[Look]
    ) -> list[Person]:
        """The person of each face, after those whose looks are another's have been replaced."""
        met = list(met)
        means: dict[int, Look] = {}
        for index, (person, look) in enumerate(zip(met, looks, strict=True)):
            mean = person.identity.see(stamp_s, look)
            if mean is not None:
                means[index] = mean
        gone = {i for i, mean in means.items() if met[i].identity.is_anothers(mean)}
        for index in gone:
            self._leave(met[index])
        for index, mean in means.items():
            before = person = met[index]
            if index in gone:
                person = self._recall(stamp_s, mean, found[index], met) or self._new(found[index])
            elif before.identity.on_trial(stamp_s):
                person = self._recall(stamp_s, mean, found[index], met) or before
            person.identity.accept(stamp_s, mean)
            if person is not before:
                self._replace(before, person)
                met[index] = person
        return met

    def _leave(self, person: Person) -> None:
        """Another person is where this one was."""
        person.lose()
        self.near.remove(person)
        self.absent.append(person)

    def _replace(self, before: Person, person: Person) -> None:
        """Go on with the face of ``before`` as another person's."""
        self.near = [p for p in self.near if p not in (before, person)] + [person]

    def _new(self, sighting: Sighting) -> Person:
        self.met += 1
        return Person(self.met, self._config, sighting)


def _apart(person: Person, sighting: Sighting) -> float:
    """Distance across the view in metres; the distance from the camera is less precise."""
    return float(np.linalg.norm((sighting.place - person.place)[:2]))


def _reach(person: Person, stamp_s: float) -> float:
    """Largest distance in metres at which a face may be this person's."""
    return JUMP_M + HEAD_SPEED_M_S * min(stamp_s - person.last_s, SAME_S)
