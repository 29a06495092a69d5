"""The released code's variant of the model, and its checkpoints."""
