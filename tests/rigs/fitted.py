"""Files of fitted listeners, for the small model of the rigs."""

import numpy as np

from reactface_node.engine.identity import weights_hash
from reactface_node.model.checkpoint import save_checkpoint
from reactface_node.session.fitted import FittedListener
from rigs.model_inputs import small_config, small_model

SIZE = 3
GAINS = {"nod_gain": 1.5, "smile_gain": 0.5, "gaze_gain": 0.0, "blinks_per_min": 12.0}


def make_fitted(folder, seed=5, **changes):
    """(config with the small model's checkpoint in the folder, model, fitted listener)."""
    config = small_config(model__disposition=SIZE, playout__dispositions=str(folder), **changes)
    model, checkpoint = small_model(config), folder / "small.safetensors"
    save_checkpoint(checkpoint, model, config, {}, "none")
    config = config.replace(weights=str(checkpoint))
    return config, model, fitted_for(config, seed)


def fitted_for(config, seed=5, gains=GAINS):
    who = 2 * np.random.default_rng(seed).standard_normal(SIZE).astype(np.float32)
    who = who.round(6).astype(np.float32)
    return FittedListener(who, gains, weights_hash(config.weights), {"nod_rate": 6.0}, {})
