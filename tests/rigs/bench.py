"""A small listener, a tracker without delay and a clock that does not run, for the benchmark's
tests."""

from concurrent.futures import Executor, Future
from types import SimpleNamespace

import numpy as np

from reactface_node.schema import NUM_COEFFICIENTS, Observation
from reactface_node.tools.bench.machine import COPIED_BYTES, MATRIX
from reactface_node.tools.bench.simulated import BenchClip
from rigs.model_inputs import SMALL, small_wav2vec2

SETTINGS = [f"--set={name}={value}" for name, value in SMALL.items()]
CROP_PX = 32


class QuickTracker:
    """Sees a face in every image."""

    def __init__(self, config, want_crop):
        del config
        self._crop = np.full((CROP_PX, CROP_PX, 3), 9, np.uint8) if want_crop else None

    def track(self, stamp_s, rgb):
        del stamp_s, rgb
        seen = np.ones(NUM_COEFFICIENTS)
        return Observation(0.1 * seen.astype(np.float32), seen.astype(bool), self._crop, 1, 1)

    def hear(self, stamp_s, mono, rate_hz):
        pass

    def change_person(self):
        pass

    def reset(self):
        pass

    def close(self):
        pass


class SteppedTime:
    """``time``, in which nothing takes time but sleeping, and every look at the clock a little."""

    def __init__(self):
        self.now_s = 5000.0

    def sleep(self, seconds):
        self.now_s += seconds

    def read(self):
        self.now_s += 1e-6
        return self.now_s

    def module(self):
        names = ("time", "perf_counter", "process_time")
        return SimpleNamespace(sleep=self.sleep, **dict.fromkeys(names, self.read))


class InlineExecutor(Executor):
    """Runs each call at once on the thread that submits it: time that is stepped does not run ahead
    of another thread."""

    def __init__(self, *_, **__):
        pass

    def submit(self, act, /, *arguments):
        future = Future()
        try:
            future.set_result(act(*arguments))
        except Exception as error:
            future.set_exception(error)
        return future


def quick_clip(config, recording):
    """``tracked_clip`` of a face that stands still."""
    del recording
    tracker = QuickTracker(None, config.model.face_encoder == "pixels")
    return BenchClip([tracker.track(0.0, None)], [np.full(640, 0.1, np.float32)], 16000)


def quicken(monkeypatch):
    """Small wav2vec 2.0, small yardsticks, few windows, and a tracker that needs no library."""
    monkeypatch.setattr("reactface_node.tools.bench.run.tracked_clip", quick_clip)
    monkeypatch.setattr("reactface_node.tools.bench.sessions.WINDOWS", 5)
    monkeypatch.setattr("reactface_node.tools.bench.stages.BLOCK", 3)
    monkeypatch.setitem(MATRIX, "cpu", 64)
    monkeypatch.setitem(COPIED_BYTES, "cpu", 1 << 20)
    for module in ("simulated", "pipeline"):
        monkeypatch.setattr(f"reactface_node.tools.bench.{module}.make_tracker", QuickTracker)
    monkeypatch.setattr("reactface_node.tools.bench.weights.untrained_wav2vec2", small_wav2vec2)
    monkeypatch.setattr("reactface_node.model.official.model.untrained_wav2vec2", small_wav2vec2)
