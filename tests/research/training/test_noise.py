"""Noise by crop: different for every crop, and the same for any distribution over processes."""

import torch

from reactface_node.research.training.noise import CropNoise


def drawn(position, seed=0):
    noise = CropNoise(torch.Generator().manual_seed(seed), torch.tensor(position))
    return noise.normal(50), noise.uniform(50), noise.integers(2**30)[:, None]


def test_no_two_crops_draw_the_same():
    for values in (*drawn(range(8)), *drawn(range(8), seed=1)):
        assert len(values.unique(dim=0)) == 8
    assert not any(torch.equal(*pair) for pair in zip(drawn([0]), drawn([0], 1), strict=True))


def test_a_crop_draws_the_same_in_any_part_of_the_batch():
    whole, part = drawn(range(8)), drawn([1, 3, 5, 7])
    assert all(torch.equal(one[1::2], other) for one, other in zip(whole, part, strict=True))
