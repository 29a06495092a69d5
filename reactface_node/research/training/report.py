"""Reports of a training run: TensorBoard and throughput."""

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from reactface_node.files.whole import make_folder, write_errors


class TrainingReport:
    """Scalars every few steps, metrics and pictures at validation; only the first process reports.

    after: steps done before, in a resumed run; older reports of later steps are hidden. UserError,
    from every method, if the disk is full.
    """

    EVERY = 10

    def __init__(self, out: Path, active: bool, after: int = 0):
        self._events = _Events(out / "tensorboard", after) if active else None
        self._clip_s = self._seconds = 0.0
        self._steps = 0

    def step(self, step: int, parts: dict[str, float], clip_s: float, seconds: float) -> None:
        """Weighted loss terms of step ``step``, counted from 1, and the throughput: seconds of
        conversation a second."""
        self._clip_s, self._seconds = self._clip_s + clip_s, self._seconds + seconds
        self._steps += 1
        if self._events is None or step % self.EVERY:
            return
        scalars = {f"loss/{name}": value for name, value in parts.items()}
        scalars["loss/total"] = sum(parts.values())
        scalars["throughput/conversation_s_per_s"] = clip_s / seconds
        self._events.scalars(step, scalars)

    def throughput(self) -> str:
        """One line on the steps since the last call: how many, and how many seconds of
        conversation, a second."""
        seconds = max(self._seconds, 1e-9)
        steps, clip_s = self._steps / seconds, self._clip_s / seconds
        self._clip_s, self._seconds, self._steps = 0.0, 0.0, 0
        return f"throughput: {steps:.3g} steps, {clip_s:.1f} s of conversation a second"

    def metrics(self, step: int, metrics: Mapping[str, float | None]) -> None:
        """The numbers of a validation; None is left out."""
        if self._events is not None:
            known = {f"validation/{n}": v for n, v in metrics.items() if v is not None}
            self._events.scalars(step, known)

    def picture(self, step: int, name: str, rgb: np.ndarray) -> None:
        """(H, W, 3) uint8."""
        if self._events is not None:
            self._events.picture(step, name, rgb)

    def close(self) -> None:
        if self._events is not None:
            self._events.close()


class _Events:
    """An event file of TensorBoard, written without a thread: on the thread of torch's own
    writer a full disk is only a traceback."""

    def __init__(self, folder: Path, after: int):
        from tensorboard.compat.proto.event_pb2 import Event, SessionLog
        from tensorboard.summary.writer.record_writer import RecordWriter

        self._make, self._folder = Event, folder
        make_folder(folder)
        name = f"events.out.tfevents.{time.time_ns()}.{os.getpid()}"
        with write_errors(folder):
            # Unbuffered: what cannot be written is reported here, not when the file is closed.
            self._file = open(folder / name, "xb", buffering=0)  # noqa: SIM115
        self._records = RecordWriter(self)
        self._write(file_version="brain.Event:2")
        if after:
            self._write(step=after + 1, session_log=SessionLog(status=SessionLog.START))

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        from torch.utils.tensorboard.summary import scalar

        for name, value in values.items():
            self._write(step=step, summary=scalar(name, value))

    def picture(self, step: int, name: str, rgb: np.ndarray) -> None:
        from torch.utils.tensorboard.summary import image

        self._write(step=step, summary=image(name, rgb, dataformats="HWC"))

    def close(self) -> None:
        self._file.close()

    def write(self, data: bytes) -> None:
        """Write all data: the system may write less, and report the error only at the next
        call."""
        while data:
            data = data[self._file.write(data) :]

    def _write(self, **parts: Any) -> None:
        event = self._make(wall_time=time.time(), **parts)
        with write_errors(self._folder):
            try:
                self._records.write(event.SerializeToString())
            except OSError:
                self._file.close()
                raise
