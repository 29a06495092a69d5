"""The losses against values worked out by hand."""

import math

import pytest
import torch

from reactface_node.training import losses


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
