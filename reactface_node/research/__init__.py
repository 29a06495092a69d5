"""What a robot does not need: data, training and evaluation."""
