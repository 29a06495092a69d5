"""TensorBoard: what a run says of itself on the way."""

from pathlib import Path

import numpy as np


class Report:
    """Scalars every few steps, metrics and pictures at validation; silent in other processes."""

    EVERY = 10

    def __init__(self, out: Path, active: bool):
        self._writer = None
        if active:
            from torch.utils.tensorboard import SummaryWriter

            self._writer = SummaryWriter(str(out / "tensorboard"))

    def step(self, step: int, parts: dict[str, float], clip_s: float, seconds: float) -> None:
        """Weighted loss terms, and the throughput: seconds of conversation a second."""
        if self._writer is None or step % self.EVERY:
            return
        for name, value in parts.items():
            self._writer.add_scalar(f"loss/{name}", value, step)
        self._writer.add_scalar("loss/total", sum(parts.values()), step)
        self._writer.add_scalar("throughput/conversation_s_per_s", clip_s / seconds, step)

    def metrics(self, step: int, metrics: dict[str, float]) -> None:
        """A validation's numbers."""
        if self._writer is not None:
            for name, value in metrics.items():
                self._writer.add_scalar(f"validation/{name}", value, step)

    def picture(self, step: int, name: str, rgb: np.ndarray) -> None:
        """(H, W, 3) uint8."""
        if self._writer is not None:
            self._writer.add_image(name, rgb, step, dataformats="HWC")

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
