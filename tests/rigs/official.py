"""The released model, small, for its tests."""

from reactface_node.config import Config
from reactface_node.model.official.model import OfficialReactFace
from rigs import golden
from rigs.model_inputs import small_wav2vec2

W, PIXELS = 8, 32
EXACT = 1e-5


def official_config(**changes):
    small = {"model.width": 32, "playout.samples": 2, "playout.seed": 0}
    named = {name.replace("__", "."): value for name, value in changes.items()}
    return Config.load("official", overrides=small | named)


def small_net(config):
    net = OfficialReactFace(config.model, small_wav2vec2())
    net.load_state_dict(golden.seeded({n: t.shape for n, t in net.state_dict().items()}))
    return net.eval().requires_grad_(False)


def released_tensors(monkeypatch):
    """A small net's state dict; nets that are loaded from it are as small."""
    monkeypatch.setattr("reactface_node.model.official.model.untrained_wav2vec2", small_wav2vec2)
    return small_net(official_config()).state_dict()
