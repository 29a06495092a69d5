"""Another face at the same place is another person; who comes back within a minute is known."""

import cv2
import numpy as np
import pytest
from rigs.clips import frames_of, needs_clips
from rigs.landmarks import drawn_landmarks, needs_facemesh

from reactface_node.config import PerceptionConfig
from reactface_node.perception import make_tracker
from reactface_node.perception.face import Face
from reactface_node.perception.finders import FaceMeshFinder
from reactface_node.perception.identity import Identity, look_at, scene_of
from reactface_node.perception.people import MOST_ABSENT, REMEMBERED_S
from reactface_node.perception.tracker import LandmarkTracker

SIZE = (120, 160)  # height, width
AT_ONCE_S = 0.3


class Cast:
    """A finder that gives the faces that a test puts in."""

    def __init__(self):
        self.faces = []

    def find(self, stamp_s, image):
        return list(self.faces)

    def reset(self):
        pass

    def close(self):
        pass


class Actor:
    """A person of a test: a face of other proportions, and a texture as its look."""

    def __init__(self, seed, x=0.5):
        rng = np.random.default_rng(seed)
        self._wide = 1.0 + 0.12 * (seed % 5)
        self.x = x
        coarse = rng.integers(40, 220, (12, 16))
        self.image = np.repeat(np.repeat(coarse, 10, 0), 10, 1)[..., None].repeat(3, 2)

    @property
    def face(self):
        landmarks = drawn_landmarks().copy()
        landmarks[:, 0] = self.x + self._wide * (landmarks[:, 0] - 0.5)
        return Face(landmarks)


class Stage:
    """Shows actors to a tracker and notes the numbers of the followed person."""

    def __init__(self, fps=25, **settings):
        self.cast, self.fps, self.now_s = Cast(), fps, 0.0
        self.tracker = LandmarkTracker(PerceptionConfig(**settings), False, self.cast)

    def show(self, seconds, *actors, image=None):
        """The person's number in each image; without an actor there is no face."""
        picture = image if image is not None else actors[0].image if actors else np.zeros(SIZE)
        numbers = []
        for _ in range(round(seconds * self.fps)):
            self.cast.faces = [actor.face for actor in actors]
            rgb = np.broadcast_to(picture.reshape(*SIZE, -1), (*SIZE, 3)).astype(np.uint8)
            numbers.append(self.tracker.track(self.now_s, rgb).person)
            self.now_s += 1 / self.fps
        return numbers


@pytest.mark.parametrize("fps", [8, 15, 25, 30, 60])
def test_another_face_at_the_same_place_is_another_person_within_0_3_s(fps):
    stage = Stage(fps)
    assert set(stage.show(2.0, Actor(0))) == {1}
    after = stage.show(2.0, Actor(1))
    assert after.index(2) / fps <= AT_ONCE_S
    assert set(after[after.index(2) :]) == {2}


@pytest.mark.parametrize("away_s", [0.2, 1.0])
def test_another_face_after_a_moment_without_one(away_s):
    stage = Stage()
    stage.show(2.0, Actor(0))
    stage.show(away_s)
    after = stage.show(1.0, Actor(1))
    assert after.index(2) / stage.fps <= AT_ONCE_S and after[-1] == 2


def test_light_from_the_side_and_a_hand_before_half_of_the_face_are_nobody_else():
    stage, actor = Stage(), Actor(0)
    stage.show(2.0, actor)
    light = np.linspace(0.3, 1.0, SIZE[1])[None, :, None]
    assert set(stage.show(1.0, actor, image=actor.image * light)) == {1}
    hand = actor.image.copy()
    hand[60:90, 50:110] = 150
    assert set(stage.show(1.0, actor, image=hand)) == {1}
    assert set(stage.show(1.0, actor)) == {1}


def test_who_comes_back_within_a_minute_is_known_at_any_place():
    stage = Stage()
    stage.show(2.0, Actor(0, x=0.3))
    stage.show(5.0)
    stage.now_s += 45.0
    assert set(stage.show(2.0, Actor(0, x=0.7), image=moved(Actor(0), 0.4))) == {1}


def moved(actor, x):
    """The actor's image, moved to the right by a share of its width."""
    return np.roll(actor.image, round(x * SIZE[1]), axis=1)


def test_people_who_take_turns_at_one_place_keep_their_numbers():
    stage, actors = Stage(), [Actor(seed) for seed in range(3)]
    for actor in actors:
        stage.show(2.0, actor)
    assert [stage.show(2.0, actor)[-1] for actor in actors] == [1, 2, 3]


def test_nobody_is_known_again_after_a_minute_a_reset_or_a_change_of_the_person():
    for forget in ("wait", "reset", "change"):
        stage = Stage()
        stage.show(2.0, Actor(0))
        stage.show(3.0)
        if forget == "wait":
            stage.now_s += REMEMBERED_S
        elif forget == "reset":
            stage.tracker.reset()
        else:
            stage.tracker.change_person()
        assert set(stage.show(1.0, Actor(0))) == {2}


def test_only_so_many_absent_people_are_remembered():
    stage, people = Stage(), MOST_ABSENT + 5
    for seed in range(people):
        stage.show(0.5, Actor(seed))
        stage.show(2.5)
    assert len(stage.tracker._people.absent) <= MOST_ABSENT


def test_two_who_come_back_get_their_own_numbers():
    stage = Stage(follow="nearest")
    first, second = Actor(0, x=0.3), Actor(3, x=0.7)
    both = np.where(np.arange(SIZE[1])[None, :, None] < 80, moved(first, -0.2), moved(second, 0.2))

    def numbers():
        stage.show(1.0, first, second, image=both)
        return [person.number for person in stage.tracker._people.near]

    before = sorted(numbers())
    stage.show(3.0)
    assert before == [1, 2] and sorted(numbers()) == before


def look_of(image, points):
    return look_at(image, points, scene_of(image))


def test_an_image_without_contrast_says_nothing():
    identity, points = Identity(), drawn_landmarks() * [160, -120, -160]
    look = look_of(np.full((*SIZE, 3), 77, np.uint8), points)
    assert not look.picture.any()
    identity.accept(0.0, look)
    assert identity.difference(look) == 0.0


def test_a_face_outside_the_image_has_a_look():
    points = drawn_landmarks() * [160, -120, -160] * 9.0
    look = look_of(Actor(0).image.astype(np.uint8), points)
    assert np.isfinite(look.lengths).all() and np.isfinite(look.picture).all()


def test_no_look_is_compared_with_nothing():
    with pytest.raises(ValueError, match="no look"):
        Identity().difference(look_of(np.zeros((*SIZE, 3), np.uint8), drawn_landmarks()))


def square_face(name, start_s, seconds):
    """(stamp in seconds, image 320x320) of a clip from start_s on, its face at the same place."""
    finder, box = FaceMeshFinder(PerceptionConfig(max_faces=1)), None
    for stamp_s, image in frames_of(name, start_s + seconds):
        if stamp_s < start_s:
            continue
        found = finder.find(stamp_s, image) if box is None else []
        if found:
            places = found[0].landmarks[:, :2] * image.shape[1::-1]
            low, high = places.min(axis=0), places.max(axis=0)
            box = (low + high) / 2, 160.0 / (high - low).max()
        if box is not None:
            (across, down), zoom = box
            shift = np.array([[zoom, 0, 160 - zoom * across], [0, zoom, 160 - zoom * down]])
            square = cv2.warpAffine(image, shift, (320, 320), borderMode=cv2.BORDER_REPLICATE)
            yield stamp_s - start_s, square
    finder.close()


@needs_facemesh
@pytest.mark.slow
@needs_clips
@pytest.mark.parametrize(
    ("first", "second"), [("d9", "d18"), ("d18", "s32"), ("d3", "d9"), ("d19", "d12")]
)
def test_a_cut_between_real_people_at_the_same_place(first, second):
    tracker = make_tracker(PerceptionConfig(landmarker=""), want_crop=False)
    numbers = [(t, tracker.track(t, image).person) for t, image in square_face(first, 0.0, 2.5)]
    cut_s = numbers[-1][0] + 0.04
    assert {number for _, number in numbers} == {1}
    after = [
        (t, tracker.track(cut_s + t, image).person) for t, image in square_face(second, 1.0, 1.5)
    ]
    tracker.close()
    assert min(t for t, number in after if number == 2) <= AT_ONCE_S
    assert after[-1][1] == 2


@needs_facemesh
@pytest.mark.slow
@needs_clips
@pytest.mark.parametrize("name", ["emotions_pexels", "d3", "d12"])
def test_one_real_person_stays_one(name):
    """With a hand before the face, grimaces and fast turns of the head."""
    tracker = make_tracker(PerceptionConfig(landmarker=""), want_crop=False)
    seen = {tracker.track(t, image).person for t, image in frames_of(name)}
    tracker.close()
    assert seen - {0} == {1}
