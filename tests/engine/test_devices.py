"""Precision of the large encoders, and devices that fail while loading or running."""

import numpy as np
import pytest
import torch
from rigs.model_inputs import W, small_config, small_model, speaker_input

from reactface_node.config import Config
from reactface_node.engine.devices import DeviceGuard
from reactface_node.engine.engine import load_engine
from reactface_node.engine.guarded import GuardedStepper
from reactface_node.engine.torch_stepper import load_stepper, lowered
from reactface_node.errors import UserError
from reactface_node.files.tensors import read_safetensors
from reactface_node.model.checkpoint import save_checkpoint

# Of outputs whose standard deviation is about 0.6 with random weights.
BFLOAT16 = 0.03


@pytest.mark.slow
def test_bfloat16_changes_little_and_only_within_the_encoders():
    config = small_config("paper")
    exact = small_model(config)
    rough = lowered(small_model(config), "bfloat16", "cpu")
    speaker, noise = speaker_input(config, 4 * W), torch.zeros(1, 1, 4, exact.noise_width)
    with torch.inference_mode():
        expected, found = (model(speaker, noise)[0].listener for model in (exact, rough))
        state = rough.initial_state(1, 1, streaming=True)
        _, state = rough.step(speaker.frames(0, W), noise[:, :, 0], state)
    assert 0.0 < (expected - found).abs().max() < BFLOAT16
    assert state.face.convolutions[0].dtype == state.last_face.dtype == torch.float32


@pytest.mark.slow
def test_folded_weights_are_the_same_weights(tmp_path):
    config = small_config("paper")
    model = small_model(config)
    save_checkpoint(tmp_path / "m.safetensors", model, config, {}, "none")
    folded = load_stepper(config.replace(weights=str(tmp_path / "m.safetensors")))._model
    names = {name for name, _ in folded.named_parameters()}
    assert not any("parametrizations" in name for name in names)
    speaker, noise = speaker_input(config, 2 * W), torch.zeros(1, 1, 2, model.noise_width)
    with torch.inference_mode():
        expected, found = (one(speaker, noise)[0].listener for one in (model, folded))
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("profile", "precision", "why"),
    [
        ("paper", "float16", "needs a GPU"),
        ("default", "bfloat16", "for the paper profile"),
    ],
)
def test_a_precision_that_cannot_be_is_one_line(profile, precision, why, tmp_path):
    config = small_config(profile, precision=precision)
    save_checkpoint(tmp_path / "m.safetensors", small_model(config), config, {}, "none")
    with pytest.raises(UserError, match=why):
        load_stepper(config.replace(weights=str(tmp_path / "m.safetensors")))


class Failing:
    """A stepper that works ``good`` times; on the CPU always."""

    window, noise_width, disposition = W, 4, 2

    def __init__(self, config, good, error):
        self.config, self.good, self.error = config, good, error
        self.begun = self.sampling = None

    def begin(self, disposition):
        self.begun = disposition

    def step(self, speaker, noise):
        self.good -= 1
        if self.good < 0 and self.config.device != "cpu":
            raise self.error
        return np.full((1, W, 58), float(self.config.device == "cpu"))

    def describe(self, disposition):
        self.step(None, None)

    def configure(self, config):
        self.sampling = config


ERRORS = [
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
    RuntimeError("CUDA error: unspecified launch failure\nCUDA kernel errors might ..."),
    RuntimeError("cuDNN error: CUDNN_STATUS_EXECUTION_FAILED"),
]
KINDS = ["memory", "lost", "cudnn"]


def guarded(error, good, made, **changes):
    def load(config):
        if good < 0 and config.device != "cpu":
            raise error
        made.append(Failing(config, good, error))
        return made[-1]

    config = Config().replace(device="cuda", precision="float16", **changes)
    return GuardedStepper(config, load)


@pytest.mark.parametrize("error", ERRORS, ids=KINDS)
def test_a_gpu_that_fails_while_running_leaves_the_session_on_the_cpu(error, caplog):
    made = []
    stepper = guarded(error, 2, made, on_device_failure="cpu")
    who = np.ones((1, 2), np.float32)
    stepper.begin(who)
    sampling = Config().replace(**{"model.temperature": 0.5}).model
    stepper.configure(sampling)
    shown = [stepper.step(None, None)[0, 0, 0] for _ in range(4)]
    assert shown == [0.0, 0.0, 1.0, 1.0]
    assert (made[1].config.device, made[1].config.precision) == ("cpu", "float32")
    assert made[1].begun is who and made[1].sampling is sampling
    assert len(caplog.records) == 1 and "goes on on the cpu" in caplog.text


@pytest.mark.parametrize("good", [0, 1])
def test_another_listener_stays_when_a_gpu_fails(good):
    made = []
    stepper = guarded(ERRORS[1], good, made, on_device_failure="cpu")
    stepper.begin(np.zeros((1, 2), np.float32))
    who = np.ones((1, 2), np.float32)
    stepper.describe(who)
    assert stepper.step(None, None)[0, 0, 0] == 1.0
    assert made[1].begun is who


@pytest.mark.parametrize("error", ERRORS, ids=KINDS)
def test_a_gpu_that_fails_while_loading(error):
    made = []
    assert guarded(error, -1, made, on_device_failure="cpu").window == W
    assert made[0].config.device == "cpu"
    with pytest.raises(UserError, match="on_device_failure=cpu") as said:
        guarded(error, -1, [])
    assert "\n" not in str(said.value)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there(tmp_path, caplog):
    config = small_config(device="cuda")
    save_checkpoint(tmp_path / "m.safetensors", small_model(config), config, {}, "none")
    config = config.replace(weights=str(tmp_path / "m.safetensors"))
    with pytest.raises(UserError, match="device 'cuda' cannot be used here"):
        load_engine(config)
    engine = load_engine(config.replace(on_device_failure="cpu"))
    engine.begin(0, 1)
    assert "goes on on the cpu" in caplog.text


@pytest.mark.parametrize("name", ["cdua", "meta", "cuda:x", "cuda:", ""])
def test_a_device_of_another_name_is_a_mistake_and_no_failure(name):
    config = small_config(device=name, on_device_failure="cpu")
    with pytest.raises(UserError, match="there is no device"):
        GuardedStepper(config, load_stepper)


def test_a_full_gpu_is_no_damaged_file(tmp_path, monkeypatch):
    config = small_config()
    path = tmp_path / "m.safetensors"
    save_checkpoint(path, small_model(config), config, {}, "none")

    def full(*_, **__):
        raise ERRORS[0]

    monkeypatch.setattr("reactface_node.files.tensors.safe_open", full)
    with pytest.raises(torch.OutOfMemoryError):
        read_safetensors(path, "cpu")


def test_other_errors_are_nobodys_device():
    stepper = guarded(ValueError("a bug"), 0, [], on_device_failure="cpu")
    with pytest.raises(ValueError, match="a bug"):
        stepper.step(None, None)


def test_a_device_that_fails_at_the_begin_has_the_settings_on_the_cpu():
    made = []
    stepper = guarded(ERRORS[1], 0, made, on_device_failure="cpu")
    sampling = Config().replace(**{"model.temperature": 0.5}).model
    stepper.configure(sampling)

    def lost(_):
        raise ERRORS[1]

    made[0].begin = lost
    who = np.ones((1, 2), np.float32)
    stepper.begin(who)
    assert made[1].begun is who and made[1].sampling is sampling


def test_a_guard_restores_once_and_works_on_the_cpu_from_then_on(caplog):
    calls = []

    def work(device):
        calls.append(device)
        if device != "cpu" and len(calls) == 2:
            raise ERRORS[0]
        return device

    guard = DeviceGuard(lambda device: device, "cuda:3", "cpu", "the thing", "it.device")
    restored = []
    assert [guard.run(work, restored.append) for _ in range(3)] == ["cuda:3", "cpu", "cpu"]
    assert calls == ["cuda:3", "cuda:3", "cpu", "cpu"]
    assert restored == [guard.value] == ["cpu"] and guard.device == "cpu"
    assert caplog.messages == ["cuda:3 is out of memory: the thing goes on on the cpu"]
    with pytest.raises(torch.OutOfMemoryError):
        guard.run(lambda _: (_ for _ in ()).throw(ERRORS[0]))
