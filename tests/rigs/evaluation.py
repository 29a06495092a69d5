"""Helpers of ``test_evaluate``, for other tests too."""

from rigs.model_inputs import SMALL

TINY = {
    "threads": 1,
    "training.clips": 3,
    "training.validation_clips": 2,
    "training.test_clips": 2,
    "training.clip_s": 6.0,
    "training.listeners": 2,
    "training.test_listeners": 2,
    "training.crop_frames": 32,
    "training.batch": 2,
    "training.steps": 2,
    "training.validate_every": 2,
    "model.disposition": 4,
    "model.nods": True,
}


def settings(**more):
    named = {**SMALL, **TINY, **{k.replace("__", "."): v for k, v in more.items()}}
    return [f"--set={name}={value}" for name, value in named.items()]
