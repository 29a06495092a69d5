"""FRRea with random weights: the network, its files, and the distance."""

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from reactface_node.errors import UserError
from reactface_node.research.evaluation.i3d import I3D, load_i3d, pad_same
from reactface_node.research.evaluation.realism import RenderedClips, frechet_distance, frrea, see

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def net():
    torch.manual_seed(0)
    net = I3D(7).eval().requires_grad_(False)
    for module in net.modules():
        if isinstance(module, nn.Conv3d):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
    return net


class Glance(nn.Module):
    """In place of I3D where it does not matter what is seen: brightness and contrast."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(2))

    def features(self, video):
        return self.scale * torch.stack([video.mean(), video.std()])[None]


def videos(count, noise, frames=9, side=40):
    rng = np.random.default_rng(count)
    base = rng.integers(60, 190, (count, frames, side, side, 3))
    wild = noise * np.random.default_rng(99).standard_normal(base.shape)
    return (base + wild).clip(0, 255).astype(np.uint8)


def test_frechet_distance_of_gaussians_by_hand():
    rng = np.random.default_rng(0)
    plain = rng.standard_normal((4000, 3))
    plain = (plain - plain.mean(0)) @ np.linalg.inv(np.linalg.cholesky(np.cov(plain.T))).T
    moved = plain * [1.0, 2.0, 3.0] + [3.0, 4.0, 0.0]
    # 25 for the means; (1 - 1)^2 + (1 - 2)^2 + (1 - 3)^2 for the deviations.
    assert frechet_distance(plain, moved) == pytest.approx(30.0, rel=1e-6)
    assert frechet_distance(moved, plain) == pytest.approx(30.0, rel=1e-6)
    turn = np.linalg.qr(rng.standard_normal((3, 3)))[0]
    assert frechet_distance(plain @ turn, moved @ turn) == pytest.approx(30.0, rel=1e-6)


def test_fewer_videos_than_features_are_no_trouble():
    few = np.random.default_rng(1).standard_normal((4, 50))
    assert frechet_distance(few, few) == pytest.approx(0.0, abs=1e-6)
    assert frechet_distance(few, few + 1.0) == pytest.approx(50.0, rel=1e-6)


def test_padding_is_tensorflows_same():
    line = torch.arange(1.0, 5.0).reshape(1, 1, 4, 1, 1)
    padded = pad_same(line, (3, 1, 1), (2, 1, 1)).flatten().tolist()
    assert padded == [1.0, 2.0, 3.0, 4.0, 0.0]  # the odd zero goes behind


def test_what_is_further_from_real_has_a_larger_frrea():
    real = videos(4, 0.0)
    same, little, much = (frrea(real, videos(4, noise), Glance()) for noise in (0.0, 20.0, 120.0))
    assert same == pytest.approx(0.0, abs=1e-8) and 0.0 < little < much


def test_pairs_are_drawn_by_the_seed():
    net, real, made = Glance(), videos(5, 0.0), videos(5, 60.0)
    first = frrea(real, made, net, pairs=2, seed=1)
    assert first == frrea(real, made, net, pairs=2, seed=1)
    assert first != frrea(real, made, net, pairs=2, seed=2)


def test_the_released_form_sees_logits_of_bgr(net):
    clips = videos(2, 0.0)
    plain, released = see(clips, [0], net), see(clips, [0, 1], net, released=True)
    assert plain.shape == (1, 1024) and released.shape == (2, 7)
    swapped = see(clips[..., ::-1].copy(), [0], net, released=True)
    assert np.abs(swapped - released[:1]).max() > 1e-3
    assert np.abs(released[1] - released[0]).max() > 1e-3


def test_reactions_are_drawn_when_asked_for():
    faces = np.zeros((3, 9, 58), np.float32)
    drawn = RenderedClips(faces)
    assert len(drawn) == 3 and len(drawn[1:]) == 2
    assert drawn[0].shape == (9, 224, 224, 3) and drawn[0].dtype == np.uint8


@pytest.mark.parametrize("name", ["i3d.safetensors", "rgb_imagenet.pt"])
def test_weights_come_back_from_a_users_file(net, tmp_path, name):
    tensors = {n: t for n, t in net.state_dict().items() if "num_batches" not in n}
    save = save_file if name.endswith("safetensors") else torch.save
    save(tensors, tmp_path / name)
    clips = videos(1, 0.0)
    loaded = load_i3d(tmp_path / name)
    np.testing.assert_array_equal(see(clips, [0], loaded), see(clips, [0], net))


class Evil:
    def __reduce__(self):
        return (print, ("unpickled",))


def test_files_that_do_not_fit_are_named(net, tmp_path, capsys):
    tensors = {n: t for n, t in net.state_dict().items() if "num_batches" not in n}
    path = tmp_path / "i3d.pt"
    with pytest.raises(UserError, match=r"i3d\.pt is missing"):
        load_i3d(path)
    path.touch()
    with pytest.raises(UserError, match="is damaged"):
        load_i3d(path)
    torch.save({"state": Evil()}, path)
    with pytest.raises(UserError, match="it holds code or objects"):
        load_i3d(path)
    assert "unpickled" not in capsys.readouterr().out
    torch.save([1, 2], path)
    with pytest.raises(UserError, match="holds no state dict"):
        load_i3d(path)
    bias = tensors.pop("Mixed_3b.b0.bn.bias")
    torch.save(tensors, path)
    with pytest.raises(UserError, match=r"lacks the tensor Mixed_3b\.b0\.bn\.bias"):
        load_i3d(path)
    torch.save(tensors | {"Mixed_3b.b0.bn.bias": bias[:3]}, path)
    with pytest.raises(UserError, match=r"Mixed_3b\.b0\.bn\.bias is \(3,\)"):
        load_i3d(path)


def test_videos_that_cannot_be_used_are_one_line():
    net = Glance()
    with pytest.raises(UserError, match="5 frames, I3D needs 9"):
        frrea(videos(2, 0.0, frames=5), videos(2, 0.0), net)
    with pytest.raises(UserError, match="two or more videos"):
        frrea(videos(1, 0.0), videos(1, 0.0), net)
    with pytest.raises(UserError, match="no \\(T, H, W, 3\\) of bytes"):
        frrea(videos(2, 0.0)[..., 0], videos(2, 0.0), net)
