"""Scripts: human numbers of phrases, pauses, laughs and feelings."""

import numpy as np
import pytest

from reactface_node.research.data import behaviour
from reactface_node.research.data.script import (
    CONFUSION,
    FEELINGS,
    LAUGH,
    RARE,
    SMILE,
    SURPRISE,
    THINKING,
    Episode,
    Script,
    draw_script,
    draw_talk,
)
from reactface_node.research.evaluation import human
from reactface_node.research.evaluation.meeting import Meeting
from reactface_node.research.evaluation.people import measure_speakers

SECONDS = 40.0


@pytest.fixture(scope="module")
def scripts() -> list[Script]:
    return [draw_script(np.random.default_rng([1, index]), SECONDS) for index in range(200)]


@pytest.fixture(scope="module")
def talkers(scripts: list[Script]) -> list[Script]:
    return [one for one in scripts if len(one.phrases) > 3 and not one.still_s]


def spans(script: Script, *kinds: str) -> list[tuple[float, float]]:
    return [(one.start_s, one.end_s) for one in script.episodes if one.kind in kinds]


def in_tens(scripts: list[Script], *kinds: str) -> float:
    found = [behaviour.in_tens(spans(one, *kinds), SECONDS) for one in scripts]
    return sum(hits for hits, _ in found) / sum(parts for _, parts in found)


def meeting(script: Script) -> Meeting:
    speaking = np.zeros(round(25 * script.seconds), bool)
    for phrase in script.phrases:
        speaking[round(25 * phrase.start_s) : round(25 * phrase.end_s)] = True
    nobody = np.zeros((1, len(speaking), 58))
    return Meeting(nobody, ("",), nobody[0], speaking, tuple(spans(script, LAUGH)))


def test_phrases_pauses_and_laughs_have_human_lengths_and_rates(scripts: list[Script]):
    measured = measure_speakers([meeting(one) for one in scripts])
    for statistic in human.SPEAKER:
        assert statistic.holds(measured[statistic.key]), statistic.key
    assert measured["phrase_median"] == pytest.approx(1.82, rel=0.15)
    assert measured["pause_median"] == pytest.approx(0.55, rel=0.15)
    assert measured["laughs"] == pytest.approx(1.1, rel=0.25)


def test_feelings_are_as_frequent_as_in_people(talkers: list[Script]):
    smiles = [
        behaviour.in_tens(
            [(e.start_s, e.end_s) for e in one.episodes if e.kind in (SMILE, LAUGH) and e.face],
            SECONDS,
        )
        for one in talkers
    ]
    share = sum(hits for hits, _ in smiles) / sum(parts for _, parts in smiles)
    assert share == pytest.approx(0.51, rel=0.15)
    assert in_tens(talkers, SURPRISE) == pytest.approx(0.10, rel=0.35)
    assert in_tens(talkers, CONFUSION) == pytest.approx(0.11, rel=0.35)
    assert in_tens(talkers, THINKING) == pytest.approx(0.50, rel=0.15)


def test_one_clip_in_three_holds_a_rare_feeling(scripts: list[Script]):
    holds = [any(one.kind in RARE for one in script.episodes) for script in scripts]
    assert 0.25 < np.mean(holds) < 0.42
    seen = {one.kind for script in scripts for one in script.episodes}
    assert seen == set(FEELINGS)


def test_smiles_are_weak_as_often_as_strong(scripts: list[Script]):
    strengths = [e.strength for one in scripts for e in one.episodes if e.kind == SMILE]
    assert min(strengths) >= 0.05 and max(strengths) <= 1
    shares = np.histogram(strengths, [0.05, 0.3, 0.55, 0.8, 1.0])[0] / len(strengths)
    assert shares.min() > 0.15 and shares.max() < 0.35


def test_feelings_exclude_each_other_but_not_speech(scripts: list[Script]):
    during = 0
    for script in scripts:
        for first, second in zip(script.episodes, script.episodes[1:], strict=False):
            assert second.start_s > first.end_s
        during += sum(
            phrase.start_s < one.end_s and phrase.end_s > one.start_s
            for phrase in script.phrases
            for one in script.episodes
        )
    assert during > 1000


def test_some_are_silent_for_long_still_or_not(scripts: list[Script]):
    silent = [one for one in scripts if not one.phrases]
    assert 5 < len(silent) < 25
    still = [one for one in silent if one.still_s == ((0.0, SECONDS),)]
    assert 0 < len(still) < len(silent)
    assert not any(one.episodes for one in still)
    feeling = [e for one in silent for e in one.episodes]
    assert feeling and all(e.face and not e.voice for e in feeling)
    parts = [one for one in scripts if one.phrases and one.still_s]
    assert parts
    for script in parts:
        ((start, end),) = script.still_s
        assert end - start >= 5.0
        assert all(p.end_s <= start or p.start_s >= end for p in script.phrases)
        assert all(e.end_s <= start or e.start_s >= end for e in script.episodes)


def test_some_feelings_are_only_heard_and_some_only_seen(talkers: list[Script]):
    episodes = [one for script in talkers for one in script.episodes]
    assert 0.08 < np.mean([not one.face for one in episodes]) < 0.17
    assert 0.14 < np.mean([not one.voice for one in episodes]) < 0.3
    assert all(one.face or one.voice for one in episodes)
    heard = {
        (e.start_s, e.end_s) for s in talkers for e in s.episodes if e.kind == LAUGH and e.voice
    }
    laughed = {(p.start_s, p.end_s) for s in talkers for p in s.phrases if p.laughed}
    assert laughed == heard


def test_phrases_are_in_order_and_inside_the_clip(scripts: list[Script]):
    for script in scripts:
        edges = [edge for phrase in script.phrases for edge in (phrase.start_s, phrase.end_s)]
        assert edges == sorted(edges) and all(0 <= edge <= SECONDS for edge in edges)


@pytest.mark.parametrize("seconds", [1.0, 4.04, 20.0])
def test_the_same_seed_gives_the_same_script_of_any_length(seconds: float):
    for seed in range(20):
        first, again = (draw_script(np.random.default_rng(seed), seconds) for _ in range(2))
        assert first == again
        assert all(0 <= e.start_s < e.end_s <= seconds for e in first.episodes)
    assert draw_script(np.random.default_rng(1), 20.0) != draw_script(
        np.random.default_rng(2), 20.0
    )


def test_talk_alone_has_no_laugh_and_no_silence():
    for seed in range(20):
        phrases = draw_talk(np.random.default_rng(seed), 30.0)
        assert sum(one.end_s - one.start_s for one in phrases) > 12
        assert not any(one.laughed for one in phrases)


def test_strong_anger_yells():
    assert Episode("anger", 0, 1, 0.8).yells
    assert not Episode("anger", 0, 1, 0.3).yells and not Episode("cry", 0, 1, 1.0).yells
