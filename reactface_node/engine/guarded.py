"""A stepper that continues on the CPU when its device fails."""

from collections.abc import Callable

import numpy as np

from reactface_node.config import Config, ModelConfig
from reactface_node.engine.devices import DeviceGuard
from reactface_node.engine.stepper import SpeakerFrames, Stepper

Loader = Callable[[Config], Stepper]


class GuardedStepper:
    """See ``stepper.Stepper``: a stepper under a ``DeviceGuard``.

    On the CPU the session begins again with the same listeners and runs the frames of the
    current window again; the older history is lost.
    """

    def __init__(self, config: Config, load: Loader):
        def load_on(device: str) -> Stepper:
            # The CPU has no float16.
            lowered = {} if device == config.device else {"precision": "float32"}
            return load(config.replace(device=device, **lowered))

        self._guard = DeviceGuard(load_on, config.device, config.on_device_failure)
        stepper = self._guard.value
        self.window, self.noise_width = stepper.window, stepper.noise_width
        self.disposition = stepper.disposition
        self._listeners = np.zeros((0, 0), np.float32)
        self._sampling: ModelConfig | None = None
        self._current_window: list[tuple[SpeakerFrames, np.ndarray]] = []

    def begin(self, disposition: np.ndarray) -> None:
        """As ``Stepper.begin``."""
        self._listeners = disposition
        self._current_window.clear()
        self._guard.run(lambda stepper: stepper.begin(disposition), self._set_sampling)

    def describe(self, disposition: np.ndarray) -> None:
        """As ``Stepper.describe``."""
        self._listeners = disposition
        self._guard.run(lambda stepper: stepper.describe(disposition), self._restore)

    def step(self, speaker: SpeakerFrames, noise: np.ndarray) -> np.ndarray:
        """As ``Stepper.step``."""
        shown = self._guard.run(lambda stepper: stepper.step(speaker, noise), self._restore)
        self._current_window.append((speaker, noise))
        if len(self._current_window) * shown.shape[1] == self.window:
            self._current_window.clear()
        return shown

    def check(self, config: ModelConfig) -> None:
        """As ``Stepper.check``."""
        self._guard.value.check(config)

    def configure(self, config: ModelConfig) -> None:
        """As ``Stepper.configure``."""
        self._guard.value.configure(config)
        self._sampling = config

    def _restore(self, stepper: Stepper) -> None:
        self._set_sampling(stepper)
        stepper.begin(self._listeners)
        for speaker, noise in self._current_window:
            stepper.step(speaker, noise)

    def _set_sampling(self, stepper: Stepper) -> None:
        if self._sampling is not None:
            stepper.configure(self._sampling)
