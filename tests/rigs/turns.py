"""Two people side by side who take turns, made of the real clips and their sound."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np

from reactface_node.media.audio import AudioStats, to_mono
from reactface_node.media.video import AudioInput, read_video
from rigs.clips import frames_of
from rigs.paths import SHARED

SIDE_PX = 320
RATE_HZ = 44100


@cache
def pictures(name):
    """(n,) stamps in seconds and (n, 320, 320, 3) images of a clip, its middle."""
    stamps, images = zip(*frames_of(name), strict=True)
    return np.array(stamps), np.stack([_square(image) for image in images])


def _square(image):
    side = min(image.shape[:2])
    top, left = ((length - side) // 2 for length in image.shape[:2])
    middle = image[top : top + side, left : left + side]
    return cv2.resize(middle, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA)


@cache
def sound_of(name):
    """(n,) float32, the mono sound of a clip at 44.1 kHz."""
    items = read_video(SHARED / "clips" / f"{name}.mp4")
    chunks = [to_mono(i.samples, AudioStats()) for i in items if isinstance(i, AudioInput)]
    return np.concatenate(chunks)


def looped(name, start_s, end_s):
    """A person: part of a clip again and again, as a function of time in seconds."""

    def at(time_s):
        return _nearest(name, start_s + time_s % (end_s - start_s))

    return at


def held(name, start_s, end_s):
    """A person: part of a clip once, then its last image, as a function of time in seconds; the
    head sways by 1.5 degrees, since a picture that does not move is taken for a poster."""

    def at(time_s):
        angle = 1.5 * np.sin(2 * np.pi * time_s / 4.0)
        turn = cv2.getRotationMatrix2D((SIDE_PX / 2, SIDE_PX / 2), float(angle), 1.0)
        image = _nearest(name, min(start_s + time_s, end_s))
        return cv2.warpAffine(image, turn, (SIDE_PX, SIDE_PX), borderMode=cv2.BORDER_REPLICATE)

    return at


def _nearest(name, time_s):
    stamps, images = pictures(name)
    return images[max(int(np.searchsorted(stamps, time_s + 1e-6)) - 1, 0)]


def looped_sound(name, start_s, end_s, seconds):
    """(n,) float32: part of a clip's sound again and again for some seconds."""
    part = sound_of(name)[round(start_s * RATE_HZ) : round(end_s * RATE_HZ)]
    return np.resize(part, round(seconds * RATE_HZ))


@dataclass(frozen=True, eq=False)
class Seen:
    """One image of a conversation. time_s: since its start. talker, followed: -1 = left, 1 = right;
    followed is 0 for nobody. person: the followed person's number."""

    time_s: float
    talker: int
    followed: int
    person: int


@dataclass(frozen=True, eq=False)
class Talk:
    """A conversation of turns. talker and other: people as functions of time; the talker is on the
    left at first, and the picture is mirrored for every second turn. sound: (n,) at ``rate_hz``."""

    talker: Callable[[float], np.ndarray]
    other: Callable[[float], np.ndarray]
    sound: np.ndarray
    turns: int = 6
    turn_s: float = 5.0
    rate_hz: int = RATE_HZ

    def image(self, time_s):
        """(320, 640, 3) uint8."""
        turn, within_s = divmod(time_s + 1e-9, self.turn_s)
        both = np.concatenate([self.talker(within_s), self.other(within_s)], axis=1)
        return np.ascontiguousarray(both[:, ::-1] if turn % 2 else both)

    def track(self, tracker, fps=25.0, chunk_s=0.02, late_s=0.0):
        """What a tracker follows, an image. late_s: delay of the sound's arrival."""
        seen, chunk, count = [], 0, round(chunk_s * self.rate_hz)
        for index in range(round(self.turns * self.turn_s * fps)):
            time_s = index / fps
            while (chunk + 1) * count / self.rate_hz + late_s <= time_s:
                samples = self.sound[chunk * count : (chunk + 1) * count]
                tracker.hear(chunk * count / self.rate_hz, samples, self.rate_hz)
                chunk += 1
            found = tracker.track(time_s, self.image(time_s))
            talker = 1 if int((time_s + 1e-9) / self.turn_s) % 2 else -1
            seen.append(Seen(time_s, talker, _side(tracker.face), found.person))
        return seen


def _side(face):
    if face is None:
        return 0
    return 1 if face.landmarks[:, 0].mean() > 0.5 else -1


def shares(seen, turn_s=5.0):
    """By turn after the first: the share of images in which the talker is followed, and the seconds
    until it is followed for the first time."""
    found = []
    for turn in range(1, round(seen[-1].time_s / turn_s)):
        images = [one for one in seen if turn * turn_s <= one.time_s + 1e-9 < (turn + 1) * turn_s]
        right = np.array([one.followed == one.talker for one in images])
        first = images[int(right.argmax())].time_s - images[0].time_s if right.any() else np.inf
        found.append((float(right.mean()), first))
    return found
