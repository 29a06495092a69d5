"""Helpers of ``test_train``, for other tests too."""

from rigs.model_inputs import small_config

TINY = {
    "threads": 1,
    "training.threads": 1,
    "training.clips": 3,
    "training.validation_clips": 2,
    "training.test_clips": 2,
    "training.clip_s": 4.0,
    "training.listeners": 3,
    "training.test_listeners": 3,
    "training.crop_frames": 32,
    "training.batch": 2,
    "training.steps": 4,
    "training.validate_every": 2,
}


def tiny(data, **changes):
    named = {name.replace("__", "."): value for name, value in changes.items()}
    return small_config().replace(**{**TINY, "training.data": str(data), **named})
