"""Finds why a recording works badly: properties of its camera, microphone and face."""
