"""Runs a model: the stepper protocol, torch, onnxruntime, batches of sessions, device failures."""
