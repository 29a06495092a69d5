"""Laughs: predicted, drawn, played over the face, and independent of the frames per step."""

import math

import numpy as np
import pytest
import torch
from rigs.model_inputs import small_config, small_model, speaker_input

from reactface_node.model.event_times import NEVER, PAUSE_S
from reactface_node.model.laughs import (
    ANSWER_CHANCE,
    LONGEST_S,
    SHORTEST_S,
    SMILE_LENGTH_S,
    STRONGEST,
    STRONGEST_SMILE,
    SURE,
    LaughHead,
)
from reactface_node.research.data.behaviour import laughs, smiles
from reactface_node.schema import ROTATION, index_of, indices_of

W = 8
NOBODY = torch.zeros(1, 1, 0)
UNSEEN = torch.ones(1, W, dtype=torch.bool)
NEVER_STARTS = -50.0
SMILE, JAW = indices_of("mouthSmile"), index_of("jawOpen")
LAUGH, SMILES = 0, 1


def play(head, logits, windows, shape=0.0, who=NOBODY, onset=0.01, unseen=UNSEEN):
    """(level, age) (2, T) of the laughs and smiles of one listener; the logits (2, 8) hold in the
    first window alone."""
    state, parts = head.initial_state(1, 1), []
    calm = torch.full((1, 2, W), NEVER_STARTS)
    for index in range(windows):
        given = logits[None] if index == 0 else calm
        noise = torch.full((1, 1, W), onset), torch.full((1, 1, 3), shape)
        level, age, state = head.play(given, unseen, noise, state, who)
        parts.append(torch.stack([level[0, 0], age[0, 0]]))
    return torch.cat(parts, dim=2), state


def sure_at(frame, kind=LAUGH):
    logits = torch.full((2, W), NEVER_STARTS)
    logits[kind, frame] = 50.0
    return logits


def of_kind(kind, logit):
    logits = torch.full((2, W), NEVER_STARTS)
    logits[kind] = logit
    return logits


def test_a_drawn_laugh_takes_its_course_over_the_window_border():
    (level, age), state = play(LaughHead(32), sure_at(5), 10)
    assert not level[SMILES].any()
    assert not level[LAUGH, :6].any() and level[LAUGH, 6] > 0
    assert level.max() == pytest.approx(0.95) and (level[LAUGH, 15:30] > 0.9).all()
    assert level[LAUGH, -1] == 0 and age[LAUGH, 5] == 0
    assert float(state[0, 0, LAUGH, 0]) == 10 * W - 5


def test_lengths_and_strengths_are_those_of_people():
    head = LaughHead(32)
    for shape, seconds in ((-3.0, SHORTEST_S), (3.0, LONGEST_S)):
        (level, _), state = play(head, sure_at(0), 14, shape)
        assert float(state[0, 0, LAUGH, 1]) == pytest.approx(25 * seconds, abs=1)
        assert level.max() <= STRONGEST
    longest = float(state[0, 0, LAUGH, 1])
    again = torch.full((1, 1, 3), 0.0)
    near = torch.tensor([longest + 25 * PAUSE_S, longest, 1.0]).repeat(1, 1, 2, 1)
    keen = torch.full((1, 2, W), 50.0)
    _, age, _ = head.play(keen, UNSEEN, (torch.zeros(1, 1, W), again), near, NOBODY)
    assert (age[0, 0] > 50).all()  # no laugh starts during one, or right after it


def test_a_smile_at_laughter_is_a_smile_and_no_laugh():
    (level, age), state = play(LaughHead(32), sure_at(5, SMILES), 12)
    assert not level[LAUGH].any() and STRONGEST_SMILE > level[SMILES].max() > 0.4
    assert float(state[0, 0, SMILES, 1]) == pytest.approx(25 * SMILE_LENGTH_S)
    face = torch.zeros(1, 1, 12 * W, 58)
    moved = face + LaughHead(32).motion(face, level[None, None], age[None, None])
    (smile,) = smiles(moved[0, 0].numpy())
    assert 1.5 < smile[1] - smile[0] < 4.0
    assert not laughs(moved[0, 0].numpy()) and not moved[..., JAW].any()
    assert not moved[..., ROTATION.start :].any()


def test_a_face_that_is_seen_decides_itself_about_smiles():
    seen_at_5 = UNSEEN.clone()
    seen_at_5[:, 5] = False
    head = LaughHead(32)
    assert not play(head, sure_at(5, SMILES), 4, unseen=seen_at_5)[0][0].any()
    assert play(head, sure_at(4, SMILES), 4, unseen=seen_at_5)[0][0].any()
    assert play(head, sure_at(5, LAUGH), 4, unseen=seen_at_5)[0][0].any()


def test_who_smiles_may_still_laugh():
    both = torch.maximum(sure_at(0, SMILES), sure_at(7, LAUGH))
    (level, age), _ = play(LaughHead(32), both, 5)
    assert level[SMILES, 20] > 0.4 and level[LAUGH, 20] > 0.8
    face = torch.zeros(1, 1, 5 * W, 58)
    smile = LaughHead(32).motion(face, level[None, None], age[None, None])[0, 0, :, SMILE[0]]
    assert (smile[1:20].diff() > -1e-6).all()  # the smile does not fall when the laugh begins


def test_rare_laughs_smiles_and_nods_start_at_different_chances():
    head = LaughHead(32)
    for kind, here, elsewhere in ((LAUGH, 2.5, (0.01, -2.5)), (SMILES, 0.01, (2.5, -2.5))):
        rare = of_kind(kind, -4.0 if kind == LAUGH else SURE - 0.5)
        assert play(head, rare, 1, onset=here)[0][0].any()
        assert not any(play(head, rare, 1, onset=one)[0][0].any() for one in elsewhere)
    rare = of_kind(LAUGH, -4.0)
    keen, sober = torch.full((1, 1, 2), 2.0), torch.full((1, 1, 2), -2.0)
    assert play(head, rare, 1, who=keen, onset=1.8)[0][0].any()
    assert not play(head, rare, 1, who=sober, onset=1.8)[0][0].any()


@pytest.mark.parametrize("kind, chance", [(LAUGH, 0.05), (SMILES, ANSWER_CHANCE / 2)])
def test_as_many_start_as_their_probability_says(kind, chance):
    head, many = LaughHead(32), 4000
    onset = torch.randn(many, 1, W, generator=torch.Generator().manual_seed(0))
    noise = onset, torch.zeros(many, 1, 3)
    logit = math.log(chance / (1 - chance)) if kind == LAUGH else SURE
    logits = of_kind(kind, logit).expand(many, 2, W)
    level, _, _ = head.play(logits, UNSEEN, noise, head.initial_state(many, 1), NOBODY)
    started = (level > 0).any(-1)[:, 0].float().mean(0).tolist()
    # What starts in the last frame is not seen yet.
    assert started[kind] == pytest.approx(1 - (1 - chance) ** (W - 1), abs=0.02)
    assert started[1 - kind] == 0.0


def test_a_laugh_is_a_laugh_to_those_who_count_them_and_takes_nothing_away():
    head = LaughHead(32)
    (level, age), _ = play(head, sure_at(5), 10)
    face = torch.zeros(1, 1, 80, 58)
    face[..., SMILE] = 0.2
    moved = face + head.motion(face, level[None, None], age[None, None])
    assert len(laughs(moved[0, 0].numpy())) == 1
    broad = torch.ones(1, 1, 80, 58)
    assert not head.motion(broad, level[None, None], age[None, None])[..., : ROTATION.start].any()
    still = head.motion(face, torch.zeros(1, 1, 2, 80), age[None, None])
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


def test_the_speakers_laughter_is_learned_where_it_is():
    laughing = torch.zeros(1, 100, dtype=torch.bool)
    laughing[:, 40:60] = True
    told = torch.where(laughing, 5.0, -5.0)
    head = LaughHead(32)
    assert head.speaker_loss(told, laughing) < 0.01 * head.speaker_loss(-told, laughing)


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
    assert float(state.laugh[0, 0, LAUGH, 0]) < NEVER
    np.testing.assert_allclose(torch.cat(shown, dim=2), full.listener, atol=1e-5)
