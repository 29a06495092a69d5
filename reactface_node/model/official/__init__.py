"""The model of the paper's released code, and its checkpoints."""
