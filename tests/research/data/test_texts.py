"""Sentences of about a wanted length, of which there are many."""

import numpy as np
import pytest

from reactface_node.research.data.texts import count_syllables, draw_text


@pytest.mark.parametrize("syllables", [1, 3, 8, 15, 30])
@pytest.mark.parametrize("asks", [False, True])
def test_texts_have_about_the_wanted_length(syllables, asks):
    rng = np.random.default_rng(0)
    counts = [count_syllables(draw_text(rng, syllables, asks)) for _ in range(30)]
    assert np.mean(np.abs(np.array(counts) - syllables)) < 2
    assert all(draw_text(rng, syllables, asks)[-1] == ".?"[asks] for _ in range(10))


def test_thousands_of_texts_differ_and_a_seed_gives_the_same():
    texts = [draw_text(np.random.default_rng(seed), 12) for seed in range(1000)]
    assert len(set(texts)) > 800
    assert texts[:50] == [draw_text(np.random.default_rng(seed), 12) for seed in range(50)]


def test_hesitations_come_first():
    rng = np.random.default_rng(0)
    firsts = {draw_text(rng, 10, hesitates=True).split(",")[0] for _ in range(60)}
    assert firsts <= {"Um", "Uh", "Well", "Hmm", "Let me think", "Er"} and len(firsts) > 3


def test_syllables_are_counted():
    counted = {"I know": 2, "beautiful table": 5, "baked walked": 2, "the piano": 3}
    for text, count in counted.items():
        assert abs(count_syllables(text) - count) <= 1
