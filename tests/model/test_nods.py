"""Nods: found in real motion, predicted, drawn, and independent of the number of frames per
step."""

import numpy as np
import pytest
import torch
from rigs.model_inputs import small_config, small_model, speaker_input

from reactface_node.model.nods import NEVER, NodHead, NodPrediction, nod_pitch
from reactface_node.research.data.listener import Nod, nod_motion
from reactface_node.research.data.motion import frame_times
from reactface_node.research.data.nods import find_nods, without_nods
from reactface_node.research.data.script import draw_script
from reactface_node.research.data.synthetic import make_motion

W = 8


def test_a_known_nod_is_found_and_taken_out():
    sway = 0.02 * np.sin(2 * np.pi * 0.2 * frame_times(250))
    nod = Nod(4.0, 3, 0.08, 2.4)
    found = find_nods(sway + nod_motion(frame_times(250), nod))
    assert len(found) == 1 and found[0].cycles == 3
    assert found[0].start_s == pytest.approx(4.0, abs=0.05)
    assert found[0].hz == pytest.approx(2.4, abs=0.2)
    assert found[0].depth_rad == pytest.approx(0.08, rel=0.15)
    rest = without_nods(sway + nod_motion(frame_times(250), nod), found)
    assert np.abs(rest - sway).max() < 0.02
    assert find_nods(sway) == ()


def test_most_nods_of_synthetic_listeners_are_found_and_nothing_else():
    rng = np.random.default_rng(3)
    hits = found_count = true_count = 0
    for _ in range(3):
        motion = make_motion(rng, draw_script(rng, 30.0), 4)
        for face, nods in zip(motion.listeners, motion.events.nods, strict=True):
            found = [nod.start_s for nod in find_nods(face[:, 52].astype(np.float64))]
            true = [nod.start_s for nod in nods if nod.end_s < 30.0]
            hits += sum(any(abs(f - t) < 0.2 for f in found) for t in true)
            found_count, true_count = found_count + len(found), true_count + len(true)
    assert hits / true_count > 0.95 and hits / found_count > 0.9


def test_a_drawn_nod_takes_its_course_over_the_window_border():
    head = NodHead(small_config(model__nods=True).model, 4)
    sure = torch.full((1, 1, W), -50.0)
    sure[..., 5] = 50.0
    logits = torch.tensor([0.0, 50.0, 0.0, 0.0]).expand(1, 1, W, 4)
    predicted = NodPrediction(sure, logits, torch.zeros(1, 1, W, 2))
    never = NodPrediction(torch.full_like(sure, -50.0), logits, torch.zeros(1, 1, W, 2))
    state, parts = head.initial_state(1, 1), []
    for index in range(5):
        pitch, state = head.play(
            predicted if index == 0 else never, torch.zeros(1, 1, W), torch.zeros(1, 1, 3), state
        )
        parts.append(pitch[0, 0])
    got = torch.cat(parts).numpy()
    expected = nod_motion(frame_times(40), Nod(5 / 25, 2, 0.06, 2.5))
    assert np.abs(got - expected).max() < 1e-6
    assert state[0, 0, 0] == 40 - 5 and state[0, 0, 1] == 2


def test_no_nod_starts_while_one_goes_on_and_the_state_is_bounded():
    head = NodHead(small_config(model__nods=True).model, 4)
    always = NodPrediction(
        torch.full((1, 1, W), 50.0), torch.zeros(1, 1, W, 4), torch.zeros(1, 1, W, 2)
    )
    state = torch.tensor([[[3.0, 2.0, 0.06, 2.5]]])
    _, following = head.play(always, torch.zeros(1, 1, W), torch.zeros(1, 1, 3), state)
    assert following[0, 0].tolist() == pytest.approx([11.0, 2.0, 0.06, 2.5])
    rare = NodPrediction(torch.full((1, 1, W), -50.0), always.cycles, always.shape)
    old = torch.tensor([[[NEVER, 1.0, 0.0, 2.5]]])
    assert head.play(rare, torch.zeros(1, 1, W), torch.zeros(1, 1, 3), old)[1][0, 0, 0] == NEVER


def test_nod_pitch_is_the_listeners_own_curve():
    age = torch.arange(60.0) - 10
    got = nod_pitch(age, torch.tensor(3.0), torch.tensor(0.08), torch.tensor(2.1))
    expected = nod_motion(frame_times(60), Nod(10 / 25, 3, 0.08, 2.1))
    assert np.abs(got.numpy() - expected).max() < 1e-6


def test_likelihood_is_best_where_the_nods_are():
    head = NodHead(small_config(model__nods=True).model, 4)
    nods, possible = torch.zeros(1, 1, 16, 3), torch.ones(1, 1, 16, dtype=torch.bool)
    nods[0, 0, 4] = torch.tensor([2.0, 0.06, 2.5])

    def likelihood(at):
        onset = torch.full((1, 1, 16), -5.0)
        onset[0, 0, at] = 5.0
        return head.loss(
            NodPrediction(onset, torch.zeros(1, 1, 16, 4), torch.zeros(1, 1, 16, 2)), nods, possible
        )

    right, wrong = likelihood(4), likelihood(5)
    assert right < wrong
    possible[0, 0, 5] = False  # a nod is going on there: it says nothing about starting one
    assert right < likelihood(5) < wrong


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
    assert full.nod_pitch.max() > 0.02
    calm = model.without_nods(full.listener, full.nod_pitch)
    torch.testing.assert_close(full.listener[..., 52] - calm[..., 52], full.nod_pitch)
