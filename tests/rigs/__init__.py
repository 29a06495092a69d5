"""Shared by several tests: fakes, small models, generated inputs."""
