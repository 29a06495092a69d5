"""Small models and inputs for the tests of model and session."""

import torch

from reactface_node.config import Config
from reactface_node.engine.engine import Engine, frames_at_once
from reactface_node.engine.torch_stepper import TorchStepper
from reactface_node.model.reactface import ReactFace
from reactface_node.model.records import SpeakerInput
from reactface_node.schema import NUM_COEFFICIENTS, SAMPLES_PER_FRAME

SMALL = {
    "model.width": 32,
    "model.heads": 4,
    "model.face_layers": 2,
    "model.cie_layers": 3,
    "model.history_s": 1.28,
    "model.sync_history_s": 1.28,
    "mode": "window",
    "playout.playout_delay_s": 0.06,
    "playout.seed": 0,
    "training.event_steps": 2,
    "training.proportion_steps": 1,
}
PIXELS = 32
W = 8


def small_config(profile: str = "default", **changes) -> Config:
    """A config of the profile with a model small enough for tests."""
    named = {name.replace("__", "."): value for name, value in changes.items()}
    return Config.load(profile, overrides={**SMALL, **named})


def small_wav2vec2():
    """wav2vec 2.0's architecture with seeded weights, small."""
    from transformers import Wav2Vec2Config, Wav2Vec2Model

    torch.manual_seed(1)
    return Wav2Vec2Model(
        Wav2Vec2Config(
            hidden_size=32,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=64,
            conv_dim=(16,) * 7,
            num_conv_pos_embeddings=16,
            num_conv_pos_embedding_groups=4,
            apply_spec_augment=False,
        )
    ).eval()


def small_model(config: Config) -> ReactFace:
    """The config's model with seeded weights, in evaluation mode."""
    wav2vec2 = small_wav2vec2() if config.model.speech_encoder == "wav2vec2" else None
    torch.manual_seed(0)
    return ReactFace(config.model, wav2vec2).eval()


def engine_for(config: Config, model=None) -> Engine:
    """What a session runs: the model, or the config's small one."""
    return Engine(TorchStepper(model or small_model(config)), frames_at_once(config))


def speaker_input(config: Config, frames: int, batch: int = 1, seed: int = 0) -> SpeakerInput:
    """Random faces and audio, with a stretch without a face and one without a voice."""
    generator = torch.Generator().manual_seed(seed)
    if config.model.face_encoder == "coefficients":
        face = torch.randn(batch, frames, NUM_COEFFICIENTS, generator=generator)
        valid = torch.ones(batch, frames, NUM_COEFFICIENTS, dtype=torch.bool)
    else:
        face = torch.randn(batch, frames, 3, PIXELS, PIXELS, generator=generator)
        valid = torch.ones(batch, frames, dtype=torch.bool)
    audio = 0.1 * torch.randn(batch, frames * SAMPLES_PER_FRAME, generator=generator)
    heard = torch.ones(batch, frames, dtype=torch.bool)
    valid[:, frames // 2 : frames // 2 + 5] = False
    heard[:, frames // 4 : frames // 4 + 3] = False
    return SpeakerInput(face, valid, audio, heard)
