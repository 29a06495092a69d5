"""The parts of the generative baselines: an exact flow, and quantisation."""

import math

import pytest
import torch
from rigs.model_inputs import small_config
from torch.nn import functional as F

from reactface_node.research.training.baselines.flow import ConditionalFlow, RunningScale
from reactface_node.research.training.baselines.lfi import cosine_basis
from reactface_node.research.training.baselines.quantise import Codebook, MotionCoder

POSITIONS, CHANNELS, CONTEXT = 2, 5, 3


@pytest.fixture
def flow():
    """A flow that has seen data and is not the identity anywhere."""
    torch.manual_seed(0)
    flow = ConditionalFlow(POSITIONS, CHANNELS, CONTEXT, hidden=8, steps=3)
    flow.train()
    flow(1.0 + 3.0 * torch.randn(50, POSITIONS, CHANNELS), torch.randn(50, CONTEXT))
    with torch.no_grad():
        for parameter in flow.parameters():
            parameter.add_(0.2 * torch.randn(parameter.shape))
    return flow.eval()


def test_the_flow_inverts(flow):
    x, context = torch.randn(4, POSITIONS, CHANNELS), torch.randn(4, CONTEXT)
    noise, _ = flow(x, context)
    assert (noise - x).abs().max() > 0.1
    torch.testing.assert_close(flow.inverse(noise, context), x, atol=1e-4, rtol=1e-4)


def test_its_log_determinant_is_autograds(flow):
    x, context = torch.randn(1, POSITIONS, CHANNELS), torch.randn(1, CONTEXT)
    _, log_det = flow(x, context)
    jacobian = torch.autograd.functional.jacobian(lambda v: flow(v, context)[0], x)
    size = POSITIONS * CHANNELS
    expected = torch.linalg.slogdet(jacobian.reshape(size, size)).logabsdet
    assert log_det.item() == pytest.approx(expected.item(), abs=1e-4)


def test_its_context_matters(flow):
    x = torch.randn(1, POSITIONS, CHANNELS)
    one, other = (flow(x, torch.full((1, CONTEXT), value))[0] for value in (0.0, 2.0))
    assert (one - other).abs().max() > 1e-2


def test_the_running_scale_is_the_datas_and_only_learns_in_training(flow):
    scale = RunningScale(1, 2)
    data = torch.tensor([[[1.0, 10.0]], [[3.0, 30.0]]])
    scale.learn(data)
    normal, log_det = scale(data)
    torch.testing.assert_close(normal, torch.tensor([[[-1.0, -1.0]], [[1.0, 1.0]]]))
    assert log_det[0].item() == pytest.approx(-math.log(1.0) - math.log(10.0))
    before = flow.scale.mean.clone()
    flow(torch.full((3, POSITIONS, CHANNELS), 100.0), torch.zeros(3, CONTEXT))
    torch.testing.assert_close(flow.scale.mean, before)


def test_without_noise_everything_has_its_own_variance_again():
    scale = RunningScale(1, 3)
    torch.manual_seed(0)
    own = torch.tensor([0.0, 0.1, 3.0])
    clean = 2.0 + own * torch.randn(20000, 1, 3)
    noisy = clean + 0.1 * torch.randn(clean.shape)
    scale.learn(noisy)
    freed = scale.without_noise(noisy, 0.1)[:, 0]
    torch.testing.assert_close(freed.std(0), own, atol=0.02, rtol=0.02)
    torch.testing.assert_close(freed.mean(0), noisy[:, 0].mean(0), atol=1e-3, rtol=0)
    torch.testing.assert_close(freed[:, 2], noisy[:, 0, 2], atol=0.02, rtol=0.01)


def test_the_cosine_basis_is_orthonormal_and_starts_with_the_mean():
    basis = cosine_basis(8)
    torch.testing.assert_close(basis @ basis.T, torch.eye(8), atol=1e-6, rtol=0)
    torch.testing.assert_close(basis[0], torch.full((8,), 8**-0.5))


def test_the_codebook_returns_the_nearest_entry_and_passes_gradients_through():
    torch.manual_seed(0)
    book, weight = Codebook(6), torch.randn(4, 3, 32)
    entries = F.normalize(book.table, dim=-1)
    x = torch.randn(4, 3, 32, requires_grad=True)
    found = book(x)
    distance = (F.normalize(x, dim=-1)[..., None, :] - entries).square().sum(-1)
    assert torch.equal(found.indices, distance.argmin(-1))
    torch.testing.assert_close(found.codes, entries[found.indices])
    torch.testing.assert_close(book.look_up(found.indices), found.codes)
    through = torch.autograd.grad((found.codes * weight).sum(), x, retain_graph=True)[0]
    plain = torch.autograd.grad((F.normalize(x, dim=-1) * weight).sum(), x)[0]
    torch.testing.assert_close(through, plain)


def test_each_quantisation_loss_moves_its_own_side():
    torch.manual_seed(0)
    book, x = Codebook(6), torch.randn(5, 32, requires_grad=True)
    found = book(x)
    nearest = (F.normalize(x, dim=-1) - book.look_up(found.indices)).square().sum(-1).mean()
    for loss, moved, still in (
        (found.codebook, book.table, x),
        (found.commitment, x, book.table),
    ):
        assert loss.item() == pytest.approx(nearest.item(), rel=1e-5)
        to_moved, to_still = torch.autograd.grad(
            loss, (moved, still), retain_graph=True, allow_unused=True
        )
        assert to_moved.abs().sum() > 0 and to_still is None


def test_the_usage_loss_is_zero_for_even_use_and_log_k_for_one_entry():
    book = Codebook(4)
    with torch.no_grad():
        book.table.copy_(torch.eye(4, 32))
    even, one = book(torch.eye(4, 32)).usage, book(torch.eye(4, 32)[:1].repeat(4, 1)).usage
    assert even.item() == pytest.approx(0.0, abs=1e-4)
    assert one.item() == pytest.approx(math.log(4), abs=1e-4)


def test_a_window_is_coded_and_written_without_later_ones():
    torch.manual_seed(0)
    coder = MotionCoder(small_config().model, entries=16).eval()
    listener = torch.randn(2, 32, 58)
    changed = torch.cat([listener[:, :16], torch.randn(2, 16, 58)], dim=1)
    (rebuilt, quantised), (other, requantised) = coder(listener), coder(changed)
    assert rebuilt.shape == listener.shape and quantised.indices.shape == (2, 4)
    assert torch.equal(quantised.indices[:, :2], requantised.indices[:, :2])
    torch.testing.assert_close(rebuilt[:, :16], other[:, :16])
    assert (rebuilt[:, 16:] - other[:, 16:]).abs().max() > 1e-3
    torch.testing.assert_close(coder.decode(quantised.codes), rebuilt)
