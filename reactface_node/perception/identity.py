"""Identity of a face: tells from its proportions and look whether it is another person's.

Measured on 18 real people (see docs/profiles.md): lengths between landmarks that expressions move
little, and a small grey picture of the middle of the face. Each alone takes 4 to 6 % of the other
people for the same person where it knows the person in 95 of 100 cases; both together 1 %.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

from reactface_node.media.pictures import thinned
from reactface_node.perception.geometry import (
    LEFT_EYE,
    RIGHT_EYE,
    RIGID,
    face_shape,
    without_perspective,
)

# Two landmarks -> how far their distance on the generic face lies from the person's median, RMS in
# millimetres, in images of one person (means of 0.2 s, 18 people, equal weights).
_LENGTHS = {
    (234, 454): 1.35,  # width at the cheekbones
    (150, 379): 1.53,  # width of the jaw
    (148, 377): 0.70,  # width of the chin
    (33, 263): 1.31,  # width of both eyes
    (98, 327): 1.82,  # width of the nose
    (168, 2): 1.15,  # length of the nose
    (4, 2): 0.77,  # height of its tip
    (10, 168): 1.12,  # height of the forehead
}
_PAIRS = np.array(list(_LENGTHS)).T
_SPREAD_MM = np.array(list(_LENGTHS.values()))
_QUARTERS = ((0, 0), (0, 1), (1, 0), (1, 1))
PICTURE_PX, SAMPLED_PX, PICTURE_EYES = 16, 64, 1.47
"""Side of the grey picture: in pixels, in pixels before it is shrunk, and in distances between the
outer corners of the eyes."""
SCENE_PX, SCENE_SAMPLED_PX = (32, 24), 128
JUMP, DROP = 0.78, 0.12
"""Likeness (correlation) of two consecutive pictures below which the face may be another's, and
how much less it must be than the likeness before and after: a fast turn of the head lasts longer
than from one image to the next. All 306 cuts between 18 people lay below JUMP."""
CUT = 0.66
"""Likeness of the whole images below which the scene was cut: 95 of 100 cuts, fewer than 1 in 1000
pairs of consecutive images of one scene at 25 Hz."""
COVERED_JUMP, QUARTERS = 0.72, 0.85
"""A face may only be covered in part, or be lit from another side: the likeness of the second most
alike quarter must be low too, and without a cut of the scene that of the pictures lower."""
LIMIT, LIMIT_AT_CUT = 1.0, 0.85
"""Difference above which a look is another person's, without and with a cut of the scene."""
TRIAL_S = 1.5
"""Time for which a new person is compared with those who were there before."""
DECIDE_S = 0.16
"""Time over which the images after such a jump, or after a time without the face, are averaged."""
PERIOD_S, KEPT = 0.2, 150
"""Period at which a person's images are kept as samples, and how many are kept: 30 s."""
# A difference of 1 is the limit between a person and another one: squares of the lengths' mean
# deviation, in spreads, or the picture's lack of correlation. Found by trial.
_LENGTHS_LIMIT, _PICTURE_LIMIT = 4.4, 0.55


@dataclass(frozen=True, eq=False)
class Look:
    """Lengths of a face (n,) in millimetres on the generic face, and grey pictures of mean 0 and
    norm 1: of its middle (256,), and of the whole image (768,)."""

    lengths: np.ndarray
    picture: np.ndarray
    scene: np.ndarray


def scene_of(image: np.ndarray) -> np.ndarray:
    """An image (H, W, 3) uint8 as a grey picture (768,)."""
    step = max(1, image.shape[1] // SCENE_SAMPLED_PX)
    small = cv2.resize(thinned(image, step), SCENE_PX, interpolation=cv2.INTER_AREA)
    return _normalised(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).ravel().astype(float))


def look_at(image: np.ndarray, points: np.ndarray, scene: np.ndarray) -> Look:
    """The look of a face in an image (H, W, 3) uint8; points: its landmarks (478, 3) in pixels in
    our axes. scene: the whole image, by ``scene_of``."""
    height, width = image.shape[:2]
    shape = 1000.0 * face_shape(without_perspective(points, width, height))
    lengths = np.linalg.norm(shape[_PAIRS[0]] - shape[_PAIRS[1]], axis=1)
    return Look(lengths, _picture(image, points[:, :2] * [1.0, -1.0]), scene)


def mean_look(looks: Sequence[Look]) -> Look:
    """The mean of several looks."""
    return Look(
        np.mean([look.lengths for look in looks], axis=0),
        _normalised(np.mean([look.picture for look in looks], axis=0)),
        looks[-1].scene,
    )


@dataclass(eq=False)
class _Doubt:
    """Looks since a time at which the face may have become another's.

    Likeness of consecutive looks: before, at the change to the first look, and the least one after.
    limit: difference above which the looks are another person's.
    """

    since_s: float
    before: float
    jump: float
    limit: float
    after: float = np.inf
    looks: list[Look] = field(default_factory=list)


class Identity:
    """What is known of one person's face."""

    def __init__(self) -> None:
        self._samples: deque[Look] = deque(maxlen=KEPT)
        self._sampled_s = -np.inf
        self._began_s: float | None = None
        self._last: Look | None = None
        self._likeness = 1.0
        self._doubt: _Doubt | None = None

    @property
    def is_known(self) -> bool:
        """Whether there is a sample to compare a look with."""
        return bool(self._samples)

    def lose(self) -> None:
        """The face was not seen: the next one may be another's."""
        self._last = self._doubt = None

    def on_trial(self, stamp_s: float) -> bool:
        """Whether the person is so new that it may be one who was there before."""
        return self._began_s is None or stamp_s - self._began_s < TRIAL_S

    def see(self, stamp_s: float, look: Look) -> Look | None:
        """Learn a look; nothing is learned from looks that may be another's.

        Returns None, or ``DECIDE_S`` after such looks began their mean: the caller compares it and
        calls ``accept`` of the person to whom it belongs.
        """
        before, self._likeness = self._likeness, 1.0
        if self._last is not None:
            self._likeness = _likeness(look.picture, self._last.picture)
        jump = -np.inf if self._last is None else self._likeness
        if self._doubt is None and (jump < JUMP or self.on_trial(stamp_s)):
            self._doubt = _Doubt(stamp_s, before, jump, _limit(self._last, look))
        elif self._doubt is not None:
            self._doubt.after = min(self._doubt.after, self._likeness)
        self._last = look
        if self._doubt is None:
            self._learn(stamp_s, look)
            return None
        self._doubt.looks.append(look)
        if stamp_s - self._doubt.since_s < DECIDE_S or len(self._doubt.looks) < 2:
            return None
        return mean_look(self._doubt.looks)

    def accept(self, stamp_s: float, look: Look) -> None:
        """The mean look that ``see`` of this or of another person gave is this person's."""
        self._began_s = stamp_s if self._began_s is None else self._began_s
        self._doubt, self._last = None, look
        self._sampled_s = -np.inf
        self._learn(stamp_s, look)

    def is_anothers(self, look: Look) -> bool:
        """Whether the mean look that ``see`` gave is of another person: it differs, and the change
        came from one image to the next."""
        doubt = self._doubt
        if not self._samples or doubt is None or doubt.jump >= JUMP:
            return False
        is_sharp = min(doubt.before, doubt.after) - doubt.jump >= DROP
        return is_sharp and self.difference(look) > doubt.limit

    def difference(self, look: Look) -> float:
        """How different a look is from the known ones; above ``LIMIT`` it is another person's.

        ValueError if nothing is known.
        """
        if not self._samples:
            raise ValueError("no look of this person is known")
        lengths = np.stack([sample.lengths for sample in self._samples])
        apart = (look.lengths - np.median(lengths, axis=0)) ** 2
        # Who was still until now may move more.
        spread = _SPREAD_MM**2 + np.maximum(lengths.var(axis=0), _SPREAD_MM**2)
        lengths_apart = float((apart / spread).mean())
        known = _normalised(np.mean([sample.picture for sample in self._samples], axis=0))
        picture_apart = 1.0 - _likeness(known, look.picture)
        return lengths_apart / _LENGTHS_LIMIT + picture_apart / _PICTURE_LIMIT

    def _learn(self, stamp_s: float, look: Look) -> None:
        if stamp_s - self._sampled_s >= PERIOD_S:
            self._sampled_s = stamp_s
            self._samples.append(look)


def _picture(image: np.ndarray, places: np.ndarray) -> np.ndarray:
    """The middle of the face as a grey picture (256,); places: (478, 2) in pixels, y down."""
    across = places[LEFT_EYE] - places[RIGHT_EYE]
    eyes_px = max(float(np.linalg.norm(across)), 1.0)
    cos, sin = SAMPLED_PX / (PICTURE_EYES * eyes_px) * across / eyes_px
    turn = np.array([[cos, sin], [-sin, cos]])
    shift = SAMPLED_PX / 2 - turn @ places[RIGID].mean(axis=0)
    large = cv2.warpAffine(
        image,
        np.column_stack([turn, shift]),
        (SAMPLED_PX, SAMPLED_PX),
        borderMode=cv2.BORDER_REPLICATE,
    )
    grey = cv2.cvtColor(large, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, (PICTURE_PX, PICTURE_PX), interpolation=cv2.INTER_AREA)
    return _normalised(small.ravel().astype(float))


def _normalised(values: np.ndarray) -> np.ndarray:
    """With mean 0 and norm 1; all 0 where there is no contrast."""
    centred = values - values.mean()
    result: np.ndarray = centred / max(float(np.linalg.norm(centred)), 1e-6)
    return result


def _likeness(first: np.ndarray, second: np.ndarray) -> float:
    """Correlation of two pictures; 1 if one of them shows nothing."""
    return float(first @ second) if first.any() and second.any() else 1.0


def _limit(before: Look | None, look: Look) -> float:
    """Difference above which a look is another person's than the look of the image before."""
    if before is None:
        return LIMIT
    if _likeness_of_quarters(before, look) >= QUARTERS:
        return np.inf
    if _likeness(before.scene, look.scene) < CUT:
        return LIMIT_AT_CUT
    return LIMIT if _likeness(before.picture, look.picture) < COVERED_JUMP else np.inf


def _likeness_of_quarters(first: Look, second: Look) -> float:
    """Likeness of the second most alike quarter of two pictures."""
    both = [
        look.picture.reshape(2, PICTURE_PX // 2, 2, PICTURE_PX // 2) for look in (first, second)
    ]
    quarters = [_likeness(*(_normalised(p[i, :, j].ravel()) for p in both)) for i, j in _QUARTERS]
    return sorted(quarters)[-2]
