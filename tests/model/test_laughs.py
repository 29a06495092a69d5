"""Laughs: predicted, drawn, played over the face, and independent of the frames per step."""

import numpy as np
import pytest
import torch
from rigs.model_inputs import small_config, small_model, speaker_input

from reactface_node.model.event_times import NEVER, PAUSE_S
from reactface_node.model.laughs import LONGEST_S, SHORTEST_S, STRONGEST, LaughHead
from reactface_node.research.data.behaviour import laughs
from reactface_node.schema import ROTATION, index_of, indices_of

W = 8
NOBODY = torch.zeros(1, 1, 0)
SMILE, JAW = indices_of("mouthSmile"), index_of("jawOpen")


def play(head, logits, windows, shape=0.0, who=NOBODY, onset=0.0):
    """(level, age) (T,) of one listener; the logits (8,) hold in the first window alone."""
    state, parts = head.initial_state(1, 1), []
    calm = torch.full((1, W), -50.0)
    for index in range(windows):
        given = torch.as_tensor(logits, dtype=torch.float32).expand(1, W) if index == 0 else calm
        noise = torch.full((1, 1, W), onset), torch.full((1, 1, 3), shape)
        level, age, state = head.play(given, noise, state, who)
        parts.append(torch.stack([level[0, 0], age[0, 0]]))
    return torch.cat(parts, dim=1), state


def sure_at(frame):
    logits = torch.full((W,), -50.0)
    logits[frame] = 50.0
    return logits


def test_a_drawn_laugh_takes_its_course_over_the_window_border():
    (level, age), state = play(LaughHead(32), sure_at(5), 10)
    assert not level[:6].any() and level[6] > 0
    assert level.max() == pytest.approx(0.95) and (level[15:30] > 0.9).all()
    assert level[-1] == 0 and float(state[0, 0, 0]) == 10 * W - 5 and age[5] == 0


def test_lengths_and_strengths_are_those_of_people():
    head = LaughHead(32)
    for shape, seconds in ((-3.0, SHORTEST_S), (3.0, LONGEST_S)):
        (level, _), state = play(head, sure_at(0), 14, shape)
        assert float(state[0, 0, 1]) == pytest.approx(25 * seconds, abs=1)
        assert level.max() <= STRONGEST
    longest = float(state[0, 0, 1])
    again = torch.full((1, 1, 3), 0.0)
    near = torch.tensor([[[longest + 25 * PAUSE_S, longest, 1.0]]])
    _, age, _ = head.play(torch.full((1, W), 50.0), (torch.zeros(1, 1, W), again), near, NOBODY)
    assert (age[0, 0] > 50).all()  # no laugh starts during one, or right after it


def test_rare_laughs_and_rare_nods_start_at_different_chances():
    head = LaughHead(32)
    rare = torch.full((W,), -4.0)
    assert play(head, rare, 1, onset=2.5)[0][0].any()
    assert not play(head, rare, 1, onset=-2.5)[0][0].any()
    keen, sober = torch.full((1, 1, 2), 2.0), torch.full((1, 1, 2), -2.0)
    assert play(head, rare, 1, who=keen, onset=1.8)[0][0].any()
    assert not play(head, rare, 1, who=sober, onset=1.8)[0][0].any()


def test_a_laugh_is_a_laugh_to_those_who_count_them_and_takes_nothing_away():
    head = LaughHead(32)
    (level, age), _ = play(head, sure_at(5), 10)
    face = torch.zeros(1, 1, 80, 58)
    face[..., SMILE] = 0.2
    moved = face + head.motion(face, level[None, None], age[None, None])
    assert len(laughs(moved[0, 0].numpy())) == 1
    broad = torch.ones(1, 1, 80, 58)
    assert not head.motion(broad, level[None, None], age[None, None])[..., : ROTATION.start].any()
    still = head.motion(face, torch.zeros(1, 1, 80), age[None, None])
    assert not still.any()


def test_the_likelihood_is_best_where_the_laughs_are():
    starts = torch.zeros(1, 2, 100, dtype=torch.bool)
    starts[:, :, 40] = True
    possible = torch.ones_like(starts)
    head = LaughHead(32)
    here, elsewhere = torch.full((1, 100), -5.0), torch.full((1, 100), -5.0)
    here[0, 40], elsewhere[0, 60] = 5.0, 5.0
    assert head.loss(here, starts, possible) < 0.1 * head.loss(elsewhere, starts, possible)
    possible[:, :, 60] = False
    assert head.loss(elsewhere, starts, possible) < head.loss(elsewhere, starts, possible | True)


def test_the_model_laughs_and_steps_of_any_length_give_the_same():
    config = small_config(model__nods=True)
    model = small_model(config)
    with torch.no_grad():
        model.laughs.out.bias.fill_(2.0)
    speaker = speaker_input(config, 6 * W)
    noise = torch.randn(1, 2, 6, model.noise_width, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        full, _ = model(speaker, noise)
        state = model.initial_state(1, 2, streaming=True)
        shown = []
        for frame in range(6 * W):
            output, state = model.step(
                speaker.frames(frame, frame + 1), noise[:, :, frame // W], state
            )
            shown.append(output.listener)
    assert full.events[..., JAW].max() > 0.1
    assert float(state.laugh[0, 0, 0]) < NEVER
    np.testing.assert_allclose(torch.cat(shown, dim=2), full.listener, atol=1e-5)
