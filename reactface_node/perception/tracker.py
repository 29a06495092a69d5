"""Face tracker: from the faces in an image to the coefficients of the followed person."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from typing import Protocol

import numpy as np

from reactface_node.config import PerceptionConfig
from reactface_node.media.pictures import narrowed, shrunk
from reactface_node.perception.face import Face, Sighting
from reactface_node.perception.following import LOST_S, PersonSelector
from reactface_node.perception.geometry import head_pose, to_pixels
from reactface_node.perception.hands import Hands, NoHands
from reactface_node.perception.lighting import Lighting
from reactface_node.perception.people import People
from reactface_node.perception.person import Person
from reactface_node.perception.reliability import reliability
from reactface_node.perception.silero import SileroModel
from reactface_node.perception.voice import VoiceActivity
from reactface_node.schema import NUM_COEFFICIENTS, Observation

HANDOVER_S = 0.32
"""Duration of the cross-fade from one person's face to the next: one window of 8 frames."""


class Finder(Protocol):
    """A landmark model; ``finders`` has MediaPipe's."""

    def find(self, stamp_s: float, image: np.ndarray) -> list[Face]:
        """All faces in an image, (H, W, 3) contiguous uint8 RGB."""
        ...

    def reset(self) -> None:
        """Forget all faces."""

    def close(self) -> None:
        """Free the model."""


class LandmarkTracker:
    """Tracks people from image to image and reads the one that ``PersonSelector`` follows.

    face: output of the landmark model for that person in the last image; None if not seen.
    """

    def __init__(
        self,
        config: PerceptionConfig,
        want_crop: bool,
        finder: Finder,
        hands: Hands | None = None,
        speech: SileroModel | None = None,
    ):
        """hands: None = hands before the face are not noticed. speech: hears who speaks; without
        it, loud sound counts as speech."""
        self.face: Face | None = None
        self._config = config
        self._people = People(config)
        self._max_width_px = config.max_width_px
        self._want_crop = want_crop
        self._finder = finder
        self._hands = hands or NoHands()
        self._warned_turned = False
        self._voice = VoiceActivity(speech)
        self._forget()

    @property
    def met(self) -> int:
        """Number of people so far."""
        return self._people.met

    def track(self, stamp_s: float, rgb: np.ndarray) -> Observation:
        """Image (H, W, 3) uint8 RGB of any size -> the observation of the followed person.

        stamp_s: seconds, increasing. ValueError for another shape or type.
        """
        if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3 or 0 in rgb.shape:
            raise ValueError(f"an image is (H, W, 3) uint8, not {rgb.shape} {rgb.dtype}")
        # MediaPipe ends the process for images with a side of 32767 pixels or more.
        rgb = shrunk(np.ascontiguousarray(rgb))
        image = narrowed(rgb, self._max_width_px)
        size = image.shape[1], image.shape[0]
        bright = self._lighting.brightened(image)
        found = list(_located(self._finder.find(stamp_s, bright), size))
        self._lighting.note([sighting.box for sighting in found])
        seen = list(zip(self._meet(stamp_s, bright, found), found, strict=True))
        read = {person.number: person.see(stamp_s, face) for person, face in seen}
        self._people.lose_all_but([person for person, _ in seen])
        chosen = self._selector.choose(stamp_s, self._living([person for person, _ in seen]))
        self.face = None
        if chosen is None:
            return replace(Observation.missing(), people=len(seen))
        sighting = next(face for person, face in seen if person is chosen)
        self.face = sighting.face
        self._warn_turned(chosen)
        crop = chosen.cut(rgb, sighting) if self._want_crop else None
        hands = self._hands.find(stamp_s, bright)
        shares, doubts = reliability(image, sighting.points, sighting.to_camera, hands)
        observation = replace(
            read[chosen.number], crop=crop, people=len(seen), reliability=shares, doubts=doubts
        )
        return self._handed_over(stamp_s, observation)

    def hear(self, stamp_s: float, mono: np.ndarray, rate_hz: float) -> None:
        """Note an audio chunk, (n,) float32 in [-1, 1]; stamp_s: time of its first sample."""
        self._voice.hear(stamp_s, mono, rate_hz)

    def change_person(self) -> None:
        """Treat the next face as another person; its coefficients fade in from the last ones."""
        self._people.clear()
        self._selector = PersonSelector(self._config.follow, self._voice)

    def narrow(self, max_width_px: int) -> None:
        """Shrink wider images to this width from now on."""
        self._max_width_px = max_width_px

    def reset(self) -> None:
        """Forget everybody; stamps may start anew."""
        self._forget()
        self._finder.reset()
        self._hands.reset()

    def close(self) -> None:
        """Free the models."""
        self._finder.close()
        self._hands.close()

    def _forget(self) -> None:
        self._lighting = Lighting()
        self._people.clear()
        self._voice.reset()
        self._selector = PersonSelector(self._config.follow, self._voice)
        self._shown, self._shown_s = np.zeros(NUM_COEFFICIENTS, np.float32), -np.inf
        self._shown_of = 0
        self._leaving: tuple[np.ndarray, float] | None = None

    def _meet(self, stamp_s: float, image: np.ndarray, found: list[Sighting]) -> list[Person]:
        """The person of each face. Who is followed and found to be another person is replaced by
        that one, unless the followed person is seen elsewhere."""
        met, before = self._people.meet(stamp_s, image, found)
        followed = self._selector.followed
        if followed in before and followed not in met:
            self._selector.follow(met[before.index(followed)])
        return met

    def _living(self, people: list[Person]) -> list[Person]:
        """Those whose faces move, or all if nobody's does: the others are posters or screens."""
        living = [person for person in people if not person.stillness.is_still]
        if living and self._selector.followed in people and self._selector.followed not in living:
            self._selector.follow(None)
        return living or people

    def _handed_over(self, stamp_s: float, observation: Observation) -> Observation:
        """Cross-fade from the last person's coefficients if the followed person has changed."""
        if observation.person != self._shown_of:
            # No fade from a face that was shown long ago.
            is_fresh = stamp_s - self._shown_s <= LOST_S + HANDOVER_S
            self._leaving = (self._shown, stamp_s) if is_fresh else None
        values = observation.coefficients
        if self._leaving is not None:
            before, since_s = self._leaving
            share = min(max((stamp_s - since_s) / HANDOVER_S, 0.0), 1.0)
            values = ((1.0 - share) * before + share * values).astype(np.float32)
            if share == 1.0:
                self._leaving = None
        self._shown, self._shown_of, self._shown_s = values, observation.person, stamp_s
        return replace(observation, coefficients=values)

    def _warn_turned(self, person: Person) -> None:
        if person.quarter_turns and not self._warned_turned:
            self._warned_turned = True
            how = {1: "on its side", 2: "upside down", 3: "on its side"}[person.quarter_turns]
            logging.getLogger(__name__).warning(
                "the face is %s: is the camera? It is read turned upright", how
            )


def _located(faces: list[Face], size: tuple[int, int]) -> Iterator[Sighting]:
    """The faces with their position; faces without a finite one are left out."""
    for face in faces:
        if np.isfinite(face.landmarks).all():
            points = to_pixels(face.landmarks, *size)
            pose = face.pose or head_pose(points, *size)
            if pose is not None:
                yield Sighting(face, size, points, *pose)
