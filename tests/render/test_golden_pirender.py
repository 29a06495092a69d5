"""PIRender's generator, compared with the outputs of its authors' code."""

import numpy as np
import pytest
import torch
from rigs import golden

from reactface_node.render.portrait.generator import FaceGenerator

pytestmark = pytest.mark.slow


def inputs(seed, batch):
    """portrait (B, 3, 224, 224), coefficients (B, 58, 27)."""
    random = np.random.default_rng(seed)
    portrait = np.tanh(np.kron(random.standard_normal((batch, 3, 7, 7)), np.ones((32, 32))))
    coefficients = 0.5 * random.standard_normal((batch, 58, 27))
    return (torch.from_numpy(x.astype(np.float32)) for x in (portrait, coefficients))


@pytest.fixture(scope="module")
def net():
    net = FaceGenerator().eval()
    net.load_state_dict(golden.seeded({n: t.shape for n, t in net.state_dict().items()}))
    return net


@pytest.mark.skipif(golden.folder() is None, reason="no golden outputs")
def test_the_tensors_are_the_released_ones(net):
    own = {name: list(tensor.shape) for name, tensor in net.state_dict().items()}
    assert own == golden.tensor_names("pirender")


@pytest.mark.parametrize("case", golden.cases("pirender"))
def test_it_computes_what_the_released_code_computes(case, net):
    with torch.inference_mode():
        got = net(*inputs(case["seed"], case["batch"]))
    found = {"flow_field": got.flow, "warp_image": got.warped, "fake_image": got.edited}
    for name, expected in golden.arrays(case).items():
        difference = np.abs(found[name].numpy() - expected.astype(np.float32)).max()
        assert difference <= 5e-3, f"{name} differs by {difference}"
