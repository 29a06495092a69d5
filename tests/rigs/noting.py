"""A model that records its windows, for the tests of decisions about windows."""

import numpy as np

from reactface_node.session.session import ReactionSession
from rigs.model_inputs import small_config
from rigs.session import ReadingTracker, W


class NotingStepper:
    """A model that records the place of each frame in the model's window, and its input."""

    window, noise_width, disposition = W, 4, 2

    def __init__(self, during=lambda: None):
        self._during = during
        self.described = []
        self.begun, self.places, self.first_values, self.noise = [], [], [], []

    def begin(self, disposition):
        self.begun.append(disposition.copy())
        self._place = 0

    def describe(self, disposition):
        self.described.append((len(self.places), disposition.copy()))

    def step(self, speaker, noise):
        self._during()
        frames = len(speaker.audio_valid)
        self.places.append(self._place)
        self.noise.append(noise)
        self.first_values.append(float(speaker.face[0, 0]))
        self._place = (self._place + frames) % W
        shown = np.full((len(noise), frames, 58), 0.25, np.float32)
        shown[:, :, 0] = self.places[-1] / 100
        return shown

    def check(self, config):
        pass

    def configure(self, config):
        pass


def noting_session(mode="frame", stepper=None, speech=None, **changes):
    from reactface_node.engine.engine import Engine, frames_at_once

    config = small_config(mode=mode, **changes)
    stepper = stepper or NotingStepper()
    engine = Engine(stepper, frames_at_once(config))
    return ReactionSession(config, engine, ReadingTracker(), speech=speech)
