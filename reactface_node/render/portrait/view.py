"""The portrait renderer: PIRender on a picture of a person, window by window."""

import logging

import cv2
import numpy as np
import torch

from reactface_node import resources
from reactface_node.config import RenderConfig
from reactface_node.errors import UserError
from reactface_node.faceverse import Space
from reactface_node.fitting import fitted
from reactface_node.model.checkpoint import resolve_device
from reactface_node.render import Draw
from reactface_node.render.portrait.generator import RADIUS, WINDOW, FaceGenerator, frames_around
from reactface_node.render.portrait.picture import read_portrait
from reactface_node.render.portrait.weights import load_generator
from reactface_node.schema import NUM_COEFFICIENTS

BACKGROUND = 24


class Context:
    """The frames around each frame that is drawn, as far as they are known.

    A picture of frame t takes t - 13 .. t + 13. What has not come yet is the last frame that
    has; before the first frame there is the first. ``look_ahead`` n: at frame t frame t - n is
    drawn (or the first), of which n more frames are known.
    """

    def __init__(self, look_ahead: int):
        self._look_ahead = look_ahead
        self._past = np.zeros((0, NUM_COEFFICIENTS), np.float32)

    def follow(self, faces: np.ndarray) -> np.ndarray:
        """The next faces (w, 58) -> (w, 58, 27)."""
        known = np.concatenate([self._past, faces])
        drawn = len(self._past) + np.arange(len(faces)) - self._look_ahead
        # Enough is kept: what lies before it lies before the conversation.
        self._past = known[-(RADIUS + self._look_ahead) :]
        return frames_around(known, np.maximum(drawn, 0))


class Portrait:
    """Draws the person of ``render.portrait``; a whole window is one batch.

    UserError, and nothing is loaded, where weights or portrait cannot be used.
    """

    def __init__(self, config: RenderConfig):
        self.size = (config.width, config.height)
        self._config = config
        resolve_device(config.device)
        self._picture = read_portrait(config.portraits, config.portrait).to(config.device)
        path = resources.weights_file(config.pirender)
        if path is None:
            raise UserError(
                f"no PIRender weights '{config.pirender}': see cur_model_fold.pth in `reactface "
                "weights`, or train some with `reactface portrait train`; then set render.pirender"
            )
        loaded = load_generator(path, config.device)
        self._net: FaceGenerator = loaded.net
        self._space = Space.of() if loaded.space == "faceverse" else None
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
        """(w, 58): the next window. The first picture that is asked for draws all of them."""
        around = self._context.follow(np.nan_to_num(faces))
        pictures: list[np.ndarray] = []

        def draw(frame: int) -> np.ndarray:
            if not pictures:
                pictures.extend(self._draw(around))
            return pictures[frame]

        return draw

    def configure(self, config: RenderConfig) -> None:
        """Another portrait from the same folder; UserError leaves the old one."""
        if config.portrait != self._config.portrait:
            picture = read_portrait(config.portraits, config.portrait)
            self._picture = picture.to(config.device)
        self._config = config

    def reset(self) -> None:
        self._context = Context(self._config.look_ahead)

    def _draw(self, around: np.ndarray) -> list[np.ndarray]:
        """(n, 58, 27) in our space -> n pictures, each the caller's own."""
        if self._space is not None:
            around = self._space.to_faceverse(around.transpose(0, 2, 1)).transpose(0, 2, 1)
        coefficients = torch.from_numpy(np.ascontiguousarray(around, np.float32))
        with torch.inference_mode():
            portrait = self._picture.expand(len(around), -1, -1, -1)
            edited = self._net(portrait, coefficients.to(self._picture.device)).edited
            pixels = ((edited + 1.0) * 127.5).round().clamp(0, 255).byte()
        return [
            fitted(rgb, *self.size, BACKGROUND, cv2.INTER_CUBIC)
            for rgb in pixels.permute(0, 2, 3, 1).cpu().numpy()
        ]
