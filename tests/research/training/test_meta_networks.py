"""Networks are built first on the meta device, without memory, where checkpoints are read."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow

BUILD_ALL = """
import torch

# While transformers loads a model, torch.linspace is another function; torch remembers which
# functions a device applies to when one is first used.
own = torch.linspace
torch.linspace = lambda *arguments, **named: own(*arguments, **named)
with torch.device("meta"):
    torch.zeros(1)
torch.linspace = own

from reactface_node.config import Config
from reactface_node.model.reactface import ReactFace
from reactface_node.research.training import baselines

model = Config.load().model
with torch.device("meta"):
    for name in baselines.BASELINES:
        baselines.build(name, model)
        print(name)
    ReactFace(model)
    print("reactface")
"""


def test_all_are_built_there_after_transformers_has_loaded_one():
    told = subprocess.run(
        [sys.executable, "-c", BUILD_ALL], capture_output=True, text=True, check=False
    )
    assert told.returncode == 0, told.stderr
    assert {"reactface", "trans_ae", "lfi", "ng", "zhou", "fsq", "trans_vae", "reactdiff"} == set(
        told.stdout.split()
    )
