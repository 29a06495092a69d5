"""ReactDiff's parts: noise levels and solver against values by hand, and what a window sees."""

import pytest
import torch
from rigs.model_inputs import small_config, speaker_input

from reactface_node.research.training.baselines.denoiser import noise_features
from reactface_node.research.training.baselines.diffusion import (
    SIGMA_MAX,
    SIGMA_MIN,
    STEPS,
    sample,
    sampling_sigmas,
    scalings,
    training_sigmas,
)
from reactface_node.research.training.baselines.reactdiff import (
    ReactDiff,
    last_frames,
    left_and_right,
)
from reactface_node.schema import ARKIT_NAMES


def test_the_scalings_by_hand():
    """Data of deviation 1 with noise of 3/4 has the deviation 5/4."""
    found = scalings(torch.tensor(0.75))
    assert [part.item() for part in found] == pytest.approx([0.64, 0.6, 0.8])


def test_the_networks_input_and_target_have_variance_one_at_every_noise():
    torch.manual_seed(0)
    clean, noise = torch.randn(2, 200_000)
    for sigma in (0.01, 0.5, 1.0, 20.0):
        scale = scalings(torch.tensor(sigma))
        noisy = clean + sigma * noise
        target = (clean - scale.skip * noisy) / scale.out
        assert (scale.into * noisy).std().item() == pytest.approx(1.0, abs=0.01)
        assert target.std().item() == pytest.approx(1.0, abs=0.01)


def test_the_noise_levels_by_hand():
    """7th roots: 80 ** (1/7) = 1.870122, 0.01 ** (1/7) = 0.517947, half-way 1.194035."""
    assert sampling_sigmas(3).tolist() == pytest.approx([80.0, 3.46033, 0.01, 0.0], rel=1e-4)
    sigmas = sampling_sigmas()
    assert len(sigmas) == STEPS + 1 == 51 and (sigmas.diff() < 0).all()


def test_training_draws_angles_uniformly():
    """Half of the draws lie below tan((atan 0.01 + atan 80) / 2) = 0.997503."""
    drawn = training_sigmas(torch.tensor([0.0, 0.5, 1.0]))
    assert drawn.tolist() == pytest.approx([SIGMA_MIN, 0.997503, SIGMA_MAX], rel=1e-4)


def test_a_step_of_the_solver_by_hand():
    """From sigma 2 to 1, stride log 2: a quarter of x stays, and noise of sqrt(3)/2 is added.
    3 -> 0.25 * 3 + 0.75 * 0.6 + 0.866025 * 0.4 = 1.546410, of which half is the last estimate."""
    noise = torch.tensor([[1.5], [0.4]])
    found = sample(lambda x, sigma: x / (1.0 + sigma**2), noise, torch.tensor([2.0, 1.0, 0.0]))
    assert found.item() == pytest.approx(0.7732051, rel=1e-6)


def test_the_second_step_goes_on_with_the_change_of_the_estimate():
    """2 -> estimate 1, x 1.25 -> estimate 0.625, which fell by 0.375; half of that again is taken
    off: x = 0.25 * 1.25 + 0.75 * (0.625 - 0.1875) = 0.640625."""
    noise = torch.tensor([[0.5], [0.0], [0.0]])
    found = sample(lambda x, sigma: x / 2.0, noise, torch.tensor([4.0, 2.0, 1.0, 0.0]))
    assert found.item() == pytest.approx(0.3203125, rel=1e-6)


def test_samples_of_the_ideal_denoiser_have_the_datas_distribution():
    """Data N(2, 0.5^2): the best estimate weighs the noisy value and the mean."""
    torch.manual_seed(0)
    noise = torch.randn(STEPS, 20_000)
    found = sample(
        lambda x, sigma: (0.25 * x + 2.0 * sigma**2) / (0.25 + sigma**2), noise, sampling_sigmas()
    )
    assert found.mean().item() == pytest.approx(2.0, abs=0.02)
    assert found.std().item() == pytest.approx(0.5, abs=0.02)


def test_noise_levels_that_differ_are_told_apart():
    found = noise_features(sampling_sigmas()[:-1, None, None])
    assert found.shape == (50, 1, 32)
    apart = torch.cdist(found[:, 0], found[:, 0]) + 9.0 * torch.eye(50)
    assert apart.min() > 0.1


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return ReactDiff(small_config().model).eval()


def test_the_network_starts_as_the_best_guess_for_plain_noise(model):
    """Its output layer starts at zero: the estimate of data N(0, 1) is skip * x."""
    seen = model._read(speaker_input(small_config(), 8)).part(0, model.context, 1)
    noisy, sigma = torch.randn(1, 8, 58), torch.tensor(0.75)
    estimate = model._denoise(noisy, sigma, torch.zeros(1, 58), seen)
    torch.testing.assert_close(estimate, 0.64 * noisy)


def test_training_and_sampling_read_the_same_frames_of_the_speaker(model):
    read = model._read(speaker_input(small_config(), 32, batch=2))
    every = read.windows(model.context, 8)
    for index in range(4):
        one = read.part(8 * index, model.context, 1)
        for side, whole in zip(one, every, strict=True):
            for part, all_parts in zip(side, whole, strict=True):
                assert torch.equal(part.keys, all_parts.keys[index::4])
                assert torch.equal(part.values, all_parts.values[index::4])


def test_the_frame_before_each_window():
    windows = torch.arange(6.0).view(1, 3, 2, 1).expand(1, 3, 2, 58)
    assert last_frames(windows)[0, :, 0].tolist() == [0.0, 1.0, 3.0]


def test_left_and_right_are_pairs():
    sides = left_and_right()
    names = [[ARKIT_NAMES[index] for index in side] for side in sides.tolist()]
    assert len(names[0]) == 20 and names[0][0] == "browDownLeft"
    assert [name.replace("Left", "Right") for name in names[0]] == names[1]
