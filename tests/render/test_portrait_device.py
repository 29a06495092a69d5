"""A portrait's GPU that is missing, full or lost."""

import numpy as np
import pytest
import torch
from rigs.portrait_pictures import folder_of_portraits

from reactface_node.config import RenderConfig
from reactface_node.engine.devices import DeviceGuard
from reactface_node.errors import UserError
from reactface_node.render import make_renderer
from reactface_node.render.portrait.generator import FaceGenerator
from reactface_node.render.portrait.weights import save_generator

FULL = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
LOST = RuntimeError("CUDA error: unspecified launch failure\nCUDA kernel errors might ...")
AROUND = np.zeros((2, 58, 27), np.float32)
PICTURE = torch.zeros(1, 3, 4, 4)


class Failing:
    """A painter that paints ``good`` times, on the CPU always; its colour says where."""

    def __init__(self, device, good, error):
        self.device, self.good, self.error = device, good, error

    def paint(self, picture, around):
        self.good -= 1
        if self.good < 0 and self.device != "cpu":
            raise self.error
        return np.full((len(around), 4, 4, 3), self.device == "cpu", np.uint8)


def guarded(error, good, failing):
    def load(device):
        if good < 0 and device != "cpu":
            raise error
        return Failing(device, good, error)

    return DeviceGuard(load, "cuda:1", failing, "the portrait", "render.device")


def paint(painter):
    return painter.run(lambda one: one.paint(PICTURE, AROUND))


@pytest.mark.parametrize("error", [FULL, LOST], ids=["memory", "lost"])
@pytest.mark.parametrize("good", [-1, 2])
def test_it_is_painted_on_the_cpu_from_then_on(error, good, caplog):
    painter = guarded(error, good, "cpu")
    where = [paint(painter)[0, 0, 0, 0] for _ in range(4)]
    assert where == [0] * max(good, 0) + [1] * (4 - max(good, 0))
    assert len(caplog.records) == 1 and "the portrait goes on on the cpu" in caplog.text


def test_or_it_stops_with_one_line():
    with pytest.raises(UserError, match=r"cuda:1 is out of memory: .*render\.device=cpu"):
        guarded(FULL, -1, "stop")
    painter = guarded(LOST, 1, "stop")
    paint(painter)
    with pytest.raises(UserError, match=r"cuda:1 failed \(CUDA error: unspec") as said:
        paint(painter)
    assert "\n" not in str(said.value)


def test_a_mistake_in_the_code_is_no_failure_of_the_device():
    with pytest.raises(ValueError, match="a bug"):
        paint(guarded(ValueError("a bug"), 0, "cpu"))


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there(tmp_path, caplog):
    pytest.importorskip("mediapipe", reason="the tracker is not installed")
    folder_of_portraits(tmp_path / "portraits")
    save_generator(tmp_path / "seeded.safetensors", FaceGenerator(), "ours")
    config = RenderConfig(
        renderer="portrait",
        portraits=str(tmp_path / "portraits"),
        portrait="one.png",
        pirender=str(tmp_path / "seeded.safetensors"),
        device="cuda",
    )
    with pytest.raises(UserError, match="device 'cuda' cannot be used here"):
        make_renderer(config)
    assert make_renderer(config, "cpu").size == (512, 512)
    assert "the portrait goes on on the cpu" in caplog.text
