"""What runs a model: the stepper protocol, torch, onnxruntime, batches of states, lost devices."""
