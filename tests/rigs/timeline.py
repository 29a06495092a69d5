"""Inputs for a timeline, and a timeline that records the calls of ``perceive``."""

import numpy as np

from reactface_node.config import TimelineConfig
from reactface_node.session.timeline import Timeline

W = 8
WINDOW_S = W / 25


class Rig:
    """A timeline whose images are their own stamps and whose ``perceive`` keeps a list."""

    def __init__(self, w=W, eager=False, **config):
        self.perceived = []
        self.timeline = Timeline(TimelineConfig(**config), w, self._perceive, eager)
        self.stats = self.timeline.stats

    def _perceive(self, slot, stamp_s, image):
        self.perceived.append(stamp_s)
        return image

    def play(self, events, poll=True):
        """Push (stamp, image) and (stamp, samples, rate_hz); poll at each stamp, if asked."""
        windows = []
        for stamp_s, *rest in events:
            if len(rest) == 1:
                self.timeline.push_image(stamp_s, rest[0])
            else:
                self.timeline.push_audio(stamp_s, *rest)
            if poll:
                windows += self.timeline.poll(stamp_s)
        return windows + self.timeline.poll(-1.0)


def images(fps, seconds, start_s=0.0):
    return [(start_s + i / fps, start_s + i / fps) for i in range(round(seconds * fps))]


def chunks(signal, rate_hz, chunk, start_s=0.0):
    starts = range(0, len(signal), chunk)
    return [(start_s + i / rate_hz, signal[i : i + chunk], rate_hz) for i in starts]


def sine(rate_hz, seconds, frequency_hz=440.0):
    return 0.5 * np.sin(2 * np.pi * frequency_hz * np.arange(round(seconds * rate_hz)) / rate_hz)


def merged(*streams):
    """By stamp, audio one chunk late, as microphones are: a chunk comes when it is full."""

    def arrival_s(event):
        return event[0] + (len(event[1]) / event[2] if len(event) == 3 else 0.0)

    return sorted((e for s in streams for e in s), key=arrival_s)


def heard(seconds, start_s=0.0):
    return chunks(sine(16000, seconds), 16000, 320, start_s)


def same(first, second):
    assert len(first) == len(second)
    for a, b in zip(first, second, strict=True):
        assert (a.index, a.start_s, a.end_s, a.frames) == (b.index, b.start_s, b.end_s, b.frames)
        np.testing.assert_array_equal(a.audio, b.audio)
        np.testing.assert_array_equal(a.audio_valid, b.audio_valid)
