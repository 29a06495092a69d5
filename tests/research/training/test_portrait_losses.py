"""The losses of PIRender's training: their values, and the accepted VGG files."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from rigs import golden
from safetensors.torch import save_file

from reactface_node.errors import UserError
from reactface_node.render.portrait.generator import FaceGenerator
from reactface_node.research.training.portrait.batches import Pairs
from reactface_node.research.training.portrait.losses import (
    PerceptualLoss,
    PixelLoss,
    gram,
    read_loss,
)
from reactface_node.research.training.portrait.train import terms

pytestmark = pytest.mark.slow

CHANNELS = {
    0: (3, 64),
    2: (64, 64),
    5: (64, 128),
    7: (128, 128),
    10: (128, 256),
    12: (256, 256),
    14: (256, 256),
    16: (256, 256),
    19: (256, 512),
    21: (512, 512),
    23: (512, 512),
    25: (512, 512),
    28: (512, 512),
}


@pytest.fixture(scope="module")
def vgg():
    shapes = {}
    for index, (inside, outside) in CHANNELS.items():
        shapes[f"features.{index}.weight"] = (outside, inside, 3, 3)
        shapes[f"features.{index}.bias"] = (outside,)
    return golden.seeded(shapes)


def pictures(seed, size=32):
    random = np.random.default_rng(seed)
    return torch.from_numpy(np.tanh(random.standard_normal((2, 3, size, size))).astype(np.float32))


def test_pixels_and_gradients_by_hand():
    target = torch.zeros(1, 1, 2, 2)
    picture = torch.tensor([[[[0.0, 1.0], [0.0, 3.0]]]])
    # Pixels (1 + 3) / 4, down |0| and |2| of two, across |1| and |3| of two.
    assert PixelLoss()(picture, target, False).item() == pytest.approx(1.0 + 1.0 + 2.0)
    assert PixelLoss()(picture, picture, True).item() == 0.0


def features(picture, vgg):
    """relu1_1 ... relu5_1, layer by layer."""
    mean = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)
    x = (picture * 0.5 + 0.5 - mean) / torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)
    found = []
    for index in CHANNELS:
        if index in (5, 10, 19, 28):
            x = F.max_pool2d(x, 2)
        x = F.conv2d(x, vgg[f"features.{index}.weight"], vgg[f"features.{index}.bias"], padding=1)
        x = x.relu()
        if index in (0, 5, 10, 19, 28):
            found.append(x)
    return found


def test_the_perceptual_loss_is_what_its_formula_says(vgg):
    loss = PerceptualLoss(vgg, "vgg.pth")
    one, other = pictures(1), pictures(2)
    # 32 and 16 pixels; smaller scales have no relu5_1.
    pairs = [(one, other), (F.avg_pool2d(one, 2), F.avg_pool2d(other, 2))]
    content = [
        sum((a - b).abs().mean() for a, b in zip(features(x, vgg), features(y, vgg), strict=True))
        for x, y in pairs
    ]
    assert loss(one, other, False).item() == pytest.approx(sum(content).item(), rel=1e-4)
    style = 0.0
    for a, b in zip(features(one, vgg), features(other, vgg), strict=True):
        size = a[0].numel()
        grams = [torch.einsum("bchw,bdhw->bcd", x, x) / size for x in (a, b)]
        style += (grams[0] - grams[1]).abs().mean()
    expected = (sum(content) + 250 * style).item()
    assert loss(one, other, True).item() == pytest.approx(expected, rel=1e-4)
    assert loss(one, one, True).item() == 0.0


def test_a_gram_matrix_by_hand():
    flat = torch.tensor([[[[1.0, 2.0]], [[0.0, 3.0]]]])
    assert torch.equal(gram(flat), torch.tensor([[[5.0, 6.0], [6.0, 9.0]]]) / 4)


def test_its_gradient_reaches_the_picture_and_not_the_features(vgg):
    loss = PerceptualLoss(vgg, "vgg.pth")
    picture = pictures(1).requires_grad_()
    loss(picture, pictures(2), True).backward()
    assert picture.grad.abs().sum() > 0
    assert not any(parameter.requires_grad for parameter in loss.parameters())


def test_the_stages_weigh_the_warped_and_the_edited_picture(vgg):
    torch.manual_seed(0)
    net, loss = FaceGenerator(4), PerceptualLoss(vgg, "vgg.pth")
    pairs = Pairs(pictures(1, 64), pictures(2, 64), torch.zeros(2, 58, 27))
    with torch.no_grad():
        drawn = net(pairs.source, pairs.coefficients)
        warp, both = terms(net, loss, pairs, True), terms(net, loss, pairs, False)
    assert warp.keys() == {"warp"} and both.keys() == {"warp", "edit"}
    expected = 2.5 * loss(drawn.warped, pairs.target, False).item()
    assert warp["warp"].item() == both["warp"].item() == pytest.approx(expected)
    expected = 4.0 * loss(drawn.edited, pairs.target, True).item()
    assert both["edit"].item() == pytest.approx(expected)


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_vgg_files_are_read_whatever_else_they_hold(vgg, suffix, tmp_path):
    path = tmp_path / f"vgg{suffix}"
    more = {**vgg, "classifier.0.weight": torch.zeros(2)}
    if suffix == ".pth":
        torch.save(more, path)
    else:
        save_file(more, path)
    loss = read_loss(path, "cpu")
    assert loss.digest == PerceptualLoss(vgg, path).digest != PixelLoss().digest


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda t: t.pop("features.16.weight"), "lacks the tensor features.16.weight"),
        (lambda t: t.update({"features.0.bias": torch.zeros(3)}), r"features.0.bias is \(3,\)"),
    ],
    ids=["another net", "another shape"],
)
def test_another_net_is_refused(vgg, change, says, tmp_path):
    path = tmp_path / "vgg16.pth"
    tensors = dict(vgg)
    change(tensors)
    torch.save(tensors, path)
    with pytest.raises(UserError, match=says):
        read_loss(path, "cpu")


def test_a_vgg_file_that_is_missing_or_damaged_is_refused(tmp_path):
    with pytest.raises(UserError, match="is missing"):
        read_loss(tmp_path / "none.pth", "cpu")
    torch.save({"features.0.bias": torch.zeros(64)}, tmp_path / "bad.pth")
    (tmp_path / "bad.pth").write_bytes((tmp_path / "bad.pth").read_bytes()[:500])
    with pytest.raises(UserError, match="damaged or no checkpoint"):
        read_loss(tmp_path / "bad.pth", "cpu")
