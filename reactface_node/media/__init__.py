"""Audio and video input and output: decoding, resampling, capture, encoding, display."""
