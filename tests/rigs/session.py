"""A small seeded session, a tracker that reads coefficients from pixels, and inputs."""

import numpy as np

from reactface_node.schema import NUM_COEFFICIENTS, Observation
from reactface_node.session.session import ReactionSession
from rigs.model_inputs import engine_for, small_config

W = 8


class ReadingTracker:
    """Sees 58 coefficients in the first pixels of an image; black images hold no face."""

    def __init__(self):
        self.tracked, self.widths_px = 0, []

    def hear(self, stamp_s, mono, rate_hz):
        pass

    def change_person(self):
        pass

    def narrow(self, max_width_px):
        self.widths_px.append(max_width_px)

    def track(self, stamp_s, rgb):
        self.tracked += 1
        if not rgb.any():
            return Observation.missing()
        values = rgb.reshape(-1)[:NUM_COEFFICIENTS].astype(np.float32) / 255
        return Observation(values, np.ones(NUM_COEFFICIENTS, bool))

    def reset(self):
        pass

    def close(self):
        pass


def make_session(**changes):
    config = small_config(**{"playout__samples": 2, **changes})
    return ReactionSession(config, engine_for(config), ReadingTracker())


def picture(seed):
    return np.random.default_rng(seed).integers(1, 255, (6, 8, 3), np.uint8)


def run(session, seconds=3.0, start_s=100.0, image=picture, voice=0.1, chunk=320):
    """25 fps and 16 kHz in step, polled at every audio chunk; all reactions."""
    audio = voice * np.random.default_rng(1).standard_normal(int(seconds * 16000))
    reactions = []
    for first in range(0, len(audio), chunk):
        stamp_s = start_s + first / 16000
        if first % 640 == 0:
            session.push_image(stamp_s, image(first // 640))
        if voice:
            session.push_audio(stamp_s, audio[first : first + chunk].astype(np.float32), 16000)
        reactions += session.poll(stamp_s)
    return reactions + session.poll(start_s + seconds + 0.2)


def joined(reactions, field="face"):
    return np.concatenate([getattr(reaction, field) for reaction in reactions], axis=-2)
