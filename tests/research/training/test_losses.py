"""The losses, compared with values computed by hand."""

import dataclasses
import math

import pytest
import torch

from reactface_node.config import TrainingConfig
from reactface_node.research.training import losses
from reactface_node.schema import COEFFICIENT_NAMES


def test_speaker_loss_is_smooth_l1():
    predicted, truth = torch.tensor([[[0.5, 3.0]]]), torch.zeros(1, 1, 2)
    assert losses.speaker_loss(predicted, truth).item() == pytest.approx((0.125 + 2.5) / 2)


def test_appropriate_loss_takes_the_nearest_reaction():
    listener = torch.ones(1, 1, 4, 2)
    appropriate = torch.stack([torch.zeros(4, 2), torch.full((4, 2), 0.5)])[None]
    assert losses.appropriate_loss(listener, appropriate, 0).item() == pytest.approx(0.125)
    # Softly: weights exp(-.5/.1) and exp(-.125/.1) over distances .5 and .125.
    low, high = math.exp(-5), math.exp(-1.25)
    expected = (low * 0.5 + high * 0.125) / (low + high)
    assert losses.appropriate_loss(listener, appropriate, 0.1).item() == pytest.approx(expected)


def test_diversity_loss_is_one_for_equal_samples_and_falls_with_distance():
    active = torch.tensor([True, True, True, False])
    same = torch.zeros(2, 3, 5, 4)
    same[:, 0, :, 3] = 9.0  # a channel that listeners never move does not count
    assert losses.diversity_loss(same, 1.0, active).item() == pytest.approx(1.0)
    apart = torch.stack([torch.zeros(5, 4), torch.full((5, 4), 2.0)])[None]
    assert losses.diversity_loss(apart, 2.0, active).item() == pytest.approx(math.exp(-2))


def test_kl_loss_is_zero_for_the_standard_normal():
    assert losses.kl_loss(torch.zeros(2, 3), torch.zeros(2, 3)).item() == 0
    got = losses.kl_loss(torch.ones(1), torch.tensor([math.log(4.0)]))
    assert got.item() == pytest.approx(0.5 * (1 + 4 - 1 - math.log(4)))


def test_smooth_loss_is_zero_for_constant_velocity():
    line = torch.arange(6.0)[:, None].expand(6, 3)
    assert losses.smooth_loss(line).item() == 0
    bent = torch.tensor([0.0, 0.0, 0.5])[:, None]
    assert losses.smooth_loss(bent).item() == pytest.approx(0.125)


def test_the_energy_score_of_two_samples_by_hand():
    real = torch.zeros(1, 1, 4, 2)
    listener = torch.stack([torch.ones(4, 2), torch.full((4, 2), -2.0)])[None]
    # Windows of 2 frames have 4 numbers: distances 2 and 4 to the real one, 6 to each other.
    got = losses.energy_loss(listener, real, 2)
    assert got.item() == pytest.approx((3.0 - 0.5 * 6.0) / 2.0, abs=1e-6)
    # To a real one at 5 the distances are 8 and 14; the score is not divided by the root of 4.
    got = losses.energy_score(listener, real + 5.0, 2)
    assert got.item() == pytest.approx(11.0 - 0.5 * 6.0, abs=1e-6)
    # With a second appropriate reaction that the first sample hits: 2, 4, 0 and 6 to the real ones.
    both = torch.stack([torch.zeros(4, 2), torch.ones(4, 2)])[None]
    got = losses.energy_loss(listener, both, 2)
    assert got.item() == pytest.approx((3.0 - 0.5 * 6.0) / 2.0, abs=1e-5)
    same = torch.zeros(1, 2, 4, 2, requires_grad=True)
    losses.energy_loss(same, real + 1.0, 2).backward()
    assert torch.isfinite(same.grad).all()


def test_the_energy_score_prefers_samples_that_spread_as_the_real_ones():
    generator = torch.Generator().manual_seed(0)
    real = torch.randn(4000, 1, 4, 1, generator=generator)
    drawn = torch.randn(4000, 2, 4, 1, generator=generator)
    scores = [losses.energy_loss(scale * drawn, real, 4).item() for scale in (0.0, 0.6, 1.0, 1.6)]
    assert min(scores) == scores[2]


def two_samples():
    listener = torch.zeros(1, 2, 5, 58)
    listener[0, 1, :, 0] = 2.0  # squared distance over 5 frames: 20
    return listener


def test_the_printed_diversity_is_over_ordered_pairs_and_the_released_a_sum():
    three = torch.cat([two_samples(), two_samples()[:, 1:]], dim=1)
    summed = losses.summed_diversity_loss(three, 10.0).item()
    assert summed == pytest.approx(2 * math.exp(-2.0) + 1.0)
    settings = TrainingConfig(diversity_weight=1.0, diversity_scale=10.0, loss_form="paper")
    printed = losses.reaction_terms(three, three, settings, torch.ones(58, dtype=torch.bool))
    assert printed["diversity"].item() == pytest.approx(summed / 3)
    settings = dataclasses.replace(settings, loss_form="released")
    released = losses.reaction_terms(three, three, settings, torch.ones(58, dtype=torch.bool))
    assert released["diversity"].item() == pytest.approx(summed)


def test_the_released_code_looks_for_expression_and_pose_apart():
    listener = torch.zeros(1, 1, 4, 58)
    appropriate = torch.zeros(1, 2, 4, 58)
    appropriate[0, 0, :, :52] = 1.0  # right pose, expression off by smooth L1 .5
    appropriate[0, 1, :, 52:] = 0.5  # right expression, pose off by .125
    assert losses.released_appropriate_loss(listener, appropriate).item() == 0.0
    appropriate[0, 0, :, 52:] = 0.2
    got = losses.released_appropriate_loss(listener, appropriate).item()
    assert got == pytest.approx(10.0 * 0.5 * 0.2**2)


def test_the_released_smoothness_is_of_pose_and_a_tenth_of_the_expression():
    bent = torch.zeros(1, 1, 3, 58)
    bent[..., 2, :52], bent[..., 2, 52:] = 1.0, 0.5
    assert losses.released_smooth_loss(bent).item() == pytest.approx(0.125 + 0.1 * 0.5)


def test_only_the_first_sample_is_held_to_the_data_in_algorithm_1():
    listener = two_samples()
    settings = TrainingConfig(loss_form="paper", appropriate_weight=1.0)
    active = torch.ones(58, dtype=torch.bool)
    assert losses.reaction_terms(listener, listener[:, :1], settings, active)["appropriate"] == 0.0
    swapped = losses.reaction_terms(listener.flip(1), listener[:, :1], settings, active)
    assert swapped["appropriate"].item() == pytest.approx(1.5 / 58)


def test_every_channel_belongs_to_one_part_of_the_face():
    parts = losses.channels_of_parts()
    assert sorted(channel for part in parts for channel in part) == list(range(58))
    names = [{COEFFICIENT_NAMES[channel] for channel in part} for part in parts]
    assert {"mouthSmileLeft", "eyeSquintRight"} <= names[0] and "browInnerUp" in names[1]
    assert {"mouthFrownLeft", "jawOpen", "cheekPuff"} <= names[2]
    assert "eyeBlinkLeft" in names[3] and names[4] == set(COEFFICIENT_NAMES[52:])


def test_the_parts_of_the_face_are_scored_each_for_itself():
    """The head cannot be predicted; the score of the whole face hardly tells that smiles are
    missing, that of its parts does."""
    generator = torch.Generator().manual_seed(0)
    real = torch.zeros(64, 4, 8, 58)
    smile, _, _, _, head = losses.channels_of_parts()
    real[..., smile] = 1.0
    real[..., head] = 5.0 * torch.randn(64, 4, 8, 6, generator=generator)
    ours, smiling = (torch.zeros(64, 4, 8, 58) for _ in range(2))
    smiling[..., smile] = 1.0
    for one in (ours, smiling):
        one[..., head] = 5.0 * torch.randn(64, 4, 8, 6, generator=generator)

    def gain(loss):
        return (loss(ours, real, 8) - loss(smiling, real, 8)).item()

    # One of five parts is off by 1 in all of its channels.
    assert gain(losses.energy_loss_of_parts) == pytest.approx(0.2, abs=0.01)
    assert 0 < gain(losses.energy_loss) < 0.1
