"""What several tests share: fakes, small models, made inputs."""
