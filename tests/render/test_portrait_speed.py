"""Faster computations of PIRender give the same picture."""

from copy import deepcopy

import pytest
import torch
import torch.nn.functional as F

from reactface_node.render.portrait.generator import FaceGenerator, move

WIDTH, SIZE_PX, FRAMES = 4, 64, 3


@pytest.fixture(scope="module")
def net():
    torch.manual_seed(0)
    return FaceGenerator(WIDTH).eval().requires_grad_(False)


@pytest.fixture(scope="module")
def portrait():
    """Smooth, as pictures are: of noise, the smallest movement makes another picture."""
    colours = torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(1)) * 2 - 1
    return F.interpolate(colours, (SIZE_PX, SIZE_PX), mode="bilinear")


@pytest.fixture(scope="module")
def coefficients():
    return torch.randn(FRAMES, 58, 27, generator=torch.Generator().manual_seed(2))


def test_a_batch_shows_what_frame_by_frame_shows(net, portrait, coefficients):
    prepared = net.prepare(portrait)
    together = net.draw(prepared, coefficients).edited
    assert together.shape == (FRAMES, 3, SIZE_PX, SIZE_PX)
    for frame in range(FRAMES):
        alone = net.draw(prepared, coefficients[frame : frame + 1]).edited
        torch.testing.assert_close(alone[0], together[frame], atol=1e-4, rtol=0)
    assert (together[0] - together[1]).abs().max() > 1e-2


def straight(net, portrait, coefficients):
    """As PIRender is described: both nets from the portrait on, for every frame."""
    descriptor = net.mapping_net(coefficients)
    hourglass, editing = net.warpping_net.hourglass, net.editing_net
    x = hourglass.encoder.encoder0(hourglass.encoder.input_layer(portrait), descriptor)
    maps = []
    for index in range(1, 5):
        x = getattr(hourglass.encoder, f"encoder{index}")(x, descriptor)
        maps.append(x)
    warped = move(portrait, net.warpping_net.flow_out(hourglass.decoder(maps, descriptor)))
    maps = [editing.encoder.first(torch.cat([portrait, warped], dim=1))]
    for index in range(3):
        maps.append(getattr(editing.encoder, f"down{index}")(maps[-1]))
    return editing.decoder(maps, descriptor)


def test_what_is_kept_of_a_portrait_changes_no_picture(net, portrait, coefficients):
    expected = straight(net, portrait.expand(FRAMES, -1, -1, -1), coefficients)
    prepared = net.prepare(portrait)
    torch.testing.assert_close(net.draw(prepared, coefficients).edited, expected, atol=1e-4, rtol=0)
    # A portrait a frame, as in training, is the same as one for all.
    several = net(portrait.expand(FRAMES, -1, -1, -1), coefficients).edited
    torch.testing.assert_close(several, expected, atol=1e-4, rtol=0)


@pytest.mark.parametrize(
    ("precision", "tolerance"), [(torch.bfloat16, 0.02), (torch.float16, 0.002)], ids=str
)
def test_in_half_precision_it_is_nearly_the_same_picture(
    net, portrait, coefficients, precision, tolerance
):
    """On average over the pixels, whose colours lie in [-1, 1]."""
    half = deepcopy(net).lowered(precision)
    exact, near = (each.draw(each.prepare(portrait), coefficients) for each in (net, half))
    assert near.edited.dtype is precision and near.warped.dtype is torch.float32
    for name in ("warped", "edited"):
        difference = (getattr(near, name).float() - getattr(exact, name)).abs()
        assert difference.mean() <= tolerance, name
    assert all(p.dtype is torch.float32 for p in half.mapping_net.parameters())
