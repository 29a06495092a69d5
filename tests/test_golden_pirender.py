"""PIRender's generator against what its authors' code computes."""

import golden
import numpy as np
import torch

from reactface_node.render.portrait.generator import FaceGenerator


def inputs(seed, batch):
    """portrait (B, 3, 224, 224), coefficients (B, 58, 27)."""
    random = np.random.default_rng(seed)
    portrait = np.tanh(np.kron(random.standard_normal((batch, 3, 7, 7)), np.ones((32, 32))))
    coefficients = 0.5 * random.standard_normal((batch, 58, 27))
    return (torch.from_numpy(x.astype(np.float32)) for x in (portrait, coefficients))


def test_the_tensors_are_the_released_ones():
    own = {name: list(tensor.shape) for name, tensor in FaceGenerator().state_dict().items()}
    assert own == golden.shapes("pirender")


def test_it_computes_what_the_released_code_computes():
    net = FaceGenerator().eval()
    net.load_state_dict(golden.seeded(golden.shapes("pirender")))
    for case in golden.cases("pirender"):
        with torch.inference_mode():
            got = net(*inputs(case["seed"], case["batch"]))
        expected = golden.arrays(case["name"])
        for key, value in (
            ("flow_field", got.flow),
            ("warp_image", got.warped),
            ("fake_image", got.edited),
        ):
            difference = np.abs(value.numpy() - expected[key].astype(np.float32)).max()
            assert difference <= 5e-3, f"{case['name']}: {key} differs by {difference}"
