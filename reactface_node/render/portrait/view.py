"""The portrait renderer: PIRender animates a person's picture, window by window."""

import logging
from concurrent.futures import Future, ThreadPoolExecutor

import cv2
import numpy as np
import torch
from torch import Tensor

from reactface_node.config import PerceptionConfig, RenderConfig
from reactface_node.engine.devices import DeviceGuard
from reactface_node.errors import UserError
from reactface_node.files import resources
from reactface_node.media.fitting import fitted
from reactface_node.model.checkpoint import resolve_device
from reactface_node.render.portrait.generator import RADIUS, WINDOW, frames_around
from reactface_node.render.portrait.painter import Painter, precision_of
from reactface_node.render.portrait.picture import find_portrait, read_portrait
from reactface_node.render.portrait.weights import load_generator
from reactface_node.render.renderer import Draw
from reactface_node.schema import NUM_COEFFICIENTS

BACKGROUND = 24


class Context:
    """The frames around each frame that is drawn, as far as they are known.

    The picture of frame t needs the frames t - 13 .. t + 13. The last known frame stands for later
    ones, the first for those before it. ``look_ahead`` n: at frame t, frame t - n (or the first) is
    drawn, for which n later frames are known.
    """

    def __init__(self, look_ahead: int):
        self._look_ahead = look_ahead
        self._past = np.zeros((0, NUM_COEFFICIENTS), np.float32)

    def follow(self, faces: np.ndarray) -> np.ndarray:
        """The next faces (w, 58) -> (w, 58, 27)."""
        known = np.concatenate([self._past, faces])
        drawn = len(self._past) + np.arange(len(faces)) - self._look_ahead
        # These frames suffice: before the first one the conversation had not begun.
        self._past = known[-(RADIUS + self._look_ahead) :]
        return frames_around(known, np.maximum(drawn, 0))


class Portrait:
    """Draws the person of ``render.portrait``; on a GPU, the rest of a window as one batch.

    UserError if the weights or the portrait cannot be used; then nothing is loaded.
    """

    def __init__(
        self,
        config: RenderConfig,
        on_device_failure: str = "stop",
        landmarker: str = PerceptionConfig.landmarker,
    ):
        """landmarker: the setting ``perception.landmarker``."""
        self.size = (config.width, config.height)
        self._config = self._shown = config
        self._landmarker = landmarker
        self._reading: tuple[RenderConfig, Future[Tensor]] | None = None
        self._picture = read_portrait(config.portraits, config.portrait, landmarker)
        path = resources.weights_file(config.pirender)
        if path is None:
            raise UserError(
                f"no PIRender weights '{config.pirender}': see cur_model_fold.pth in `reactface "
                "weights`, or train some with `reactface portrait train`; then set render.pirender"
            )

        def load(device: str) -> Painter:
            precision = precision_of(config.precision, resolve_device(device))
            if device != config.device:
                # After a failure of the GPU the CPU takes over, with float32.
                precision = torch.float32
            return Painter(load_generator(path, device), device, precision)

        self._painter = DeviceGuard(
            load, config.device, on_device_failure, "the portrait", "render.device"
        )
        self._context = Context(config.look_ahead)
        if config.device == "cpu":
            logging.getLogger(__name__).warning(
                "a portrait takes about a second a frame on a CPU: enough for a recording, not "
                "for a robot; set render.device"
            )

    def render(self, coefficients: np.ndarray) -> np.ndarray:
        """(58,) of a face held still -> (H, W, 3) uint8 RGB."""
        still = np.repeat(np.nan_to_num(coefficients)[None, :, None], WINDOW, axis=2)
        return self._draw(still)[0]

    def begin(self, faces: np.ndarray) -> Draw:
        """(w, 58): the next window. To draw one picture may also draw the following ones."""
        around = self._context.follow(np.nan_to_num(faces))
        pictures: dict[int, np.ndarray] = {}

        def draw(frame: int) -> np.ndarray:
            if frame not in pictures:
                wanted = [i for i in range(frame, len(around)) if i not in pictures]
                pictures.update(zip(wanted, self._draw(around[wanted]), strict=False))
            return pictures[frame]

        return draw

    def check(self, config: RenderConfig) -> None:
        """UserError if there is no such picture; whether it shows a face is checked later."""
        if config.portrait != self._shown.portrait:
            find_portrait(config.portraits, config.portrait)

    def configure(self, config: RenderConfig) -> None:
        """Use another portrait from the same folder. It is read on a separate thread, since finding
        the face takes long, and shown once it is read. Of several waiting ones only the last is
        read."""
        self.check(config)
        self._config = config
        if self._reading is None:
            self._begin_reading()

    def settle(self) -> tuple[str, RenderConfig] | None:
        if self._reading is None or not self._reading[1].done():
            return None
        (config, future), self._reading = self._reading, None
        error = future.exception()
        if config.portrait != self._config.portrait:
            self._begin_reading()
            return None
        if error is None:
            self._picture, self._shown = future.result(), config
            return None
        self._config = self._shown
        known = isinstance(error, UserError)
        return (str(error) if known else f"{config.portrait}: {error!r}"), self._shown

    def _begin_reading(self) -> None:
        config = self._config
        if config.portrait == self._shown.portrait:
            return
        pool = ThreadPoolExecutor(1, thread_name_prefix="portrait")
        self._reading = (
            config,
            pool.submit(read_portrait, config.portraits, config.portrait, self._landmarker),
        )
        pool.shutdown(wait=False)

    def reset(self) -> None:
        self._context = Context(self._config.look_ahead)

    def _draw(self, around: np.ndarray) -> list[np.ndarray]:
        """(n, 58, 27) in our space -> new pictures of the first frames, at least one."""
        return [
            fitted(rgb, *self.size, BACKGROUND, cv2.INTER_CUBIC)
            for rgb in self._painter.run(lambda painter: painter.paint(self._picture, around))
        ]
