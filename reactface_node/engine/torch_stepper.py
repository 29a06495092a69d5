"""Runs the listener of a config by torch, of our model or of the released code's."""

import copy
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.utils import parametrize

from reactface_node.config import Config, ModelConfig
from reactface_node.engine.stepper import SpeakerFrames
from reactface_node.engine.upload import send, upload
from reactface_node.errors import UserError
from reactface_node.model.architecture import find_weights
from reactface_node.model.checkpoint import load_checkpoint, resolve_device
from reactface_node.model.face import PixelEncoder
from reactface_node.model.official.checkpoint import is_official, load_official
from reactface_node.model.official.session import OfficialListener
from reactface_node.model.reactface import ReactFace
from reactface_node.model.speech import Wav2Vec2Encoder


def load_listener(config: Config, device: str) -> ReactFace | OfficialListener:
    """The model with its weights; UserError if they are missing or do not fit."""
    path = find_weights(config.weights)
    if config.model.behaviour == "official":
        if config.precision != "float32":
            raise UserError("precision is for the paper profile: official computes what it did")
        return load_official(path, config.model, device)
    if is_official(path):
        raise UserError(f"{path} is not ours; for the released code's take --profile official")
    return lowered(load_checkpoint(path, config.model, device).model, config.precision, device)


def sampled_as(
    model: ReactFace | OfficialListener, config: ModelConfig
) -> ReactFace | OfficialListener:
    """A model with the same, shared weights and the temperature and momentum of ``config``."""
    # Shallow copies: parameters and buffers are the same tensors.
    drawn = copy.copy(model)
    drawn.config = replace(model.config, temperature=config.temperature, momentum=config.momentum)
    if isinstance(drawn, OfficialListener):
        net = copy.copy(drawn.net)
        net.config = drawn.config
        drawn._modules = {**drawn._modules, "net": net}
    return drawn


class TorchStepper:
    """See ``stepper.Stepper``. The model is shared and never changed."""

    def __init__(self, model: ReactFace | OfficialListener):
        self._model = model
        self.window, self.noise_width = model.config.window, model.noise_width
        self.disposition = model.config.disposition
        self._device = model.listener_mean.device
        self._state: Any = None

    def begin(self, disposition: np.ndarray) -> None:
        who = torch.from_numpy(disposition[None]).to(self._device)
        self._state = self._model.initial_state(1, len(disposition), who, streaming=True)

    def describe(self, disposition: np.ndarray) -> None:
        who = torch.from_numpy(disposition[None]).to(self._device)
        self._state = replace(self._state, disposition=who)

    def step(self, speaker: SpeakerFrames, noise: np.ndarray) -> np.ndarray:
        spoken, drawn = upload([speaker], self._device), send(noise[None], self._device)
        with torch.inference_mode():
            output, self._state = self._model.step(spoken, drawn, self._state)
        shown: np.ndarray = output.listener[0].cpu().numpy()
        return shown

    def check(self, config: ModelConfig) -> None:
        """All changes are possible."""

    def configure(self, config: ModelConfig) -> None:
        self._model = sampled_as(self._model, config)


def load_model(config: Config) -> ReactFace | OfficialListener:
    """``load_listener`` on the config's device; sets torch's thread count for the process."""
    device = resolve_device(config.device)
    if config.threads:
        torch.set_num_threads(config.threads)
    return load_listener(config, device)


def load_stepper(config: Config) -> TorchStepper:
    """The stepper of a session; loads as ``load_model``."""
    return TorchStepper(load_model(config))


def lowered(model: ReactFace, precision: str, device: str) -> ReactFace:
    """The model for inference with its large encoders in that precision; other parts and the
    state stay float32. UserError if it has none, or if the device does not support it."""
    face, speech = model.face_encoder, model.speech_encoder
    if isinstance(speech, Wav2Vec2Encoder):
        fold(speech.backbone)
    if precision == "float32":
        return model
    if not isinstance(face, PixelEncoder) or not isinstance(speech, Wav2Vec2Encoder):
        raise UserError(f"precision={precision} is for the paper profile: nothing else is large")
    if precision == "float16" and device == "cpu":
        raise UserError("precision=float16 needs a GPU: bfloat16 works on the cpu")
    for part in (face.convolutions, speech.backbone):
        part.to(getattr(torch, precision))
    return model


def fold(backbone: nn.Module) -> None:
    """Compute parametrized weights (the positional convolution's) once instead of in every
    window. Their names then differ from the checkpoint's."""
    for module in list(backbone.modules()):
        if parametrize.is_parametrized(module, "weight"):
            parametrize.remove_parametrizations(module, "weight")
