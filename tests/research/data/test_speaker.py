"""The speaker's face: feelings in proportion, and movements that mean nothing."""

from dataclasses import dataclass, field

import numpy as np
import pytest

from reactface_node.research.data import behaviour
from reactface_node.research.data.distractors import MOVEMENTS, distract
from reactface_node.research.data.feelings import MISREAD_SMILE, PROTOTYPES, show_feelings
from reactface_node.research.data.phonemes import VISEME_NAMES
from reactface_node.research.data.script import (
    ANGER,
    CRY,
    FEELINGS,
    GRIMACE,
    LAUGH,
    SMILE,
    THINKING,
    Episode,
    Phrase,
    Script,
    draw_script,
)
from reactface_node.research.data.speaker import Acted, Manner, act, draw_manner
from reactface_node.schema import ROTATION, index_of, indices_of

CALM = Manner(articulation=1.0, expressiveness=1.0, head=1.0, blinks_per_min=20.0, attention=0.85)
SECONDS = 40.0


@dataclass(frozen=True, eq=False)
class Said:
    """What a voice gives for the face; the jaw moves in phrases."""

    visemes: np.ndarray
    speaking: np.ndarray
    stresses_s: np.ndarray = field(default_factory=lambda: np.zeros(0))
    emphases_s: np.ndarray = field(default_factory=lambda: np.zeros(0))


def said(script: Script) -> Said:
    frames = round(25 * script.seconds)
    speaking = np.zeros(frames, bool)
    for phrase in script.phrases:
        speaking[round(25 * phrase.start_s) : round(25 * phrase.end_s)] = True
    visemes = np.zeros((frames, len(VISEME_NAMES)))
    visemes[:, 0] = speaking * (0.2 + 0.2 * np.sin(np.arange(frames) * 0.8))
    starts = np.array([phrase.start_s + 0.2 for phrase in script.phrases])
    return Said(visemes, speaking, starts, starts[::3])


def show(*episodes: Episode, seconds: float = 12.0, manner: Manner = CALM, seed: int = 0) -> Acted:
    script = Script(seconds, (Phrase(0.5, seconds - 1),), episodes)
    return act(np.random.default_rng(seed), script, said(script), manner)


def mean_of(face: np.ndarray, stem: str) -> np.ndarray:
    return face[:, indices_of(stem)].mean(axis=1)


@pytest.fixture(scope="module")
def clips() -> list[tuple[Script, Said, Acted]]:
    made = []
    for index in range(120):
        rng = np.random.default_rng([2, index])
        script = draw_script(rng, SECONDS)
        speech = said(script)
        made.append((script, speech, act(rng, script, speech, draw_manner(rng))))
    return made


@pytest.fixture(scope="module")
def smiling(clips: list[tuple[Script, Said, Acted]]) -> np.ndarray:
    return np.concatenate([one.shown[SMILE] + one.shown[LAUGH] for _, _, one in clips])


@pytest.fixture(scope="module")
def faces(clips: list[tuple[Script, Said, Acted]]) -> np.ndarray:
    return np.concatenate([one.face for _, _, one in clips])


def test_shapes_types_and_the_same_seed(clips: list[tuple[Script, Said, Acted]]):
    rng = np.random.default_rng([2, 0])
    script = draw_script(rng, SECONDS)
    again = act(rng, script, said(script), draw_manner(rng))
    first = clips[0][2]
    assert np.array_equal(first.face, again.face)
    assert all(np.array_equal(first.shown[kind], again.shown[kind]) for kind in FEELINGS)
    for _, _, acted in clips:
        assert acted.face.shape == (1000, 58) and acted.face.dtype == np.float32
        assert set(acted.shown) == set(FEELINGS)
        assert all(one.min() >= 0 and one.max() <= 1 for one in acted.shown.values())
        assert acted.face[:, :52].min() >= 0 and acted.face[:, :52].max() <= 1
        assert np.abs(acted.face[:, ROTATION]).max() < np.radians(35)


@pytest.mark.parametrize("kind", [SMILE, LAUGH])
@pytest.mark.parametrize("strength", [0.1, 0.5, 1.0])
def test_what_is_shown_of_a_smile_is_what_it_adds_to_the_face(kind: str, strength: float):
    for seed in range(10):
        acted = show(Episode(kind, 4, 6, strength), seed=seed)
        assert mean_of(acted.face, "mouthSmile") == pytest.approx(acted.shown[kind], abs=1e-6)
        assert acted.shown[kind].max() == pytest.approx(0.93 * strength, rel=0.45)
        assert not acted.shown[kind][:100].any() and not acted.shown[kind][220:].any()


def test_only_smiles_and_laughs_have_a_smile(clips: list[tuple[Script, Said, Acted]]):
    for script, _, acted in clips:
        other = mean_of(acted.face, "mouthSmile") - acted.shown[SMILE] - acted.shown[LAUGH]
        assert np.abs(other).max() < MISREAD_SMILE + 0.12
        feels = any(one.kind in (CRY, GRIMACE, ANGER) for one in script.episodes)
        assert feels or np.abs(other).max() < 0.13


@pytest.mark.parametrize("kind", sorted({*FEELINGS} - {SMILE, LAUGH}))
def test_no_other_feeling_shows_a_smile(kind: str):
    for seed in range(10):
        acted = show(Episode(kind, 4, 7, 1.0), seed=seed)
        assert not acted.shown[SMILE].any() and not acted.shown[LAUGH].any()
        assert mean_of(acted.face, "mouthSmile").max() < MISREAD_SMILE + 0.05
        assert acted.shown[kind].max() > 0.9


def test_crying_yelling_and_grimacing_move_what_they_should():
    for kind, stems in (
        (CRY, ("eyeSquint", "browInnerUp", "mouthStretch", "jawOpen")),
        (ANGER, ("browDown", "noseSneer", "jawOpen")),
        (GRIMACE, ("eyeSquint", "cheekSquint", "mouthStretch", "noseSneer")),
    ):
        faces = [show(Episode(kind, 4, 7, 1.0), seed=seed).face for seed in range(12)]
        for stem in stems:
            change = [mean_of(f, stem)[125:170].max() - mean_of(f, stem)[:95].max() for f in faces]
            assert np.mean(change) > 0.15, (kind, stem)


def test_a_yell_opens_the_mouth_wide_with_a_voice_and_without():
    for voice in (True, False):
        loud = show(Episode(ANGER, 4, 8, 1.0, voice=voice)).face[:, index_of("jawOpen")]
        quiet = show(Episode(ANGER, 4, 8, 0.4, voice=voice)).face[:, index_of("jawOpen")]
        assert loud[110:200].max() > 0.8 and quiet.max() < 0.5


def test_a_feeling_of_the_voice_alone_leaves_the_face_as_it_is():
    heard = show(Episode(LAUGH, 4, 6, 1.0, face=False))
    assert not heard.shown[LAUGH].any() and not mean_of(heard.face, "mouthSmile").any()


def test_people_and_episodes_weigh_facial_actions_differently():
    def squint(person: int, seed: int) -> float:
        face = np.zeros((300, 58))
        script = Script(12.0, (), (Episode(GRIMACE, 4, 6, 1.0),))
        show_feelings(np.random.default_rng(seed), face, script, np.zeros(300, bool), person)
        return float(mean_of(face, "eyeSquint").max())

    assert np.std([squint(person, 0) for person in range(20)]) > 0.03
    assert np.std([squint(0, seed) for seed in range(20)]) > 0.03
    assert squint(3, 4) == squint(3, 4)


def test_sides_differ_as_in_people(faces: np.ndarray):
    def sides(stem: str) -> float:
        left, right = faces[:, indices_of(stem)].T.astype(float)
        shows = left + right > 0.4
        return float(np.abs(left - right)[shows].mean() / (left + right)[shows].mean() * 2)

    assert sides("mouthSmile") == pytest.approx(0.09, abs=0.025)
    kinds = [Episode(SMILE, 4, 6, 0.8), Episode(LAUGH, 4, 6, 0.8)]
    shown = np.concatenate([show(one, seed=seed).face for one in kinds for seed in range(60)])
    left, right = shown[:, indices_of("cheekSquint")].T
    shows = left + right > 0.2
    assert np.abs(left - right)[shows].mean() / (left + right)[shows].mean() * 2 == pytest.approx(
        0.21, abs=0.06
    )


@pytest.mark.parametrize(
    "stem",
    [
        *("eyeSquint", "browDown", "browInnerUp", "browOuterUp", "mouthPress", "mouthStretch"),
        *("mouthDimple", "mouthPucker", "mouthFrown", "noseSneer", "jawOpen", "eyeBlink"),
        *("eyeLookDown", "mouthShrugLower", "mouthRollLower", "mouthUpperUp"),
    ],
)
def test_nothing_else_goes_with_the_smile(faces: np.ndarray, smiling: np.ndarray, stem: str):
    assert abs(np.corrcoef(mean_of(faces, stem), smiling)[0, 1]) < 0.15


def test_cheeks_are_raised_without_a_smile_as_often_as_with_one(
    faces: np.ndarray, smiling: np.ndarray
):
    cheeks = mean_of(faces, "cheekSquint")
    assert abs(np.corrcoef(cheeks, smiling)[0, 1]) < 0.3
    assert (smiling[cheeks > 0.2] < 0.02).mean() > 0.5


def test_movements_cover_their_range_and_rest_at_zero():
    idle = np.concatenate([distract(np.random.default_rng(i), 1000, 1.0, i) for i in range(150)])
    for stem in {stem for movement in MOVEMENTS for stem in movement.stems}:
        values = mean_of(idle, stem) if len(indices_of(stem)) > 1 else idle[:, index_of(stem)]
        assert values.max() > 0.8, stem
        assert (values == 0).mean() > 0.6, stem
    assert not idle[:, 52:].any()
    assert mean_of(idle, "mouthSmile").max() < 0.13
    assert not distract(np.random.default_rng(0), 1000, 0.0, 0).any()


def test_movements_last_from_a_moment_to_seconds():
    idle = [
        distract(np.random.default_rng(i), 2000, 1.0, i)[:, index_of("eyeSquintLeft")]
        for i in range(60)
    ]
    lengths = [e - s for one in idle for s, e in behaviour.intervals(one > 0.02) if e < 79]
    assert np.quantile(lengths, 0.05) < 0.4 and np.quantile(lengths, 0.95) > 1.5


def test_speakers_look_at_the_listener_as_people_do(clips: list[tuple[Script, Said, Acted]]):
    on = [
        ~behaviour.looks_away(acted.face)[speech.speaking]
        for script, speech, acted in clips
        if not script.still_s and speech.speaking.any()
    ]
    assert 0.73 < np.concatenate(on).mean() < 0.81


def test_a_thinking_face_looks_away_with_a_pressed_mouth():
    found = [behaviour.thinking(show(Episode(THINKING, 5, 7, 1.0), seed=s).face) for s in range(20)]
    hits = [any(start < 7 and end > 5 for start, end in one) for one in found]
    assert np.mean(hits) > 0.8


def test_the_head_moves_slowly_and_more_in_speech(clips: list[tuple[Script, Said, Acted]]):
    def spread(flag: bool) -> np.ndarray:
        parts = [
            acted.face[speech.speaking == flag][:, ROTATION].var(axis=0)
            for script, speech, acted in clips
            if not script.still_s and 100 < speech.speaking.sum() < 900
        ]
        return np.degrees(np.sqrt(np.mean(parts, axis=0)))

    talking, silent = spread(True), spread(False)
    assert (talking > 1.5).all() and (talking < 6).all() and (silent < talking).all()
    rotation = np.stack([acted.face[:, ROTATION] for _, _, acted in clips])
    power = (np.abs(np.fft.rfft(rotation, axis=1)) ** 2).mean(axis=0)
    hz = np.fft.rfftfreq(1000, 1 / 25)
    slow = power[(hz >= 0.2) & (hz <= 1.1)].sum(axis=0)
    assert (slow > 5 * power[hz > 1.1].sum(axis=0)).all()


def test_still_people_hardly_move(clips: list[tuple[Script, Said, Acted]]):
    still = [one.face for script, _, one in clips if script.still_s == ((0.0, SECONDS),)]
    assert still
    for face in still:
        assert np.degrees(face[:, ROTATION].std(axis=0)).max() < 0.2
        lids = [index_of(name) for name in ("eyeBlinkLeft", "eyeBlinkRight")]
        down = [index_of(name) for name in ("eyeLookDownLeft", "eyeLookDownRight")]
        rest = [k for k in range(52) if k not in lids + down]
        assert not face[:, rest].any() and face[:, lids].max() > 0.9


def test_blinks_are_short_and_some_are_long(clips: list[tuple[Script, Said, Acted]]):
    found = [behaviour.blinks(acted.face) for _, _, acted in clips]
    lengths = np.array([end - start for many in found for start, end in many])
    assert 15 < len(lengths) / (len(clips) * SECONDS / 60) < 28
    assert 0.07 < np.median(lengths[lengths < 0.4]) < 0.125
    assert 0.02 < np.mean(lengths >= 0.4) < 0.12


def test_every_feeling_has_a_prototype():
    assert set(PROTOTYPES) == set(FEELINGS)
