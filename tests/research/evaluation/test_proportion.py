"""The proportionality probe, on listeners with known answers."""

from dataclasses import fields

import numpy as np
import pytest
import torch
from rigs.model_inputs import small_config

from reactface_node.config import Config
from reactface_node.model.reactface import ReactFace
from reactface_node.research.evaluation import proportion
from reactface_node.research.evaluation.proportion import LEVELS, judge, speakers_showing, sweep
from reactface_node.schema import ARKIT_NAMES, indices_of, stem_of

STEMS = list(dict.fromkeys(stem_of(name) for name in ARKIT_NAMES))


def answers(**courses):
    """A course (L,) for the smile of four listeners by the speaker's channel; else no answer."""
    found = {stem: np.zeros((len(LEVELS), 4, 52)) for stem in STEMS}
    for stem, course in courses.items():
        found[stem][..., indices_of("mouthSmile")] = np.asarray(course)[:, None, None]
    return found


def passed(found):
    return [probe.passed for probe in found]


def test_a_graded_answer_passes():
    graded = np.interp(LEVELS, [0, 0.1, 0.3, 0.6, 1], [0, 0.06, 0.2, 0.4, 0.65])
    found = judge(answers(mouthSmile=graded))
    assert all(passed(found)), [probe.name for probe in found if not probe.passed]
    assert [probe.value for probe in found[3:7]] == pytest.approx([0.06, 0.2, 0.4, 0.65])


def test_a_switch_fails_at_its_step():
    found = judge(answers(mouthSmile=0.4 * (LEVELS > 0.08)))
    assert found[0].value == pytest.approx(0.4) and "(mouthSmile)" in found[0].name
    assert passed(found)[:4] == [False, True, True, False]


def test_an_answer_that_falls_fails():
    humped = 0.4 * np.sin(2 * LEVELS)
    found = judge(answers(mouthSmile=humped, jawOpen=0.1 * LEVELS))
    assert found[1].value == pytest.approx(0.4 * (1 - np.sin(2)), abs=0.002)
    assert "(mouthSmile)" in found[1].name and passed(found)[1:3] == [False, False]


def test_a_smile_at_a_squint_fails():
    found = {p.name: p for p in judge(answers(eyeSquint=0.1 * LEVELS))}
    assert not found["smile at eyeSquint alone, most"].passed
    assert found["smile at cheekSquint alone, most"].passed


def test_one_listener_who_falls_is_found():
    given = answers(mouthSmile=0.6 * LEVELS)
    given["mouthSmile"][-1, 2] -= 0.12
    found = judge(given)
    assert found[2].value == pytest.approx(0.09) and not found[2].passed
    assert found[1].passed


class Mirror:
    def react(self, speaker, samples, generator):
        noise = torch.rand(len(speaker.face), samples, 1, 1, generator=generator)
        return speaker.face[:, None] * torch.ones_like(noise)


def test_a_sweep_shows_one_channel_at_all_levels():
    found = sweep(Mirror(), Config(), "mouthFrown")
    assert found.shape == (21, 4, 52)
    assert found[:, 0, indices_of("mouthFrown")] == pytest.approx(np.stack([LEVELS, LEVELS], 1))
    assert np.delete(found, indices_of("mouthFrown"), axis=2).max() == 0
    assert sweep(Mirror(), Config(), "mouthSmile").shape == (21, 10, 52)
    speakers = speakers_showing("jawOpen", 8)
    assert speakers.face.shape[1] % 8 == 0 and not speakers.face[:, :37].any()


def test_all_levels_meet_the_same_listeners():
    torch.manual_seed(0)
    config = small_config(model__disposition=4)
    model = ReactFace(config.model).eval()
    speakers = speakers_showing("mouthSmile", config.model.window)
    one = type(speakers)(*(getattr(speakers, f.name)[[7]] for f in fields(speakers)))
    with torch.inference_mode():
        alike = model.react(speakers, 3, torch.Generator().manual_seed(5), alike=True)
        alone = model.react(one, 3, torch.Generator().manual_seed(5))
    assert torch.allclose(alike[7], alone[0], atol=1e-5)


def test_every_channel_is_swept_once(monkeypatch):
    swept = []

    def sweep(reactor, config, stem):
        swept.append(stem)
        return np.zeros((len(LEVELS), 2, 52))

    monkeypatch.setattr(proportion, "sweep", sweep)
    assert len(proportion.proportions(Mirror(), Config())) == 9
    assert sorted(swept) == sorted(STEMS)
