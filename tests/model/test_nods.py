"""Nods: predicted, drawn, and independent of the number of frames per step."""

import numpy as np
import pytest
import torch
from rigs.model_inputs import small_config, small_model, speaker_input

from reactface_node.model.event_times import NEVER
from reactface_node.model.nods import COUPLING, MOST_HALVES, NodHead, NodPrediction, nod_pitch
from reactface_node.model.reactface import PITCH
from reactface_node.research.data.motion import frame_times
from reactface_node.research.data.nods import Nod, nod_motion

W = 8
NOBODY = torch.zeros(1, 1, 0)


def a_head():
    return NodHead(small_config(model__nods=True).model, 4)


def predicted(onset, halves=4):
    """The same prediction of a nod for a window; onset: logits (8,) or a number."""
    logits = torch.full((1, 1, W, MOST_HALVES), -50.0)
    logits[..., halves - 1] = 50.0
    given = torch.as_tensor(onset, dtype=torch.float32).expand(1, 1, W)
    return NodPrediction(given, logits, torch.zeros(1, 1, W, 2))


def play(head, prediction, state, who=NOBODY):
    return head.play(prediction, torch.zeros(1, 1, W), torch.zeros(1, 1, 3), state, who)


@pytest.mark.parametrize("halves", [4, 3, 1])
def test_a_drawn_nod_takes_its_course_over_the_window_border(halves):
    head = a_head()
    sure = torch.full((W,), -50.0)
    sure[5] = 50.0
    state, parts = head.initial_state(1, 1), []
    for index in range(9):
        pitch, state = play(head, predicted(sure if index == 0 else -50.0, halves), state)
        parts.append(pitch[0, 0])
    got = torch.cat(parts).numpy()
    expected = nod_motion(frame_times(9 * W), Nod(5 / 25, halves, 0.06, 1.5))
    assert np.abs(got - expected).max() < 1e-6
    assert got.max() > 0.059 and got[-1] < 1e-6
    assert state[0, 0, 0] == 9 * W - 5 and state[0, 0, 1] == halves


def test_no_nod_starts_while_one_goes_on_and_the_state_is_bounded():
    head = a_head()
    state = torch.tensor([[[3.0, 4.0, 0.06, 1.5]]])
    _, following = play(head, predicted(50.0), state)
    assert following[0, 0].tolist() == pytest.approx([11.0, 4.0, 0.06, 1.5])
    old = torch.tensor([[[NEVER, 1.0, 0.0, 1.5]]])
    assert play(head, predicted(-50.0), old)[1][0, 0, 0] == NEVER


def test_the_shortest_nod_leaves_one_start_a_window():
    head = a_head()
    state = torch.tensor([[[7.0, 1.0, 0.01, 6.5]]])
    _, following = play(head, predicted(50.0, 1), state)
    assert following[0, 0, 0] == 7.0  # the new one started at frame 1, eight frames after the last


def test_a_deep_nod_is_a_long_one_and_a_fast_one_is_not_deep():
    head = a_head()
    with torch.no_grad():
        head.depth_by_length.fill_(0.5)

    def depth(halves, hz_noise=0.0):
        noise = torch.tensor([0.0, 0.0, hz_noise]).reshape(1, 1, 3)
        state = head.initial_state(1, 1)
        drawn = head.play(predicted(50.0, halves), torch.zeros(1, 1, W), noise, state, NOBODY)[1]
        return float(drawn[0, 0, 2])

    assert depth(3) == pytest.approx(0.06, rel=1e-5)
    assert depth(12) == pytest.approx(0.06 * 4.0 ** (0.5 * COUPLING), rel=1e-5)
    with torch.no_grad():
        head.log_spread.fill_(1.0)
    assert depth(12, 1.0) * 2 * np.pi**2 * 5.5**2 < 14.5


def test_listeners_differ_in_how_often_they_nod_and_a_nod_brings_the_next():
    head = a_head()
    rare = predicted(-4.0)
    noise = torch.full((1, 1, W), -2.1)  # a chance of 1.8 %
    few, many = -1.5, 1.5
    shape = torch.zeros(1, 1, 3)

    def starts(who, state):
        return bool(head.play(rare, noise, shape, state, torch.tensor([[[who]]]))[1][0, 0, 0] < 20)

    never = head.initial_state(1, 1)
    assert not starts(few, never) and starts(many, never)
    after = torch.tensor([[[60.0, 2.0, 0.06, 1.5]]])
    assert not starts(few, after)
    with torch.no_grad():
        head.excitation.fill_(2.0)
    assert starts(few, after) and not starts(few, never)


def test_nod_pitch_is_the_listeners_own_curve():
    age = torch.arange(100.0) - 10
    for halves in (1.0, 3.0, 6.0):
        got = nod_pitch(age, torch.tensor(halves), torch.tensor(0.08), torch.tensor(2.1))
        expected = nod_motion(frame_times(100), Nod(10 / 25, int(halves), 0.08, 2.1))
        assert np.abs(got.numpy() - expected).max() < 1e-6


def test_likelihood_is_best_where_the_nods_are():
    head = a_head()
    nods, possible = torch.zeros(1, 1, 16, 3), torch.ones(1, 1, 16, dtype=torch.bool)
    nods[0, 0, 4] = torch.tensor([2.0, 0.06, 1.5])
    age = torch.full((1, 1, 16), NEVER)

    def likelihood(at, length=2):
        onset = torch.full((1, 1, 16), -5.0)
        onset[0, 0, at] = 5.0
        halves = torch.zeros(1, 1, 16, MOST_HALVES)
        halves[..., length - 1] = 3.0
        given = NodPrediction(onset, halves, torch.zeros(1, 1, 16, 2))
        return head.loss(given, nods, possible, age)

    right, wrong = likelihood(4), likelihood(5)
    assert right < wrong and right < likelihood(4, 3)
    possible[0, 0, 5] = False  # a nod is going on there: it says nothing about starting one
    assert right < likelihood(5) < wrong
    # A nod shortly after another one is less surprising for a listener who nods in bursts.
    age[0, 0, 4] = 20.0
    with torch.no_grad():
        head.excitation.fill_(-2.0)
        tired = likelihood(5)
        head.excitation.fill_(2.0)
    assert likelihood(5) < tired


def test_the_model_nods_and_past_reactions_show_it():
    config = small_config(model__nods=True)
    model = small_model(config)
    with torch.no_grad():
        model.nods.out.bias[0] = 3.0
    speaker = speaker_input(config, 6 * W)
    output = model.react(speaker, 2, torch.Generator().manual_seed(0))
    noise = torch.randn(1, 2, 6, model.noise_width, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        full, _ = model(speaker, noise)
    assert output.shape == (1, 2, 6 * W, 58)
    assert full.events[..., PITCH].max() > 0.02
