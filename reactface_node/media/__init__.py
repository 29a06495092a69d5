"""Sound and video in and out: decoding, resampling, capture, encoding, and a window on a screen."""
