"""A model whose device may fail: it goes on on the CPU, or says in one line that it cannot."""

from collections.abc import Callable

import numpy as np

from reactface_node.config import Config, ModelConfig
from reactface_node.engine.devices import go_without
from reactface_node.engine.stepper import SpeakerFrames, Stepper

Loader = Callable[[Config], Stepper]


class GuardedStepper:
    """See ``engine.Stepper``: another one, until its device fails; then by the config's
    ``on_device_failure`` a UserError, or the model on the CPU, whose conversation begins anew
    with the same listeners and the frames of the window that is under way."""

    def __init__(self, config: Config, load: Loader):
        self._config, self._load = config, load
        try:
            self._stepper = load(config)
        except Exception as error:
            self._stepper = self._instead(error)
        self.window, self.noise_width = self._stepper.window, self._stepper.noise_width
        self.disposition = self._stepper.disposition
        self._who = np.zeros((0, 0), np.float32)
        self._sampling: ModelConfig | None = None
        self._under_way: list[tuple[SpeakerFrames, np.ndarray]] = []

    def begin(self, disposition: np.ndarray) -> None:
        self._who = disposition
        self._under_way.clear()
        try:
            self._stepper.begin(disposition)
        except Exception as error:
            self._go_on_without(error)

    def step(self, speaker: SpeakerFrames, noise: np.ndarray) -> np.ndarray:
        try:
            shown = self._stepper.step(speaker, noise)
        except Exception as error:
            self._go_on_without(error)
            shown = self._stepper.step(speaker, noise)
        self._under_way.append((speaker, noise))
        if len(self._under_way) * shown.shape[1] == self.window:
            self._under_way.clear()
        return shown

    def check(self, config: ModelConfig) -> None:
        self._stepper.check(config)

    def configure(self, config: ModelConfig) -> None:
        self._stepper.configure(config)
        self._sampling = config

    def _go_on_without(self, error: Exception) -> None:
        self._stepper = self._instead(error)
        if self._sampling is not None:
            self._stepper.configure(self._sampling)
        self._stepper.begin(self._who)
        for speaker, noise in self._under_way:
            self._stepper.step(speaker, noise)

    def _instead(self, error: Exception) -> Stepper:
        """The model on the CPU, if that is wanted."""
        config = self._config
        go_without(error, "the model", "device", config.device, config.on_device_failure)
        # The CPU has no float16.
        self._config = self._config.replace(device="cpu", precision="float32")
        return self._load(self._config)
