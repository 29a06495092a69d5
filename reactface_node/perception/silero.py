"""Probability of speech by silero-vad's ONNX model, run by onnxruntime on one thread."""

from pathlib import Path
from typing import Any

import numpy as np

from reactface_node.errors import UserError
from reactface_node.files.resources import refuse_stand_in

FRAME = 512
"""Samples of a frame at 16 kHz, 32 ms: the model reads no other length."""
CONTEXT = 64
"""Samples of the frame before that the model reads again."""
STATE = (1, 1, 128)
INPUTS = {"input": (None, CONTEXT + FRAME), "h": STATE, "c": STATE}
HELP = "get it again: reactface weights --download voice_activity"


class SileroModel:
    """The model's weights. Streams made from it may be used on different threads."""

    def __init__(self, path: Path):
        """UserError if onnxruntime is missing or the file is not this model."""
        refuse_stand_in(path)
        self._session = _open(path)
        try:
            silent = self.stream().probability(np.zeros(FRAME, np.float32))
        except Exception as error:  # onnxruntime raises a dozen kinds, none of them public
            raise _damaged(path, error) from error
        if not 0.0 <= silent <= 0.5:
            raise _damaged(path, ValueError(f"silence is speech with probability {silent}"))

    def stream(self) -> "SileroStream":
        """The state of a new signal."""
        return SileroStream(self._session)


class SileroStream:
    """One signal. Frames follow each other without a gap."""

    def __init__(self, session: Any):
        self._session = session
        self._frame = np.zeros((1, CONTEXT + FRAME), np.float32)
        self._h = self._c = np.zeros(STATE, np.float32)

    def probability(self, samples: np.ndarray) -> float:
        """(512,) float32 in [-1, 1] at 16 kHz -> the probability that somebody speaks there."""
        self._frame[0, :CONTEXT] = self._frame[0, -CONTEXT:]
        self._frame[0, CONTEXT:] = samples
        inputs = {"input": self._frame, "h": self._h, "c": self._c}
        found, self._h, self._c = self._session.run(["speech_probs", "hn", "cn"], inputs)
        return float(found.item())


def _open(path: Path) -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise UserError(
            f"voice activity needs onnxruntime ({error}): pip install onnxruntime"
        ) from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    # The error contains onnxruntime's message.
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )
        found = {one.name: tuple(one.shape) for one in session.get_inputs()}
    except Exception as error:  # onnxruntime raises a dozen kinds, none of them public
        raise _damaged(path, error) from error
    if found.keys() != INPUTS.keys() or any(
        wanted is not None and wanted != length
        for name, shape in INPUTS.items()
        for wanted, length in zip(shape, (*found[name], 0, 0, 0), strict=False)
    ):
        raise _damaged(path, ValueError(f"its inputs are {', '.join(found) or 'none'}"))
    return session


def _damaged(path: Path, error: Exception) -> UserError:
    reason = (str(error).splitlines() or [type(error).__name__])[0]
    return UserError(f"{path} is damaged or no model of silero-vad ({reason}): {HELP}")
